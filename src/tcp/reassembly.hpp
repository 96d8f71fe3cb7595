// Data that came out of order (RFC 9293 3.10.7.4, SHLD-31): at most 256 ranges in sequence order, joined where they
// touch. Only this data may be given up under pressure: it was never acknowledged (RFC 2018 8, RFC 9293 3.8.6).
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/seq.hpp"
#include "buf/slice_queue.hpp"

namespace weir::tcp {

// Contract: everything held lies beyond `next` of take(); clear() before it goes away.
//   r.add(pool, seq, packet, skip, length, limit);   // some of it may be there already
//   u32 got = r.take(pool, rcv_nxt, into);           // what has become in order
class Reassembly {
 public:
  static constexpr u32 max_ranges = 256;

  struct Added {
    u32 bytes = 0;    // new ones
    u32 pruned = 0;   // bytes given up to stay within the limits
    bool refused = false;  // not all was taken: no range or no buffer was left
  };
  // Adds packet bytes [skip, skip + length), which start at seq. `limit`: true size of all held, at most.
  Added add(buf::Pool& pool, SeqNum seq, buf::PacketId packet, u32 skip, u32 length, u32 limit) noexcept;
  // Moves the bytes that start at `next` into the queue; how many.
  u32 take(buf::Pool& pool, SeqNum next, buf::SliceQueue& into) noexcept;
  void clear(buf::Pool& pool) noexcept;

  [[nodiscard]] bool empty() const noexcept { return n_ == 0 && !has_fin_; }
  [[nodiscard]] u32 ranges() const noexcept { return n_; }
  [[nodiscard]] u32 charged() const noexcept { return charged_; }
  [[nodiscard]] u32 bytes() const noexcept;

  void set_fin(SeqNum seq) noexcept {
    has_fin_ = true;
    fin_ = seq;
  }
  [[nodiscard]] bool fin_at(SeqNum next) const noexcept { return has_fin_ && fin_ == next; }
  [[nodiscard]] bool has_fin() const noexcept { return has_fin_; }
  [[nodiscard]] SeqNum fin() const noexcept { return fin_; }

  struct Span {
    SeqNum start, end;
  };
  // The range that holds seq.
  [[nodiscard]] std::optional<Span> around(SeqNum seq) const noexcept;
  // Calls f(Span) with the ranges that were added to last, the newest first: what SACK tells (RFC 2018 4).
  template <class F>
  void for_each_recent(F&& f) const noexcept {
    std::array<SeqNum, recent_n> told{};
    u32 n = 0;
    for (const SeqNum seq : recent_) {
      const auto s = around(seq);
      if (!s || std::find(told.begin(), told.begin() + n, s->start) != told.begin() + n) continue;
      told[n++] = s->start;
      f(*s);
    }
  }
  [[nodiscard]] Span range(u32 i) const noexcept { return {ranges_[i].start, ranges_[i].start + ranges_[i].data.size()}; }

 private:
  struct Range {
    SeqNum start;
    buf::SliceQueue data;
  };
  static_assert(sizeof(Range) == 24);

  [[nodiscard]] SeqNum end(u32 i) const noexcept { return ranges_[i].start + ranges_[i].data.size(); }
  u32 fill(buf::Pool& pool, u32 i, SeqNum seq, buf::PacketId packet, u32 skip, u32 length) noexcept;
  bool open(u32 at, SeqNum seq) noexcept;
  void close(u32 at) noexcept;
  void join(buf::Pool& pool, u32 i) noexcept;
  void note_recent(SeqNum seq) noexcept;
  u32 prune_last(buf::Pool& pool) noexcept;

  static constexpr u32 recent_n = 4;
  std::array<SeqNum, recent_n> recent_{};  // where data came last, the newest first
  std::vector<Range> ranges_;  // grown by doubling to max_ranges, sorted by start, never touching
  u32 n_ = 0;
  u32 charged_ = 0;
  bool has_fin_ = false;
  SeqNum fin_{};
};

}  // namespace weir::tcp
