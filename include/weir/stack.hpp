// The stack: what a program makes to have a network of its own. Stack has a thread of its own; LocalStack is turned by the
// caller's. Both are a Host, which is where sockets come from and coroutines go to.
#pragma once

#include "weir/config.hpp"
#include "weir/coro.hpp"
#include "weir/error.hpp"
#include "weir/socket.hpp"
#include "weir/stats.hpp"

namespace weir {

class Shard;
class RtExecutor;

// A network identity: makes sockets, runs coroutines. A handle that may be copied freely and used from any thread; it keeps
// what it stands for alive, but a Stack that has ended answers with canceled or net_down.
//
//   Task<void> serve(Host host) {
//     auto listener = host.listen({.port = 7});
//     while (auto peer = co_await listener->accept()) host.spawn(echo(std::move(*peer)));
//   }
class Host {
 public:
  Host(std::shared_ptr<Executor> executor, NetnsId netns) noexcept : executor_(std::move(executor)), netns_(netns) {}

  // A listening TCP socket. Address :: is every address, IPv4 too. backlog: connections that may wait to be accepted.
  // addr_in_use, addr_not_available.
  [[nodiscard]] Result<TcpListener> listen(const Endpoint& local, u32 backlog = 1024) const;
  // A TCP connection. conn_refused, timed_out, host_unreachable, net_unreachable.
  //   auto stream = co_await host.connect(server).within(5_s);
  [[nodiscard]] ConnectOp connect(const Endpoint& remote, const std::optional<Endpoint>& local = {}) const;
  // A UDP socket, bound to `local`; port 0: one is chosen.
  [[nodiscard]] Result<UdpSocket> udp(const Endpoint& local = {}) const;
  [[nodiscard]] Result<RawSocket> raw(Family family, u8 protocol) const;
  // Memory to be filled and sent without a copy: at most 256 KiB, and possibly less than asked for, so that others get some
  // too. would_block: there is none to be had now.
  [[nodiscard]] Result<Buffer> reserve(u32 bytes) const;

  // Runs the coroutine on the stack's thread; nobody waits for it. It is destroyed with the stack if it has not ended.
  void spawn(Task<void> task) const { executor_->spawn(std::move(task)); }
  // In coroutines.
  [[nodiscard]] SleepOp sleep_for(Duration d) const { return {*executor_, executor_->now() + d}; }
  template <class T>
  [[nodiscard]] TimeoutOp<T> timeout(Duration d, Task<T> task) const {
    return {*executor_, executor_->now() + d, std::move(task)};
  }
  // The time of this stack: of the machine since boot, or of the simulation.
  [[nodiscard]] Instant now() const { return executor_->now(); }
  // Have all addresses passed the check for duplicates? Until then they cannot be used.
  [[nodiscard]] bool is_ready() const;
  // Counters and interfaces as they are now.
  [[nodiscard]] HostStats stats() const;

  [[nodiscard]] NetnsId netns() const noexcept { return netns_; }
  [[nodiscard]] Executor& executor() const noexcept { return *executor_; }

 protected:
  Host() noexcept = default;
  std::shared_ptr<Executor> executor_;
  NetnsId netns_ = 0;

 private:
  Result<std::unique_ptr<Watch>> open(Family family, SocketType type, u8 protocol) const;
};

// A stack with a thread of its own that drives it; any thread may use it, and blocking calls block. Move-only.
//
//   auto stack = weir::Stack::open({.device = "tap:weir0,host=10.77.0.1/24", .addresses = {"10.77.0.2/24"}});
//   if (!stack) return complain(stack.error().what);
//   auto listener = stack->listen({.port = 7});
class Stack : public Host {
 public:
  // Opens the device, sets up addresses and routes, waits until they can be used. Needs the privileges that the device
  // needs (tap: CAP_NET_ADMIN).
  [[nodiscard]] static Result<Stack, Error> open(const StackConfig& config);
  Stack(Stack&&) noexcept = default;
  Stack& operator=(Stack&&) noexcept;
  // Ends the thread; whoever blocks gets canceled, coroutines are destroyed. Connections are not closed: peers
  // will find out. Not on the stack's own thread.
  ~Stack();

 private:
  Stack() noexcept = default;
  void end() noexcept;
  RtExecutor* rt_ = nullptr;
};

// A stack without a thread and without a lock: everything, its sockets included, belongs to one thread of the caller's, which
// turns it. Blocking calls turn it, too.
//
//   auto stack = weir::LocalStack::open(config);
//   stack->spawn(serve(*stack));
//   while (serving) stack->run_once(Duration::seconds(1));
class LocalStack : public Host {
 public:
  [[nodiscard]] static Result<LocalStack, Error> open(const StackConfig& config);
  LocalStack(LocalStack&&) noexcept = default;
  LocalStack& operator=(LocalStack&&) noexcept;
  ~LocalStack();

  // Waits for something to do, at most max_wait, and does it. True if there was anything.
  bool run_once(Duration max_wait);
  // Until done() says so, which is asked after each turn (true), or until the deadline or stop() (false).
  bool run_until(FunctionRef<bool()> done, Instant deadline = Instant::never());
  // Until stop().
  void run() {
    run_until([] { return false; });
  }
  void stop();  // any thread, also from within
  // Runs the coroutine and returns what it returned.
  template <class T>
  T run(Task<T> task);

 private:
  LocalStack() noexcept = default;
  void end() noexcept;
  RtExecutor* rt_ = nullptr;
};

template <class T>
T LocalStack::run(Task<T> task) {
  std::optional<T> result;
  struct Keep {  // lambda coroutines lose their captures
    static Task<void> value_of(Task<T> t, std::optional<T>& out) { out.emplace(co_await std::move(t)); }
  };
  spawn(Keep::value_of(std::move(task), result));
  run_until([&] { return result.has_value(); });
  return std::move(*result);
}

}  // namespace weir
