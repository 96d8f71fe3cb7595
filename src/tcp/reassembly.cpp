// tcp/reassembly.hpp
#include "tcp/reassembly.hpp"

#include <algorithm>
#include <vector>

namespace weir::tcp {

u32 Reassembly::bytes() const noexcept {
  u32 sum = 0;
  for (u32 i = 0; i < n_; ++i) sum += ranges_[i].data.size();
  return sum;
}

// Appends to range i, whose end must be `seq`; bytes added.
u32 Reassembly::fill(buf::Pool& pool, u32 i, SeqNum seq, buf::PacketId packet, u32 skip, u32 length) noexcept {
  WEIR_DASSERT(end(i) == seq);
  static_cast<void>(seq);
  const u32 before = ranges_[i].data.charged();
  const u32 n = ranges_[i].data.append_packet(pool, packet, skip, length);
  charged_ += ranges_[i].data.charged() - before;
  return n;
}

bool Reassembly::open(u32 at, SeqNum seq) noexcept {
  if (n_ == max_ranges) return false;
  if (n_ == ranges_.size()) ranges_.resize(std::max<usize>(4, ranges_.size() * 2));
  for (u32 i = n_; i > at; --i) ranges_[i] = ranges_[i - 1];
  ranges_[at] = {seq, {}};
  ++n_;
  return true;
}

void Reassembly::close(u32 at) noexcept {
  for (u32 i = at + 1; i < n_; ++i) ranges_[i - 1] = ranges_[i];
  --n_;
}

// Range i has reached the start of range i + 1: they become one.
void Reassembly::join(buf::Pool& pool, u32 i) noexcept {
  buf::SliceQueue& to = ranges_[i].data;
  buf::SliceQueue& from = ranges_[i + 1].data;
  charged_ -= to.charged() + from.charged();
  while (!from.empty()) {
    if (!to.append(pool, from.take(pool, ~0u))) break;  // out of slice blocks: the rest of the range is given up
  }
  from.clear(pool);
  charged_ += to.charged();
  close(i + 1);
}

u32 Reassembly::prune_last(buf::Pool& pool) noexcept {
  Range& last = ranges_[n_ - 1];
  const u32 bytes = last.data.size();
  charged_ -= last.data.charged();
  last.data.clear(pool);
  --n_;
  has_fin_ = false;  // it lay beyond; the peer will send it again
  return bytes;
}

std::optional<Reassembly::Span> Reassembly::around(SeqNum seq) const noexcept {
  const auto begin = ranges_.begin();
  const auto r = std::partition_point(begin, begin + n_, [&](const Range& x) { return x.start + x.data.size() <= seq; });
  if (r == begin + n_ || seq < r->start) return {};
  return Span{r->start, r->start + r->data.size()};
}

// To the front. One that lies in the same range as another moves there instead of being listed twice.
void Reassembly::note_recent(SeqNum seq) noexcept {
  const auto now = around(seq);
  const auto same = [&](SeqNum s) { return now && now->start <= s && s < now->end; };
  auto end = std::find_if(recent_.begin(), recent_.end() - 1, same);
  std::copy_backward(recent_.begin(), end, end + 1);
  recent_[0] = seq;
}

Reassembly::Added Reassembly::add(buf::Pool& pool, SeqNum seq, buf::PacketId packet, u32 skip, u32 length, u32 limit) noexcept {
  Added out;
  const SeqNum first = seq, stop = seq + length;
  // First range that ends at or after seq: the only one that seq can extend.
  const auto begin = ranges_.begin();
  u32 i = static_cast<u32>(std::partition_point(begin, begin + n_, [&](const Range& r) { return r.start + r.data.size() < seq; }) - begin);
  while (seq < stop) {
    if (i < n_ && ranges_[i].start <= seq) {  // inside range i, or just behind it
      const u32 have = std::min(end(i) - seq, stop - seq);
      seq += have;
      skip += have;
      if (seq == stop) break;
    } else {
      // No range is left: what lies furthest away is given up for what is needed sooner.
      if (n_ == max_ranges && i < n_) out.pruned += prune_last(pool);
      if (!open(i, seq)) {
        out.refused = true;
        break;
      }
    }
    const SeqNum gap_end = i + 1 < n_ ? seq_min(stop, ranges_[i + 1].start) : stop;
    const u32 n = fill(pool, i, seq, packet, skip, gap_end - seq);
    out.bytes += n;
    seq += n;
    skip += n;
    if (ranges_[i].data.empty()) close(i);
    if (seq != gap_end) {  // out of buffers
      out.refused = true;
      break;
    }
    //= rfc2018#3 MUST-5
    if (i + 1 < n_ && end(i) == ranges_[i + 1].start) join(pool, i);
  }
  while (n_ != 0 && charged_ > limit) out.pruned += prune_last(pool);
  note_recent(first);
  return out;
}

u32 Reassembly::take(buf::Pool& pool, SeqNum next, buf::SliceQueue& into) noexcept {
  u32 taken = 0;
  while (n_ != 0 && ranges_[0].start <= next) {
    buf::SliceQueue& data = ranges_[0].data;
    charged_ -= data.charged();
    const u32 old = std::min(next - ranges_[0].start, data.size());
    data.pop(pool, old);
    while (!data.empty()) {
      const u32 before = into.size();
      const bool room = into.append(pool, data.take(pool, ~0u));
      next += into.size() - before;
      taken += into.size() - before;
      if (!room) break;
    }
    data.clear(pool);
    close(0);
  }
  return taken;
}

void Reassembly::clear(buf::Pool& pool) noexcept {
  for (u32 i = 0; i < n_; ++i) ranges_[i].data.clear(pool);
  n_ = 0;
  charged_ = 0;
  has_fin_ = false;
}

}  // namespace weir::tcp
