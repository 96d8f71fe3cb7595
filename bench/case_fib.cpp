// fib: longest prefix match in batches, destinations uniform within the prefixes; and changes to a table under lookups.
#include <array>
#include <memory>

#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/routes.hpp"
#include "ip/fib.hpp"

namespace weir::bench {
namespace {

constexpr u32 batch = 64;
constexpr usize targets = 1u << 20;

struct Table {
  explicit Table(usize n) : prefixes(make_prefixes(n)), destinations(make_destinations(prefixes, targets)) {
    for (u32 i = 0; i < n; ++i) must(fib.add(route(i)), "add a route");
  }
  [[nodiscard]] ip::Route route(usize i) const {
    return {.dst = prefixes[i], .gateway = Ip4Addr{0xc633'6402 + static_cast<u32>(i % 16)}, .ifindex = 1};
  }
  // Looks up `n` batches; each must find a route.
  void look_up(u32 n) {
    for (u32 i = 0; i < n; ++i, at = (at + batch) % targets) {
      std::array<u32, batch> hops;
      fib.lookup4_batch({destinations.data() + at, batch}, hops);
      u32 found = 0;
      for (const u32 h : hops) found += h != 0 ? 1u : 0u;
      if (found < batch - gone) throw Failed("a route was not found");
    }
  }
  ip::Fib fib;
  std::vector<Prefix> prefixes;
  std::vector<Ip4Addr> destinations;
  usize at = 0;
  u32 gone = 0;  // routes that are not there now: as many lookups of a batch may fail
};

Table& table_of(usize n) {
  static std::unique_ptr<Table> kept;
  if (!kept || kept->prefixes.size() != n) {
    kept.reset();
    kept = std::make_unique<Table>(n);
  }
  return *kept;
}

Sample lookup(const Env& env, usize prefixes) {
  Table& t = table_of(env.quick ? std::min<usize>(prefixes, 5'000) : prefixes);
  const u32 step = env.quick ? 64 : 16'384;
  t.look_up(step);
  u64 n = 0;
  const CpuMeter cpu;
  do {
    t.look_up(step);
    n += step;
  } while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  return {static_cast<double>(n * batch) / s * 1e-6, s};
}

// Deletes a random route and adds it again, with 64 lookups between.
Sample update(const Env& env) {
  Table& t = table_of(env.count(1'000'000, 5'000));
  t.gone = batch;
  u64 random = 5, changes = 0;
  const u32 step = env.quick ? 10 : 1'000;
  const CpuMeter cpu;
  do {
    for (u32 i = 0; i < step; ++i) {
      random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      const usize r = (random >> 33) % t.prefixes.size();
      must(t.fib.remove(t.prefixes[r]), "remove a route");
      t.look_up(1);
      must(t.fib.add(t.route(r)), "add a route");
    }
    changes += 2 * u64{step};
  } while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  t.gone = 0;
  return {static_cast<double>(changes) / s * 1e-3, s};
}

}  // namespace

Case fib_case() {
  return {"fib",
          "longest prefix match in batches of 64",
          {{"prefixes=100", "M/cpu_s", Better::higher, [](const Env& e) { return lookup(e, 100); }},
           {"prefixes=1000000", "M/cpu_s", Better::higher, [](const Env& e) { return lookup(e, 1'000'000); }},
           {"update", "k/s", Better::higher, update}}};
}

}  // namespace weir::bench
