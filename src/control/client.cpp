// control/client.hpp
#include "control/client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "control/socket_path.hpp"
#include "control/unix_socket.hpp"

namespace weir::control {
namespace {

std::unexpected<std::string> failed(std::string what) { return std::unexpected(std::move(what)); }

Result<std::string, std::string> find_socket(const std::string& at) {
  if (!at.empty()) return at;
  const auto running = running_sockets();
  if (running.size() == 1) return running.front();
  if (running.empty()) return failed("no weir runs here that you may look into (no control socket in /run/weir or $XDG_RUNTIME_DIR/weir)");
  std::string what = "several weirs run: choose one by --at";
  for (const std::string& path : running) what.append("\n  ").append(path);
  return failed(std::move(what));
}

}  // namespace

Result<Client, std::string> Client::connect(const std::string& at) {
  const auto path = find_socket(at);
  if (!path) return failed(path.error());
  auto fd = connect_unix(*path);
  if (!fd) return failed("control socket " + *path + ": " + std::string(text(fd.error())));
  return Client(std::move(*fd));
}

Result<Json, std::string> Client::exchange(const Json& request) {
  const std::string line = request.dump() + "\n";
  if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return failed("the running weir does not listen");
  usize end;
  while ((end = input_.find('\n')) == std::string::npos) {
    std::array<char, 65'536> some;
    const ssize_t n = ::read(fd_.get(), some.data(), some.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("the running weir has hung up");
    input_.append(some.data(), static_cast<usize>(n));
  }
  Json answer = Json::parse(input_.substr(0, end), nullptr, false);
  input_.erase(0, end + 1);
  if (!answer.is_object()) return failed("the running weir does not answer in JSON");
  if (!answer.value("ok", false)) return failed(answer.value("error", "refused"));
  return answer;
}

Result<Json, std::string> Client::ask(const Json& request) {
  auto answer = exchange(request);
  if (!answer) return answer;
  return std::move((*answer)["result"]);
}

Result<Json, std::string> Client::begin(const Json& request) { return exchange(request); }

}  // namespace weir::control
