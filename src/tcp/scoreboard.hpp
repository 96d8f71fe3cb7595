// What is in flight and what is known of it: the scoreboard of RFC 6675 4 with the per-segment state of RFC 8985 6.1. Who judges
// (recovery/rack, recovery/newreno) and who sends (output) use it; it counts and finds, and decides nothing.
#pragma once

#include "tcp/sent_list.hpp"

namespace weir::tcp {

// Contract: SACK blocks given to it lie within what is in flight. Bytes; a FIN counts as one.
//   board.sent(chunks, record);
//   board.acked(chunks, una, [&](const Sent& s) { ... });              // what has left it at the front
//   board.take_sack(chunks, left, right, [&](const Sent& s) { ... });  // what is newly known to have arrived
//   for (Scoreboard::Range gap; board.next_missing(chunks, gap);) board.sent_again(chunks, gap.start, gap.len, now_us);
class Scoreboard {
 public:
  using Pos = SentList::Pos;
  struct Range {
    SeqNum start{};
    u32 len = 0;
  };

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] u32 records() const noexcept { return list_.size(); }
  // Bytes that the peer has out of order, that are judged lost (sent again or not), that are on their way again.
  [[nodiscard]] u32 sacked() const noexcept { return sacked_; }
  [[nodiscard]] u32 missing() const noexcept { return missing_; }
  [[nodiscard]] u32 again() const noexcept { return again_; }
  // Everything that has left the network, less what was put into it twice: FlightSize less this is what is in flight.
  [[nodiscard]] u32 left_network() const noexcept { return sacked_ + missing_ - again_; }

  bool sent(SentChunks& c, const Sent& s) noexcept { return list_.push(c, s); }

  // SND.UNA has moved: f(piece) for each record, or part of one, that is covered.
  template <class F>
  void acked(SentChunks& c, SeqNum una, F&& f) noexcept {
    while (!list_.empty()) {
      Sent& s = list_.front(c);
      if (s.start >= una) return;
      if (s.end() <= una) {
        uncount(s, s.len);
        f(static_cast<const Sent&>(s));
        list_.pop_front(c);
        continue;
      }
      Sent piece = s;
      piece.len = una - s.start;
      uncount(s, piece.len);
      s.start = una;
      s.len -= piece.len;
      f(static_cast<const Sent&>(piece));
      return;
    }
  }

  // The peer has [left, right): f(piece) for each that was not known of. Whole segments only: no receiver keeps less.
  template <class F>
  void take_sack(SentChunks& c, SeqNum left, SeqNum right, F&& f) noexcept {
    for (Pos p = list_.find(c, left); list_.valid(p) && list_.at(c, p).start < right; p = list_.next(c, p)) {
      if (list_.at(c, p).is(Sent::sacked)) continue;
      if (!isolate(c, p, left, right)) continue;
      Sent& s = list_.at(c, p);
      const Sent before = s;
      uncount(s, s.len);
      s.unset(Sent::missing | Sent::again);
      //= rfc2018#5 SHLD-4, SHLD-5
      //= rfc6675#4 MUST-1
      s.set(Sent::sacked);
      sacked_ += s.len;
      f(before);
      p = merge(c, p);
    }
  }

  // Judges a record lost: what was on its way again is lost as well. False: it was judged so and nothing is on its way.
  bool mark_missing(SentChunks& c, Pos p) noexcept;
  // All of [left, right) but what is SACKed; bytes newly judged.
  u32 mark_missing(SentChunks& c, SeqNum left, SeqNum right) noexcept;
  // The peer has thrown away what it had SACKed (RFC 2018 8).
  void forget_sacks(SentChunks& c) noexcept;
  // A reduction was needless: nothing is missing after all.
  void forget_missing(SentChunks& c) noexcept;

  // The first bytes that are missing and not on their way again: a record, cut to one.
  [[nodiscard]] bool next_missing(SentChunks& c, Range& out) noexcept;
  // The first `len` bytes of [start, ...) have been sent again; at most to the end of the record that holds start. The record is
  // returned, to be filled with what the connection is like now; null: no memory, it was not noted.
  Sent* sent_again(SentChunks& c, SeqNum start, u32 len, u32 now_us) noexcept;

  [[nodiscard]] SentList& list() noexcept { return list_; }
  [[nodiscard]] const SentList& list() const noexcept { return list_; }
  void clear(SentChunks& c) noexcept;

 private:
  void uncount(const Sent& s, u32 bytes) noexcept {
    if (s.is(Sent::sacked)) sacked_ -= bytes;
    if (s.is(Sent::missing)) missing_ -= bytes;
    if (s.is(Sent::again)) again_ -= bytes;
  }
  bool isolate(SentChunks& c, Pos& p, SeqNum left, SeqNum right) noexcept;
  Pos merge(SentChunks& c, Pos p) noexcept;

  SentList list_;
  u32 sacked_ = 0, missing_ = 0, again_ = 0;
  SeqNum hint_{};  // nothing before it is missing and not on its way
};

}  // namespace weir::tcp
