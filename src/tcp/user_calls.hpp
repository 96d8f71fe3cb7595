// User calls: RFC 9293 3.10.1 (OPEN) to 3.10.6 (STATUS), with the errors of the POSIX calls.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

Result<u32> user_open(Context& cx, NetnsId netns, Family family, u32 user) noexcept;
Result<void> user_bind(Context& cx, Tcb& t, const Endpoint& local) noexcept;
Result<void> user_listen(Context& cx, Tcb& t, u32 backlog) noexcept;
Result<u32> user_accept(Context& cx, Tcb& t) noexcept;
Result<void> user_connect(Context& cx, Tcb& t, const Endpoint& remote) noexcept;
// Connects and sends: with TCP Fast Open the data goes on the SYN. in_progress: it does not, send it when the connection is up.
Result<u32> user_connect_send(Context& cx, Tcb& t, const Endpoint& remote, Bytes data) noexcept;
Result<u32> user_send(Context& cx, Tcb& t, Bytes data, u32 flags) noexcept;
Result<u32> user_send_slices(Context& cx, Tcb& t, std::span<const buf::Slice> slices) noexcept;
Result<u32> user_recv(Context& cx, Tcb& t, MutBytes out, u32 flags) noexcept;
Result<Lent> user_recv_lent(Context& cx, Tcb& t, u32 max_bytes) noexcept;
Result<void> user_shutdown(Context& cx, Tcb& t, Shutdown how) noexcept;
void user_close(Context& cx, Tcb& t) noexcept;
void user_abort(Context& cx, Tcb& t) noexcept;
// Resets what has not been accepted yet; the port hears no more SYNs.
void close_listener(Context& cx, Tcb& t) noexcept;
Result<void> user_set_option(Context& cx, Tcb& t, Option option, i64 value) noexcept;
Result<i64> user_get_option(Context& cx, Tcb& t, Option option) noexcept;
[[nodiscard]] u32 user_ready(Context& cx, Tcb& t) noexcept;
// Is there so much room in the send queue that whoever waits for it should be told?
[[nodiscard]] bool is_writable(const Context& cx, const Tcb& t) noexcept;
// Tells who waits for room, if there is some.
void tell_writable(Context& cx, Tcb& t) noexcept;

// A local port for an outgoing connection: random in the netns's range (RFC 6056 3.3.1), the 4-tuple must be free.
Result<u16> ephemeral_port(Context& cx, NetnsId netns, const IpAddr& local, const Endpoint& remote) noexcept;

}  // namespace weir::tcp
