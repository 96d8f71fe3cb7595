// A running weir of the command: one loop in this thread, devices, coroutines, signals, and the control socket.
#pragma once

#include "api/network.hpp"
#include "cli/net_options.hpp"
#include "control/server.hpp"
#include "rt/signals.hpp"
#include "weir/stack.hpp"

namespace weir::cli {

//   Session session(options);
//   return session.run([&](Host host) { return serve(host); });
class Session {
 public:
  // Opens the devices. Throws UsageError, or std::runtime_error with words for the user.
  explicit Session(const NetOptions& options);
  explicit Session(const NetworkFile& file);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Waits until the addresses can be used, then runs body(host(0)) until it returns: the exit status. SIGINT and
  // SIGTERM end it at any time, with status 0.
  int run(const std::function<Task<int>(Host)>& body);
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
  [[nodiscard]] Host host(usize n) const { return {executor_, netns_[n]}; }  // in the order of the network file

 private:
  Session();
  void build_from(const NetworkFile& file);
  void report_links();
  void open_control_socket();
  bool wait_until_ready();
  rt::Signals signals_;
  std::shared_ptr<RtExecutor> executor_;
  std::vector<NetnsId> netns_;
  bool interrupted_ = false;
  std::optional<control::Server> control_;
};

// "ready" on stderr: what was asked for can be used now.
void tell_ready();
// co_await forever(host): until the session ends.
[[nodiscard]] Task<void> forever(Host host);

}  // namespace weir::cli
