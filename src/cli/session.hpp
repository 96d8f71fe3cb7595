// A running weir of the command: one loop in this thread, devices, coroutines, signals, and the control socket.
#pragma once

#include "api/setup.hpp"
#include "control/server.hpp"
#include "rt/signals.hpp"
#include "weir/stack.hpp"

namespace weir::cli {

//   Session session(options.config());
//   return session.run([&](Host host) { return serve(host); });
class Session {
 public:
  // Opens the devices. Throws UsageError, or std::runtime_error with words for the user.
  explicit Session(const StackConfig& config);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Waits until the addresses can be used, then runs body(host) until it returns: the exit status. SIGINT and
  // SIGTERM end it at any time, with status 0.
  int run(const std::function<Task<int>(Host)>& body);
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
  [[nodiscard]] RtExecutor& executor() noexcept { return *executor_; }

 private:
  void report_links();
  void open_control_socket();
  bool wait_until_ready();
  rt::Signals signals_;
  std::shared_ptr<RtExecutor> executor_;
  NetnsId netns_ = 0;
  Duration ready_timeout_;
  bool interrupted_ = false;
  std::optional<control::Server> control_;
};

// "ready" on stderr: what was asked for can be used now.
void tell_ready();
// co_await forever(host): until the session ends.
[[nodiscard]] Task<void> forever(Host host);

}  // namespace weir::cli
