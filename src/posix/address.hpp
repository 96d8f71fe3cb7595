// sockaddr_in and sockaddr_in6 to Endpoint and back, with Linux's errnos for bad ones.
#pragma once

#include <sys/socket.h>

#include "base/error.hpp"
#include "wire/address.hpp"

namespace weir::posix {

enum class Use : u8 { bind, connect, send };  // they differ in what AF_UNSPEC means and in the errno of a wrong family

// The errno of a bad address. A v4-mapped one of an AF_INET6 socket is IPv4, as everywhere in weir.
[[nodiscard]] Result<Endpoint, int> from_sockaddr(int domain, const sockaddr* address, socklen_t length, Use use) noexcept;
[[nodiscard]] bool is_unspecified(const sockaddr* address, socklen_t length) noexcept;  // AF_UNSPEC: connect() takes its connection away
// As many bytes as the caller has room for; `length` becomes that of the whole address. 0, EFAULT or EINVAL.
[[nodiscard]] int to_sockaddr(int domain, const Endpoint& from, sockaddr* address, socklen_t* length) noexcept;

}  // namespace weir::posix
