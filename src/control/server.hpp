// The control socket of a running weir: JSON lines over a Unix stream socket, docs/control.md.
#pragma once

#include <string>

#include "io/fd.hpp"
#include "weir/stack.hpp"

namespace weir::control {

// Serves everything that is in the executor's shard, on the executor's thread. The socket is gone when this is; the executor
// must outlive it or have ended its tasks.
//   auto server = control::Server::start(executor, path, to_wall_clock);
class Server {
 public:
  // The error is for the user.
  [[nodiscard]] static Result<Server, std::string> start(const Host& host, const std::string& path, Duration to_wall_clock);
  Server(Server&&) noexcept = default;
  Server& operator=(Server&&) = delete;
  ~Server();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit Server(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace weir::control
