// tcp/scoreboard.hpp
#include "tcp/scoreboard.hpp"

#include <algorithm>

namespace weir::tcp {

// Cuts the record at p so that p is just what of it lies in [left, right), in whole segments. False: nothing does.
bool Scoreboard::isolate(SentChunks& c, Pos& p, SeqNum left, SeqNum right) noexcept {
  const Sent& s = list_.at(c, p);
  const u32 mss = std::max<u32>(s.mss, 1);
  const u32 from = s.start < left ? (left - s.start + mss - 1) / mss * mss : 0;
  const u32 to = s.end() <= right ? s.len : (right - s.start) / mss * mss;
  if (from >= to) return false;
  if (to != s.len && !list_.split(c, p, to)) return false;
  if (from == 0) return true;
  const SeqNum start = list_.at(c, p).start + from;
  if (!list_.split(c, p, from)) return false;
  p = list_.find(c, start);
  return true;
}

// Neighbours that the peer has become one record: a block is found in one step whatever its length.
Scoreboard::Pos Scoreboard::merge(SentChunks& c, Pos p) noexcept {
  const auto swallow = [&](Pos into, Pos gone) {
    const Sent& g = list_.at(c, gone);
    Sent& s = list_.at(c, into);
    s.len += g.len;
    s.set(g.flags & Sent::ever);
    s.times = std::max(s.times, g.times);
    const SeqNum start = s.start;
    list_.erase(c, gone);
    return list_.find(c, start);
  };
  if (const Pos after = list_.next(c, p); list_.valid(after) && list_.at(c, after).is(Sent::sacked)) p = swallow(p, after);
  if (p == list_.begin()) return p;
  const Pos before = list_.before(c, p);
  return list_.at(c, before).is(Sent::sacked) ? swallow(before, p) : p;
}

bool Scoreboard::mark_missing(SentChunks& c, Pos p) noexcept {
  Sent& s = list_.at(c, p);
  if (s.is(Sent::sacked) || (s.is(Sent::missing) && !s.is(Sent::again))) return false;
  uncount(s, s.len);
  s.unset(Sent::again);
  s.set(Sent::missing);
  //= rfc6675#5 MUST-6
  hint_ = missing_ == 0 ? s.start : seq_min(hint_, s.start);
  missing_ += s.len;
  return true;
}

u32 Scoreboard::mark_missing(SentChunks& c, SeqNum left, SeqNum right) noexcept {
  u32 bytes = 0;
  for (Pos p = list_.find(c, left); list_.valid(p) && list_.at(c, p).start < right; p = list_.next(c, p)) {
    if (list_.at(c, p).start < left || list_.at(c, p).end() > right) {
      if (!isolate(c, p, left, right)) continue;
    }
    if (mark_missing(c, p)) bytes += list_.at(c, p).len;
  }
  return bytes;
}

void Scoreboard::forget_sacks(SentChunks& c) noexcept {
  for (Pos p = list_.begin(); list_.valid(p); p = list_.next(c, p)) list_.at(c, p).unset(Sent::sacked);
  sacked_ = 0;
}

void Scoreboard::forget_missing(SentChunks& c) noexcept {
  for (Pos p = list_.begin(); list_.valid(p); p = list_.next(c, p)) list_.at(c, p).unset(Sent::missing);
  missing_ = 0;
}

bool Scoreboard::next_missing(SentChunks& c, Range& out) noexcept {
  if (missing_ == 0) return false;
  for (Pos p = list_.find(c, seq_max(hint_, list_.front(c).start)); list_.valid(p); p = list_.next(c, p)) {
    const Sent& s = list_.at(c, p);
    if (!s.is(Sent::missing) || s.is(Sent::again)) continue;
    hint_ = s.start;
    out = {s.start, s.len};
    return true;
  }
  hint_ = list_.back(c).end();
  return false;
}

Sent* Scoreboard::sent_again(SentChunks& c, SeqNum start, u32 len, u32 now_us) noexcept {
  Pos p = list_.find(c, start);
  if (!list_.valid(p) || list_.at(c, p).is(Sent::sacked)) return nullptr;
  if (list_.at(c, p).start != start) {
    if (!list_.split(c, p, start - list_.at(c, p).start)) return nullptr;
    p = list_.find(c, start);
  }
  if (len < list_.at(c, p).len && !list_.split(c, p, len)) return nullptr;
  Sent& s = list_.at(c, p);
  if (!s.is(Sent::again)) again_ += s.len;
  s.set(Sent::again | Sent::ever);
  s.xmit_us = now_us;
  if (s.times != 255) ++s.times;
  return &s;
}

void Scoreboard::clear(SentChunks& c) noexcept {
  list_.clear(c);
  sacked_ = missing_ = again_ = 0;
}

}  // namespace weir::tcp
