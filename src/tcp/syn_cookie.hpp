// SYN cookies (RFC 4987 3.6): under a flood of SYNs the state of a connection in SYN-RECEIVED travels in the initial sequence number
// of the SYN-ACK, and in the low bits of its timestamp, instead of taking an entry.
#pragma once

#include "tcp/context.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp::syn_cookie {

// A cookie is good in the slot it was made in and in the next one: for one to two minutes.
inline constexpr i64 slot_ns = 64'000'000'000;

// What three bits tell of the peer's MSS: the largest of these that is not above it. The lowest is the floor for what we send.
inline constexpr std::array<u16, 8> mss_classes{48, 256, 536, 1220, 1360, 1440, 1460, 8960};
[[nodiscard]] constexpr u8 mss_class(u16 mss) noexcept {
  u8 c = 0;
  while (c + 1u < mss_classes.size() && mss_classes[c + 1u] <= mss) ++c;
  return c;
}

// What the peer's SYN has offered and is not told again. It needs timestamps: without them the connection has no options.
struct Offered {
  static constexpr u8 no_scale = 15;
  u8 wscale = no_scale;  // 0 to 14
  bool sack = false, ecn = false;
  friend constexpr bool operator==(const Offered&, const Offered&) noexcept = default;
};

// The timestamp that carries it: not after `clock` and at most 64 ms before it, so that all that is sent later is newer
// (RFC 7323 5.3) and time measured by its echo is nearly right.
inline constexpr u32 stamp_bits = 6;
[[nodiscard]] constexpr u32 stamp(u32 clock, const Offered& o) noexcept {
  constexpr u32 step = 1u << stamp_bits;
  const u32 code = o.wscale | (o.sack ? 16u : 0u) | (o.ecn ? 32u : 0u);
  const u32 value = (clock & ~(step - 1)) | code;
  return static_cast<i32>(value - clock) > 0 ? value - step : value;
}
[[nodiscard]] constexpr Offered unstamp(u32 ts) noexcept {
  return {.wscale = static_cast<u8>(ts & 15), .sack = (ts & 16) != 0, .ecn = (ts & 32) != 0};
}

// Answers the SYN with a cookie; nothing is kept.
void send(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o) noexcept;

// An ACK to a listener. False: no cookie that we have sent lately; the segment is untouched. True: it was one, the segment has been
// processed and is gone.
[[nodiscard]] bool arrives(Context& cx, u32 listener, const Flow& flow, Segment& seg) noexcept;

}  // namespace weir::tcp::syn_cookie
