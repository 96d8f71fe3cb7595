// Proportional rate reduction: RFC 9937. In recovery, how much an ACK lets out.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::prr {

// RFC 9937 6.1, when an episode begins: ssthresh is set already. `l`: the ACK that began it.
inline void begin(Tcb& t, Sender& s, const Learnt& l) noexcept {
  const u32 before = s.board.sacked() + s.dup_bytes;
  //= rfc9937#6.1 MUST-1
  const u32 known = before > l.newly_sacked ? before - l.newly_sacked : 0;  // had arrived before this ACK
  s.prr = {};
  s.prr.flight_size = std::max(t.flight() + l.acked > known ? t.flight() + l.acked - known : 0, u32{t.snd_mss});
}

// For each ACK of the episode, the first one too. Sets cwnd.
inline void on_ack(Tcb& t, Sender& s, const Learnt& l) noexcept {
  const u32 flight = in_flight(t, s), mss = t.snd_mss;
  s.prr.delivered += l.delivered;
  u64 n = 0;
  if (flight > t.ssthresh) {
    const u64 due = (u64{s.prr.delivered} * t.ssthresh + s.prr.flight_size - 1) / s.prr.flight_size;
    //= rfc9937#6.2 MUST-2
    n = due > s.prr.out ? due - s.prr.out : 0;
  } else {
    //= rfc9937#6.2 MUST-3
    n = std::max<u64>(s.prr.delivered > s.prr.out ? s.prr.delivered - s.prr.out : 0, l.delivered);
    //= rfc9937#6.2 MUST-4
    if (l.advanced && l.lost == 0) n += mss;  // nothing more is missing: slow start's pace
    //= rfc9937#6.2 MUST-5
    n = std::min<u64>(n, t.ssthresh - flight);
  }
  // A fast retransmit in any case; without SACK one for each partial ACK too (RFC 6582 3.2 step 2).
  //= rfc9937#6.2 MUST-6
  if (s.prr.out == 0 || (l.advanced && !t.has(HotFlags::sack))) n = std::max<u64>(n, mss);
  t.cwnd = static_cast<u32>(flight + n);
}

}  // namespace weir::tcp::prr
