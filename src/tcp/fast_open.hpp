// TCP Fast Open (RFC 7413): data on the SYN for who has a cookie.
#pragma once

#include "tcp/context.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp::fast_open {

// Bits of the sysctl tcp_fastopen, as in Linux.
inline constexpr u32 client = 1, server = 2, client_without_cookie = 4, server_without_cookie = 0x200, every_listener = 0x400;

using Cookie = std::array<std::byte, 8>;

// -- server: RFC 7413 4.2.2

enum class Judgement : u8 {
  plain,         // nothing of this SYN is for Fast Open
  send_cookie,   // a usual handshake whose SYN-ACK brings a cookie
  accept,        // the data may be delivered now
  accept_fresh,  // and the cookie is of the key before: a new one goes with the SYN-ACK
};
[[nodiscard]] Judgement judge(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o) noexcept;
// RFC 7413 4.1.2: a keyed hash of the client's address, by the newest key.
[[nodiscard]] Cookie cookie_for(Context& cx, const Flow& flow) noexcept;
// A connection in SYN-RECEIVED that may be accepted and answered now. False: no memory.
[[nodiscard]] bool accept_syn(Context& cx, const HalfOpen& h, Segment& seg, bool fresh) noexcept;
// The handshake of such a connection is over, however it ended.
void ended(Context& cx, Tcb& t) noexcept;
// By an RST: whoever sends SYNs in others' names makes these. It goes on counting for a minute or two (RFC 7413 5.1).
void reset(Context& cx, Tcb& t) noexcept;
// The listener goes; those accepted already go on.
void forget_listener(Context& cx, u32 listener) noexcept;

// -- client: RFC 7413 4.2.1

[[nodiscard]] bool enabled(Context& cx, const Tcb& t) noexcept;
// Would a SYN to that address take data now?
[[nodiscard]] bool may_send_data(Context& cx, const Tcb& t, const IpAddr& to) noexcept;
// Options of the SYN, or SYN-ACK, about to be sent. `storage` holds the cookie while it is being written.
void add_option(Context& cx, Tcb& t, wire::TcpOptionsOut& o, Cookie& storage) noexcept;
// How many bytes of the send queue go with it, beside options of that length.
[[nodiscard]] u32 data_on_syn(Context& cx, Tcb& t, usize options_len) noexcept;
// The SYN-ACK has come: what it says of cookies and of the data.
void syn_acked(Context& cx, Tcb& t, const Segment& seg, const wire::TcpOptions& o) noexcept;

}  // namespace weir::tcp::fast_open
