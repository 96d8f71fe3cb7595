// control/socket_path.hpp
#include "control/socket_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "control/unix_socket.hpp"

namespace weir::control {
namespace {

constexpr const char* system_directory = "/run/weir";

std::vector<std::string> directories() {
  std::vector<std::string> all{system_directory};
  if (const char* d = std::getenv("XDG_RUNTIME_DIR"); d != nullptr && *d == '/') all.push_back(std::string(d) + "/weir");
  return all;
}

bool make_directory(const std::string& path) noexcept {
  return (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

Result<std::string, std::string> own_socket_path() {
  for (const std::string& d : directories())
    if (make_directory(d)) return d + "/" + std::to_string(::getpid()) + ".sock";
  return std::unexpected(std::string("no place for a control socket: /run/weir cannot be written to, and $XDG_RUNTIME_DIR is not set"));
}

std::vector<std::string> running_sockets() {
  std::vector<std::string> found;
  for (const std::string& d : directories()) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(d, ignored))
      if (entry.path().extension() == ".sock" && connect_unix(entry.path())) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace weir::control
