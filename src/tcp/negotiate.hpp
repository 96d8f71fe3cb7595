// What two SYNs agree on: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323), and the initial window (RFC 6928).
#pragma once

#include "tcp/context.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp {

// Shift for a receive buffer of this many bytes: fixed by the SYN, so taken from the largest buffer (RFC 7323 2.2).
[[nodiscard]] constexpr u8 window_shift(u32 rcv_buf) noexcept {
  u8 shift = 0;
  while (shift < 14 && (0xffffu << shift) < rcv_buf) ++shift;
  return shift;
}

// The peer's MSS, or the default of its family: 536 and 1220 (MUST-15). What it announces is obeyed as it is; the floor
// for what we send is applied where segments are sized.
[[nodiscard]] constexpr u16 peer_mss(const wire::TcpOptions& o, bool v4) noexcept {
  if (!o.mss) return v4 ? 536 : 1220;  //= rfc9293#3.7.1 MUST-15
  return *o.mss;
}

[[nodiscard]] constexpr u8 peer_shift(const wire::TcpOptions& o) noexcept {
  //= rfc7323#2.3 MUST-5
  return o.wscale ? std::min<u8>(*o.wscale, 14) : u8{0};  // RFC 7323 2.3: above 14 means 14
}

// ISN = M + F(4-tuple, secret): RFC 9293 3.4.1, RFC 6528. M ticks every 4 us.
[[nodiscard]] SeqNum initial_sequence(const Context& cx, const Flow& f) noexcept;
// Start of the connection's timestamp clock: RFC 7323 5.4, 7.1; unrelated between 4-tuples.
[[nodiscard]] u32 timestamp_offset(const Context& cx, const Flow& f) noexcept;

}  // namespace weir::tcp
