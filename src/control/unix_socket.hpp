// Stream sockets of the Unix domain.
#pragma once

#include <string>

#include "base/error.hpp"
#include "io/fd.hpp"

namespace weir::control {

// Blocking.
[[nodiscard]] Result<io::Fd> connect_unix(const std::string& path);
// Non-blocking; what was left there by a process that is gone is replaced. Only this user may connect.
[[nodiscard]] Result<io::Fd> listen_unix(const std::string& path);
// From a listening socket, non-blocking. would_block: nobody waits.
[[nodiscard]] Result<io::Fd> accept_unix(int listener);

}  // namespace weir::control
