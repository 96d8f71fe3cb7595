// Errors of operations: one list gives the enum, the errno and the text. Bad packets are not errors but
// drops (base/drop.hpp); bugs are assertions (base/assert.hpp).
#pragma once

#include <cerrno>
#include <expected>
#include <string_view>

#include "base/types.hpp"

#define WEIR_ERRORS(X)                                                    \
  X(would_block, EAGAIN, "no progress possible now")                      \
  X(in_progress, EINPROGRESS, "connection is being opened")               \
  X(already, EALREADY, "connection is already being opened")              \
  X(is_connected, EISCONN, "socket is already connected")                 \
  X(not_connected, ENOTCONN, "socket is not connected")                   \
  X(timed_out, ETIMEDOUT, "timed out")                                    \
  X(conn_reset, ECONNRESET, "connection reset by peer")                   \
  X(conn_refused, ECONNREFUSED, "connection refused")                     \
  X(conn_aborted, ECONNABORTED, "connection aborted")                     \
  X(broken_pipe, EPIPE, "the sending direction is closed")                \
  X(net_unreachable, ENETUNREACH, "no route to the network")              \
  X(host_unreachable, EHOSTUNREACH, "no way to the host")                 \
  X(net_down, ENETDOWN, "the interface or stack is down")                 \
  X(addr_in_use, EADDRINUSE, "address or port taken")                     \
  X(addr_not_available, EADDRNOTAVAIL, "address is not one of this host") \
  X(no_memory, ENOBUFS, "no buffer or table space")                       \
  X(too_many, EMFILE, "limit on sockets reached")                         \
  X(invalid, EINVAL, "invalid argument")                                  \
  X(bad_handle, EBADF, "no such socket")                                  \
  X(bad_address, EFAULT, "bad memory address")                            \
  X(not_supported, EOPNOTSUPP, "operation not supported on this socket")  \
  X(no_protocol_option, ENOPROTOOPT, "no such option")                    \
  X(protocol_not_supported, EPROTONOSUPPORT, "protocol not supported")    \
  X(family_not_supported, EAFNOSUPPORT, "address family not supported")   \
  X(permission_denied, EACCES, "permission denied")                       \
  X(message_size, EMSGSIZE, "message too long")                           \
  X(protocol_error, EPROTO, "protocol error")                             \
  X(dest_required, EDESTADDRREQ, "destination address required")          \
  X(device_not_found, ENODEV, "no such device or interface")              \
  X(not_found, ENOENT, "no such entry")                                   \
  X(exists, EEXIST, "entry exists already")                               \
  X(io_error, EIO, "input or output error")                               \
  X(no_space, ENOSPC, "no space left on the device")                      \
  X(canceled, ECANCELED, "operation canceled")                            \
  X(interrupted, EINTR, "interrupted")

namespace weir {

enum class Errc : u8 {
#define X(name, posix, text) name,
  WEIR_ERRORS(X)
#undef X
};

template <class T, class E = Errc>
using Result = std::expected<T, E>;

[[nodiscard]] constexpr std::unexpected<Errc> fail(Errc e) noexcept { return std::unexpected<Errc>(e); }

// The errno of the call that would have failed so in POSIX.
[[nodiscard]] int to_errno(Errc e) noexcept;
[[nodiscard]] Errc from_errno(int posix) noexcept;
[[nodiscard]] std::string_view name(Errc e) noexcept;
[[nodiscard]] std::string_view text(Errc e) noexcept;

}  // namespace weir
