// rtt: one byte there and back, again and again.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"
#include "weir/stack.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 5002;

// One end, told of its readiness: takes bytes and sends the next one, or the same back.
struct Pinger : Handler {
  Pair* pair = nullptr;
  bool answers = false;
  u64 rounds = 0;

  void send_byte(Sock s, std::byte b) {
    if (must(pair->shard.send(s, {&b, 1}, 0, pair->now), "send") != 1) throw Failed("a byte was not taken");
  }
  static void ready(Handler& h, Sock s, u32 mask) {
    auto& self = static_cast<Pinger&>(h);
    if ((mask & Ready::in) == 0) return;
    std::byte b{};
    const auto n = self.pair->shard.recv(s, {&b, 1}, 0, self.pair->now);
    if (!n && n.error() == Errc::would_block) return;
    if (must(n, "recv") != 1) throw Failed("the connection ended");
    if (self.answers) return self.send_byte(s, b);
    if (b != static_cast<std::byte>(self.rounds & 0xff)) throw Failed("a wrong byte came back");
    ++self.rounds;
    self.send_byte(s, static_cast<std::byte>(self.rounds & 0xff));
  }
};

Sample in_memory(const Env& env) {
  Pair p;
  const auto [c, s] = p.connect(p.listen(port), port);
  Pinger client{{&Pinger::ready}, &p}, server{{&Pinger::ready}, &p, true};
  for (const Sock x : {c, s}) must(p.shard.set_option(x, Option::no_delay, 1, p.now), "TCP_NODELAY");
  watch(p.shard, c, client);
  watch(p.shard, s, server);
  client.send_byte(c, std::byte{0});
  const auto rounds = [&](u64 n) {
    for (const u64 end = client.rounds + n; client.rounds < end;) {
      p.turn();
      if (dispatch(p) == 0) throw Failed("a byte was lost");
    }
  };
  rounds(env.count(20'000, 10));
  const u64 before = client.rounds;
  const CpuMeter cpu;
  do rounds(env.count(10'000, 10));
  while (cpu.seconds() < env.seconds);
  const double spent = cpu.seconds();
  p.check_frames();
  return {spent * 1e9 / static_cast<double>(client.rounds - before), spent};
}

// Streams of the public API over the stack's loopback. An error in a coroutine is an exception.
template <class T>
T take(Result<T> r, const char* what) {
  return must(std::move(r), what);
}

Task<void> answer(Host host, u16 on) {
  auto listener = take(host.listen({Ip4Addr::loopback(), on}), "listen");
  TcpStream s = take(co_await listener.accept(), "accept");
  take(s.set(Option::no_delay, 1), "TCP_NODELAY");
  std::byte b[1];
  for (;;) {
    const usize n = take(co_await s.read(MutBytes{b}), "read");
    if (n == 0) co_return;
    take(co_await s.write(Bytes{b}), "write");
  }
}

Task<Sample> ask(Host host, const Env env) {
  TcpStream s = take(co_await host.connect({Ip4Addr::loopback(), port}), "connect");
  take(s.set(Option::no_delay, 1), "TCP_NODELAY");
  std::byte b[1];
  u64 rounds = 0;
  double spent = 0;
  CpuMeter cpu;
  const u64 warm = env.count(20'000, 10), step = env.count(10'000, 10);
  for (u64 i = 0;; ++i) {
    b[0] = static_cast<std::byte>(i & 0xff);
    take(co_await s.write(Bytes{b}), "write");
    if (take(co_await s.read(MutBytes{b}), "read") != 1) throw Failed("the connection ended");
    if (b[0] != static_cast<std::byte>(i & 0xff)) throw Failed("a wrong byte came back");
    if (i + 1 == warm) cpu = CpuMeter{};
    if (i >= warm && ++rounds % step == 0 && (spent = cpu.seconds()) >= env.seconds) break;
  }
  co_return Sample{spent * 1e9 / static_cast<double>(rounds), spent};
}

Sample by_coroutines(const Env& env) {
  auto stack = LocalStack::open({.device = "loopback"});
  if (!stack) throw Failed(stack.error().what);
  stack->spawn(answer(*stack, port));
  return stack->run(ask(*stack, env));
}

// Two threads that block, and the stack's own.
Sample by_threads(const Env& env) {
  auto stack = Stack::open({.device = "loopback"});
  if (!stack) throw Failed(stack.error().what);
  auto listener = take(stack->listen({Ip4Addr::loopback(), port}), "listen");
  std::atomic<bool> wrong = false;
  std::thread server([&] {
    auto s = listener.accept().wait();
    std::byte b[1];
    if (!s || !s->set(Option::no_delay, 1)) wrong = true;
    else
      while (s->read(MutBytes{b}).wait().value_or(0) == 1)
        if (!s->write(Bytes{b}).wait()) wrong = true;
  });
  std::vector<double> ns;
  const CpuMeter cpu;
  {
    auto c = stack->connect({Ip4Addr::loopback(), port}).wait();
    bool good = c && c->set(Option::no_delay, 1);
    const u64 warm = env.count(2'000, 5), rounds = env.count(40'000, 10);
    for (u64 i = 0; good && i < warm + rounds; ++i) {
      std::byte b[1] = {static_cast<std::byte>(i & 0xff)};
      const Instant start = rt::Clock::now();
      good = c->write(Bytes{b}).wait() && c->read(MutBytes{b}).wait().value_or(0) == 1;
      if (i >= warm) ns.push_back(static_cast<double>((rt::Clock::now() - start).ns));
      good = good && b[0] == static_cast<std::byte>(i & 0xff);
    }
    if (!good) wrong = true;
    if (!c) listener.close();
  }
  server.join();
  if (wrong || ns.empty()) throw Failed("a byte was lost or wrong");
  std::ranges::sort(ns);
  return {ns[ns.size() / 2], cpu.seconds(), {{"p99", "ns", ns[ns.size() * 99 / 100]}}};
}

}  // namespace

Case rtt_case() {
  return {"rtt",
          "one byte there and back",
          {{"memory", "ns", Better::lower, in_memory, {"veth"}},
           {"coro", "ns", Better::lower, by_coroutines, {"veth"}},
           {"threads", "ns", Better::lower, by_threads, {"veth,p50"}, true}},
          {{"veth", "ns", Better::lower, linux_rtt, {}, true}}};
}

}  // namespace weir::bench
