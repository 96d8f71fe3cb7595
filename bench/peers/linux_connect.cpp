// bench/peers/linux.hpp: connections that are opened, used for one byte each way and closed by the client, 64 at a time.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"

namespace weir::bench {
namespace {

constexpr u16 first_port = 7000, ports = 16;
constexpr u32 at_once = 64;
constexpr int patience_ms = 200;

void add(const io::Fd& epoll, int fd, u32 events, u64 data) {
  epoll_event e{.events = events, .data = {.u64 = data}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &e) != 0) fail_with_errno("epoll_ctl");
}

class Server {
 public:
  void run(const std::atomic<bool>& stop) {
    for (u16 i = 0; i < ports; ++i) {
      listeners_.push_back(listen_on(static_cast<u16>(first_port + i)));
      const int fd = listeners_.back().get();
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
      add(epoll_, fd, EPOLLIN, u64{1} << 32 | static_cast<u32>(fd));
    }
    epoll_event events[at_once];
    while (!stop) {
      const int n = ::epoll_wait(epoll_.get(), events, at_once, patience_ms);
      for (int i = 0; i < n; ++i) {
        const u64 what = events[i].data.u64;
        if (what >> 32 != 0) accept(static_cast<int>(what));
        else serve(static_cast<int>(what));
      }
    }
  }

 private:
  void accept(int listener) {
    for (;;) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      add(epoll_, fd, EPOLLIN | EPOLLET, static_cast<u32>(fd));
      serve(fd);
    }
  }
  static void serve(int fd) {
    char b;
    const ssize_t n = ::recv(fd, &b, 1, 0);
    if (n == 1) (void)::send(fd, &b, 1, MSG_NOSIGNAL);
    else if (n == 0 || errno != EAGAIN) ::close(fd);
  }
  io::Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<io::Fd> listeners_;
};

class Client {
 public:
  explicit Client(std::atomic<u64>& done) : done_(done), slots_(at_once) {}
  void run(const std::atomic<bool>& stop) {
    ::usleep(20'000);  // the server is listening by then, or the first connections are refused and tried again
    for (u32 i = 0; i < at_once; ++i) open(i);
    epoll_event events[at_once];
    while (!stop) {
      const int n = ::epoll_wait(epoll_.get(), events, at_once, patience_ms);
      for (int i = 0; i < n; ++i) step(static_cast<u32>(events[i].data.u64), events[i].events);
    }
  }

 private:
  struct Slot {
    io::Fd fd;
    bool sent = false;
  };
  void open(u32 i) {
    Slot& s = slots_[i];
    s.fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    s.sent = false;
    const sockaddr_in to = address_of(VethNets::address_b, static_cast<u16>(first_port + opened_++ % ports));
    if (::connect(s.fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) fail_with_errno("connect");
    add(epoll_, s.fd.get(), EPOLLIN | EPOLLOUT | EPOLLET, i);
  }
  void step(u32 i, u32 events) {
    Slot& s = slots_[i];
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return open(i);
    char b = static_cast<char>(i);
    if (!s.sent) {
      s.sent = ::send(s.fd.get(), &b, 1, MSG_NOSIGNAL) == 1;
      return;
    }
    if ((events & EPOLLIN) == 0) return;
    const ssize_t n = ::recv(s.fd.get(), &b, 1, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n != 1 || b != static_cast<char>(i)) throw Failed("a wrong byte came back");
    done_.fetch_add(1, std::memory_order_relaxed);
    open(i);
  }
  std::atomic<u64>& done_;
  io::Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Slot> slots_;
  u32 opened_ = 0;
};

}  // namespace

Sample linux_connect(const Env& env) {
  const VethNets nets({});
  Loops loops;
  std::atomic<u64> done = 0;
  Sample sample;
  loops.in_a = [&] { Client(done).run(loops.stop); };
  loops.in_b = [&] { Server().run(loops.stop); };
  loops.control = [&] {
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
    while (!loops.stop && done < (env.quick ? 10u : 1'000u)) nap();
    const u64 before = done;
    const CoreMeter cpu(loops.core);
    while (!loops.stop && (cpu.seconds() < env.seconds || done == before)) nap();
    sample.cpu_s = cpu.seconds();
    sample.value = static_cast<double>(done - before) / sample.cpu_s;
  };
  loops.run(nets);
  return sample;
}

}  // namespace weir::bench
