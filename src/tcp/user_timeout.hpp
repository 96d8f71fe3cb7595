// The user timeout option (RFC 5482), on SYNs: how long each end will keep a connection whose data is not acknowledged, so that the
// other does not give up earlier. Off unless the netns has tcp_user_timeout_option.
#pragma once

#include "tcp/context.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp::user_timeout {

// RFC 5482 3.1: what a peer asks for is followed within these limits. The lower one is R2's least (RFC 1122 4.2.3.5); the upper one
// keeps peers from holding memory for days.
inline constexpr u32 least_ms = 100'000, most_ms = 3'600'000;
inline constexpr u32 default_ms = 300'000;  // RFC 9293 3.9.1.1: five minutes, where the user has not said

// RFC 5482 3: 15 bits of seconds, or of minutes where the first bit is set. 0 must not be sent.
[[nodiscard]] constexpr u16 encode(u32 ms) noexcept {
  const u32 s = std::max<u32>((ms + 999) / 1'000, 1);
  if (s <= 0x7fff) return static_cast<u16>(s);
  return static_cast<u16>(0x8000 | std::min<u32>((s + 59) / 60, 0x7fff));
}
[[nodiscard]] constexpr u64 decode_ms(u16 option) noexcept { return u64{option & 0x7fffu} * ((option & 0x8000) != 0 ? 60'000 : 1'000); }

// What to say on a SYN or SYN-ACK of this connection, or listener; nothing where the option is off.
[[nodiscard]] std::optional<u16> to_send(const Context& cx, const Tcb& t) noexcept;
// What the peer's has said. Without effect where the user has set a timeout (RFC 5482 3.1: CHANGEABLE).
void adopt(Context& cx, Tcb& t, std::optional<u16> option) noexcept;

}  // namespace weir::tcp::user_timeout
