// Records of what was sent, in sequence order, in chunks: append and pop are a store, finding a sequence number is two binary
// searches, an insertion moves at most one chunk. Empty it holds no memory but its directory.
#pragma once

#include <vector>

#include "base/seq.hpp"
#include "base/slab.hpp"

namespace weir::tcp {

// One segment or super-segment in flight, with what the connection was like when it was (last) sent.
struct Sent {
  SeqNum start{};
  u32 len = 0;          // a FIN counts
  u32 xmit_us = 0;      // when it was last sent
  u16 mss = 0;          // of the segments it was cut into: SACK edges lie on multiples of it
  u8 flags = 0;
  u8 times = 0;         // how often it was sent again
  u32 delivered_us = 0, first_us = 0;  // delivery-rate sample: when `delivered` was, when its flight began
  u32 in_flight = 0, lost = 0;
  u64 delivered = 0;

  static constexpr u8 sacked = 1;      // the peer has it, out of order
  static constexpr u8 missing = 2;     // judged lost
  static constexpr u8 again = 4;       // a retransmission is on its way
  static constexpr u8 ever = 8;        // was sent again at some time: ambiguous (Karn)
  static constexpr u8 app_limited = 16;

  [[nodiscard]] SeqNum end() const noexcept { return start + len; }
  [[nodiscard]] bool is(u8 f) const noexcept { return (flags & f) != 0; }
  void set(u8 f) noexcept { flags = static_cast<u8>(flags | f); }
  void unset(u8 f) noexcept { flags = static_cast<u8>(flags & ~f); }
};
static_assert(sizeof(Sent) == 40);

struct SentChunk {
  static constexpr u32 room = 25;
  u32 first = 0, n = 0;  // records [first, first + n)
  Sent at[room];
};
using SentChunks = Slab<SentChunk>;

// Contract: every call takes the slab that the chunks are of; clear() before the list goes away. Records are contiguous: each
// one starts where the one before ends.
class SentList {
 public:
  struct Pos {
    u32 chunk = 0, i = 0;  // of the directory; of the chunk
    friend bool operator==(Pos, Pos) noexcept = default;
  };

  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] u32 size() const noexcept { return n_; }
  [[nodiscard]] Pos begin() const noexcept { return {head_, 0}; }
  [[nodiscard]] bool valid(Pos p) const noexcept { return p.chunk < dir_.size(); }
  [[nodiscard]] Sent& at(SentChunks& c, Pos p) const noexcept {
    SentChunk& k = c[dir_[p.chunk]];
    return k.at[k.first + p.i];
  }
  [[nodiscard]] Sent& front(SentChunks& c) const noexcept { return at(c, begin()); }
  [[nodiscard]] Sent& back(SentChunks& c) const noexcept {
    SentChunk& k = c[dir_.back()];
    return k.at[k.first + k.n - 1];
  }
  [[nodiscard]] Pos next(SentChunks& c, Pos p) const noexcept {
    if (p.i + 1 < c[dir_[p.chunk]].n) return {p.chunk, p.i + 1};
    return {p.chunk + 1, 0};
  }
  [[nodiscard]] Pos before(SentChunks& c, Pos p) const noexcept {  // p is not begin()
    if (p.i != 0) return {p.chunk, p.i - 1};
    return {p.chunk - 1, c[dir_[p.chunk - 1]].n - 1};
  }
  // The record that holds seq, or the first one behind it; not valid() behind the last.
  [[nodiscard]] Pos find(SentChunks& c, SeqNum seq) const noexcept;

  bool push(SentChunks& c, const Sent& s) noexcept;  // false: no memory
  void pop_front(SentChunks& c) noexcept;
  // Cuts the record in two; the first keeps `length` bytes and p is where it is then. False: no memory, nothing has changed.
  bool split(SentChunks& c, Pos& p, u32 length) noexcept;
  void erase(SentChunks& c, Pos p) noexcept;
  void clear(SentChunks& c) noexcept;

 private:
  bool insert_after(SentChunks& c, Pos& p, const Sent& s) noexcept;
  bool halve(SentChunks& c, u32 chunk) noexcept;
  void drop_chunk(SentChunks& c, u32 chunk) noexcept;

  std::vector<u32> dir_;  // chunks in order, from head_ on
  u32 head_ = 0;
  u32 n_ = 0;
};

}  // namespace weir::tcp
