// cli/session.hpp
#include "cli/session.hpp"

#include <fmt/format.h>

#include "cli/verb.hpp"
#include "control/socket_path.hpp"

namespace weir::cli {
namespace {

[[noreturn]] void give_up(const Error& e) {
  if (e.is_usage()) throw UsageError(e.what);
  throw std::runtime_error(e.what);
}

}  // namespace

Session::Session() : executor_(RtExecutor::make({}, rt::Sharing::local)) {
  report_links();
  executor_->watch(signals_.fd(), EPOLLIN, [this](u32) { interrupted_ = signals_.take() != 0 || interrupted_; });
}

Session::Session(const NetOptions& options) : Session() {
  if (options.file().empty()) {
    const auto netns = set_up(*executor_, options.config());
    if (!netns) give_up(netns.error());
    netns_.push_back(*netns);
  } else {
    const NetworkFile file = load_network(options.file());
    if (file.netns.size() != 1)
      throw UsageError("--net " + options.file() + ": must have one namespace, and has " + std::to_string(file.netns.size()));
    build_from(file);
  }
  open_control_socket();
}

Session::Session(const NetworkFile& file) : Session() {
  build_from(file);
  open_control_socket();
}

void Session::build_from(const NetworkFile& file) {
  auto netns = build(*executor_, file);
  if (!netns) give_up(netns.error());
  netns_ = std::move(*netns);
}

// Without one it is only harder to look into: no reason to stop.
void Session::open_control_socket() {
  const auto path = control::own_socket_path();
  if (!path) return;
  auto server = control::Server::start(host(0), *path, rt::Clock::to_wall_clock());
  if (server) control_.emplace(std::move(*server));
  else fmt::print(stderr, "weir: {}\n", server.error());
}

Session::~Session() { executor_->end(); }

// A device that goes away is told, and the rest goes on.
void Session::report_links() {
  executor_->loop().shared().ports().on_link = [](Port, std::string_view device, io::LinkState state) {
    if (state == io::LinkState::gone) fmt::print(stderr, "weir: device {} is gone\n", device);
  };
}

bool Session::wait_until_ready() {
  constexpr Duration patience = Duration::seconds(15);
  Result<bool, Error> ready = false;
  const auto settled = [&] {
    for (const NetnsId n : netns_)
      if (ready = are_addresses_ready(*executor_, n); !ready || !*ready) break;
    return interrupted_ || !ready || *ready;
  };
  const bool in_time = executor_->loop().run_until(settled, executor_->now() + patience);
  if (!ready) give_up(ready.error());
  if (!in_time) throw std::runtime_error("the addresses did not get ready: is the other end of the device up?");
  return *ready;
}

int Session::run(const std::function<Task<int>(Host)>& body) {
  if (!wait_until_ready()) return success;
  std::optional<int> status;
  struct Keep {  // lambda coroutines lose their captures
    static Task<void> status_of(Task<int> task, std::optional<int>& out) { out = co_await std::move(task); }
  };
  executor_->spawn(Keep::status_of(body(host(0)), status));
  executor_->loop().run_until([&] { return status.has_value() || interrupted_; });
  return status.value_or(success);
}

void tell_ready() { fmt::print(stderr, "ready\n"); }

Task<void> forever(Host host) {
  for (;;) co_await host.sleep_for(Duration::seconds(3600));
}

int complain(const std::string& what, int status) {
  fmt::print(stderr, "weir: {}\n", what);
  return status;
}

}  // namespace weir::cli
