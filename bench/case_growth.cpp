// growth: 64-byte messages on connections in random order. What is the rate with 100,000 of them, beside that with 2,000?
#include "base/rng.hpp"
#include "bench/connections.hpp"
#include "bench/cpu.hpp"

namespace weir::bench {
namespace {

constexpr u32 at_once = 32;

// Messages per CPU second over n connections.
double rate(const Env& env, usize n) {
  Pair p;
  Connections all(p);
  all.grow_to(n);
  u64 random = 1, sent = 0, received = 0;
  std::byte out[64] = {}, in[128];
  const auto turn = [&] {
    for (u32 i = 0; i < at_once; ++i) {
      random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      const usize c = (random >> 33) % n;
      store_be64(out, c);
      const auto taken = p.shard.send(all.clients[c], out, 0, p.now);
      if (!taken && taken.error() == Errc::would_block) continue;
      if (must(taken, "send") == 64) ++sent;
    }
    p.turn();
    for (u32 k; (k = p.shard.poll_ready(p.events)) > 0;)
      for (u32 i = 0; i < k; ++i) {
        if ((p.events[i].mask & Ready::in) == 0) continue;
        const auto got = p.shard.recv(p.events[i].sock, in, 0, p.now);
        if (!got && got.error() == Errc::would_block) continue;
        if (must(got, "recv") % 64 != 0 || load_be64(in) >= n) throw Failed("a message is not what was sent");
        received += *got / 64;
      }
  };
  for (u64 i = 0; i < env.count(n / 8, 4); ++i) turn();
  const u64 before = received;
  const CpuMeter cpu;
  do
    for (u32 i = 0; i < (env.quick ? 4u : 500u); ++i) turn();
  while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  if (received == before || received > sent) throw Failed("messages were lost");
  return static_cast<double>(received - before) / s;
}

Sample growth(const Env& env) {
  const CpuMeter cpu;
  const double few = rate(env, env.count(2'000, 10)), many = rate(env, env.count(100'000, 40));
  return {many / few * 100, cpu.seconds(), {{"rate", "msg/cpu_s", many}, {"rate at 2k", "msg/cpu_s", few}}};
}

}  // namespace

Case growth_case() {
  return {"growth",
          "64-byte messages on connections in random order: rate at 100,000 beside rate at 2,000",
          {{"100k", "%", Better::higher, growth, {}, true}}};
}

}  // namespace weir::bench
