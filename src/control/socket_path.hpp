// Where a running weir listens: /run/weir/PID.sock, or below $XDG_RUNTIME_DIR for those who may not write there.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace weir::control {

// Of this process. The directory is made if it is missing. The error is for the user.
[[nodiscard]] Result<std::string, std::string> own_socket_path();
// Of those that run now, by process id: found by connecting.
[[nodiscard]] std::vector<std::string> running_sockets();

}  // namespace weir::control
