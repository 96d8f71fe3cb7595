// The other end of the control socket: asks a running weir. Blocking.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "io/fd.hpp"

namespace weir::control {

using Json = nlohmann::ordered_json;

// `at`: the path of the socket; empty: of the only weir that runs. Errors are for the user.
class Client {
 public:
  [[nodiscard]] static Result<Client, std::string> connect(const std::string& at);
  // The "result" of the answer.
  [[nodiscard]] Result<Json, std::string> ask(const Json& request);
  // As far as the answer's first line, which is returned; what follows is read from fd(), after rest().
  [[nodiscard]] Result<Json, std::string> begin(const Json& request);
  [[nodiscard]] std::string rest() { return std::exchange(input_, {}); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit Client(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  [[nodiscard]] Result<Json, std::string> exchange(const Json& request);
  io::Fd fd_;
  std::string input_;
};

}  // namespace weir::control
