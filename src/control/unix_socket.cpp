// control/unix_socket.hpp
#include "control/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace weir::control {
namespace {

std::optional<sockaddr_un> address_of(const std::string& path) noexcept {
  sockaddr_un a{};
  if (path.size() >= sizeof a.sun_path) return {};
  a.sun_family = AF_UNIX;
  std::memcpy(a.sun_path, path.c_str(), path.size());
  return a;
}

template <class F>
Result<io::Fd> open_with(const std::string& path, int type, F&& use) {
  const auto address = address_of(path);
  if (!address) return fail(Errc::invalid);
  io::Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd || !use(fd.get(), reinterpret_cast<const sockaddr*>(&*address))) return fail(from_errno(errno));
  return fd;
}

}  // namespace

Result<io::Fd> connect_unix(const std::string& path) {
  return open_with(path, SOCK_STREAM, [](int fd, const sockaddr* a) { return ::connect(fd, a, sizeof(sockaddr_un)) == 0; });
}

Result<io::Fd> listen_unix(const std::string& path) {
  constexpr int backlog = 16;
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  auto fd = open_with(path, SOCK_STREAM | SOCK_NONBLOCK,
                      [](int s, const sockaddr* a) { return ::bind(s, a, sizeof(sockaddr_un)) == 0 && ::listen(s, backlog) == 0; });
  ::umask(before);
  return fd;
}

Result<io::Fd> accept_unix(int listener) {
  io::Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return fail(from_errno(errno));
  return fd;
}

}  // namespace weir::control
