// connect: a connection is opened, carries one byte each way and is closed by the client, which keeps it in TIME-WAIT for 2 MSL.
#include <memory>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"
#include "tcp/engine.hpp"

namespace weir::bench {
namespace {

constexpr u16 first_port = 7000;
constexpr u32 ports = 8, addresses = 64;  // 28,000 client ports each: 14 million pairs
constexpr u32 at_once = 64;

class Exchange {
 public:
  Exchange(Pair& p, u64 wanted) : p_(p), wanted_(wanted), clients_(at_once) {
    listener_.on_ready = [](Handler& h, Sock s, u32) { static_cast<Listener&>(h).owner->accept(s); };
    server_.on_ready = [](Handler& h, Sock s, u32) { static_cast<Server&>(h).owner->serve(s); };
    listener_.owner = server_.owner = this;
    for (u32 i = 0; i < ports; ++i) watch(p.shard, p.listen(static_cast<u16>(first_port + i)), listener_);
    for (Client& c : clients_) {
      c.owner = this;
      c.on_ready = [](Handler& h, Sock s, u32 mask) { static_cast<Client&>(h).owner->step(static_cast<Client&>(h), s, mask); };
    }
  }
  // Until `wanted` connections have been opened, used and closed by both.
  void run() {
    for (Client& c : clients_) open(c);
    Instant last_progress = p_.now;
    u64 seen = 0;
    while (closed_ < wanted_) {
      p_.turn();
      dispatch(p_);
      if (closed_ != seen) {
        seen = closed_;
        last_progress = p_.now;
      } else if (p_.now - last_progress > Duration::seconds(5)) {
        throw Failed("connections do not get on: " + std::to_string(closed_) + " are done");
      }
    }
    p_.turn();
  }

 private:
  struct Client : Handler {
    Exchange* owner = nullptr;
    bool sent = false;
    std::byte byte{};
  };
  struct Listener : Handler {
    Exchange* owner = nullptr;
  };
  struct Server : Handler {
    Exchange* owner = nullptr;
  };

  void open(Client& c) {
    if (opened_ == wanted_) return;
    const Sock s = p_.socket(p_.client, SocketType::stream);
    c.sent = false;
    c.byte = static_cast<std::byte>(opened_ & 0xff);
    watch(p_.shard, s, c);
    const Endpoint to{p_.server_address(static_cast<u32>(opened_ / ports % addresses)), static_cast<u16>(first_port + opened_ % ports)};
    ++opened_;
    const auto begun = p_.shard.connect(s, to, p_.now);
    if (!begun && begun.error() != Errc::in_progress) must(begun, "connect");
  }
  void step(Client& c, Sock s, u32 mask) {
    if (!c.sent && (mask & Ready::out) != 0) {
      c.sent = true;
      must(p_.shard.send(s, {&c.byte, 1}, 0, p_.now), "send");
      return;
    }
    if ((mask & (Ready::in | Ready::error)) == 0) return;
    std::byte b{};
    const auto n = p_.shard.recv(s, {&b, 1}, 0, p_.now);
    if (!n && n.error() == Errc::would_block) return;
    if (must(n, "recv") != 1 || b != ~c.byte) throw Failed("a wrong byte came back");
    must(p_.shard.close(s, p_.now), "close");
    open(c);
  }
  void accept(Sock listener) {
    for (;;) {
      const auto s = p_.shard.accept(listener, p_.now);
      if (!s && s.error() == Errc::would_block) return;
      watch(p_.shard, must(s, "accept"), server_);
      serve(*s);  // what came before it was accepted
    }
  }
  void serve(Sock s) {
    std::byte b{};
    const auto n = p_.shard.recv(s, {&b, 1}, 0, p_.now);
    if (!n && n.error() == Errc::would_block) return;
    if (must(n, "recv") == 1) {
      b = ~b;
      must(p_.shard.send(s, {&b, 1}, 0, p_.now), "send back");
      return;
    }
    must(p_.shard.close(s, p_.now), "close");
    ++closed_;
  }

  Pair& p_;
  u64 wanted_, opened_ = 0, closed_ = 0;
  std::vector<Client> clients_;
  Listener listener_;
  Server server_;
};

Sample connect(const Env& env) {
  Sysctl sysctl;
  sysctl.tcp_max_tw_buckets = 1u << 23;
  Pair p({.server_addresses = addresses, .sysctl = sysctl});
  const u64 n = env.count(5'000'000, 300);
  const u64 rss_before = rss_bytes();
  const Instant start = rt::Clock::now();
  Exchange exchange(p, n);
  const CpuMeter cpu;
  exchange.run();
  const double s = cpu.seconds();
  const u32 waiting = p.shard.core().tcp->time_wait();
  // The first of them leave TIME-WAIT after 60 s; none may be gone before.
  if (rt::Clock::now() - start < Duration::seconds(60) && waiting != n)
    throw Failed(std::to_string(n) + " connections were closed, and " + std::to_string(waiting) + " are in TIME-WAIT");
  p.check_frames();
  Sample r{static_cast<double>(n) / s, s};
  r.extras.push_back({"TIME-WAIT at the end", "connections", static_cast<double>(waiting)});
  r.extras.push_back({"RSS grown by", "MB", static_cast<double>(rss_bytes() - rss_before) * 1e-6});
  return r;
}

}  // namespace

Case connect_case() {
  return {"connect",
          "open, one byte each way, close by the client; 5 million connections, TIME-WAIT kept",
          {{"memory", "conn/cpu_s", Better::higher, connect, {"veth"}, true}},
          {{"veth", "conn/cpu_s", Better::higher, linux_connect, {}, true}}};
}

}  // namespace weir::bench
