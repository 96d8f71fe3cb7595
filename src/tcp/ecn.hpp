// Explicit congestion notification: RFC 3168 6.1, and the precise echo of RFC 8257 3.2 for controllers that answer marks in proportion.
#pragma once

#include "tcp/recovery/recovery.hpp"

namespace weir::tcp::ecn {

inline constexpr u8 not_ect = 0, ect1 = 1, ect0 = 2, ce = 3;  // of the IP header

// -- SYNs
// Flags of our SYN: once it was lost or refused, plain ones (RFC 3168 6.1.1.1).
[[nodiscard]] u16 syn_flags(const Context& cx, Tcb& t) noexcept;
// Is this SYN an offer that we take (tcp_ecn 1 or 2)?
[[nodiscard]] inline bool accepts(const Sysctl& sys, const Segment& seg) noexcept {
  constexpr u16 offer = TcpFlags::ece | TcpFlags::cwr;
  //= rfc3168#6.1.1 MUST-4
  return sys.tcp_ecn != 0 && (seg.ctl.bits & offer) == offer && seg.ecn == not_ect;
}
// A SYN-ACK for our SYN.
inline void take_syn_ack(Tcb& t, const Segment& seg) noexcept {
  constexpr u16 both = TcpFlags::ece | TcpFlags::cwr;
  //= rfc3168#6.1.1 SHLD-1
  if ((t.ecn & EcnState::offered) != 0 && (seg.ctl.bits & both) == TcpFlags::ece) t.ecn |= EcnState::on;
}

// -- what we send
// IP bits of a segment: data that is new, and nothing else (6.1.4, 6.1.5, 6.1.6).
[[nodiscard]] inline u8 ip_bits(const Tcb& t, u32 data, bool again, bool probe) noexcept {
  //= rfc3168#6.1.1 MUST-3
  //= rfc3168#5 SHLD-2
  //= rfc3168#6.1.4 MUST-12
  //= rfc3168#6.1.5 MUST-13
  //= rfc3168#6.1.6 MUST-14
  return (t.ecn & EcnState::on) != 0 && data != 0 && !again && !probe ? ect0 : not_ect;
}
// ECE while the peer has not reduced, CWR once with new data after a reduction.
[[nodiscard]] u16 flags(Tcb& t, u32 data, bool again) noexcept;

// -- what arrives
// A data segment (6.1.3): its mark, and the peer's CWR.
void on_data(Context& cx, Tcb& t, const Segment& seg) noexcept;

// The window has been reduced, for whatever reason (6.1.2).
inline void reduced(Tcb& t) noexcept {
  if ((t.ecn & EcnState::on) != 0) t.ecn |= EcnState::tell_cwr;
}

}  // namespace weir::tcp::ecn
