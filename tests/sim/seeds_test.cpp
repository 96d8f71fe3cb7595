// Seeds: links that lose, reorder, repeat and hurt frames, loads of many shapes. Whatever happens, the streams are intact,
// both ends close, the monitor is silent and nothing is left. 200 seeds in the normal run, 10,000 with WEIR_SOAK=1, and one
// with WEIR_SEED=N.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tcp/cc/controller.hpp"
#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

double up_to(Rng& rng, double most) { return rng.chance(0.3) ? 0 : rng.unit() * most; }

LinkConfig any_link(Rng& rng) {
  LinkConfig c;
  const u64 rates[] = {0, 256'000, 2'000'000, 20'000'000, 1'000'000'000};
  c.bits_per_second = rates[rng.below(5)];
  c.delay = Duration::micros(static_cast<i64>(rng.below(80'000)));
  c.jitter = Duration::micros(static_cast<i64>(rng.chance(0.5) ? rng.below(20'000) : 0));
  c.loss = up_to(rng, 0.3);
  c.reorder = up_to(rng, 0.2);
  c.duplicate = up_to(rng, 0.2);
  c.corrupt = up_to(rng, 0.1);
  c.queue_packets = static_cast<u32>(5 + rng.below(200));
  c.coalesce = Duration::micros(rng.chance(0.3) ? static_cast<i64>(rng.below(2000)) : 0);
  c.backpressure = rng.chance(0.2);
  return c;
}

StreamPlan any_plan(Rng& rng) {
  StreamPlan p;
  p.lent = rng.chance(0.3);
  // A buffer is lent whole, however little is in it: crumbs in buffers would empty the pool.
  if (rng.chance(0.3)) p.write_at_most = static_cast<u32>((p.lent ? 500 : 1) + rng.below(3000));
  if (rng.chance(0.2)) {
    p.read_at_most = static_cast<u32>(500 + rng.below(20'000));
    p.read_every = Duration::micros(static_cast<i64>(1 + rng.below(50'000)));
  }
  return p;
}

// Everything that two ends may have or not have.
void any_features(Rng& rng, Sysctl& s) {
  s.tcp_sack = rng.chance(0.7);
  s.tcp_dsack = rng.chance(0.7);
  s.tcp_frto = rng.chance(0.7);
  s.tcp_early_retrans = rng.chance(0.7) ? 3 : 0;
  s.tcp_ecn = static_cast<u8>(rng.below(3));
  s.tcp_moderate_rcvbuf = rng.chance(0.7);
  s.tcp_slow_start_after_idle = rng.chance(0.7);
  s.tcp_congestion_control = static_cast<u8>(rng.below(static_cast<u64>(tcp::cc::Kind::external)));
}

std::string run_seed(u64 seed) {
  Rng rng = Rng::seeded(seed * 2 + 1);
  WorldConfig wc;
  wc.static_neighbours = rng.chance(0.5);
  wc.one_shard = rng.chance(0.2);
  wc.max_batch = rng.chance(0.3) ? 1 : 64;
  HostConfig hc;
  hc.sysctl.tcp_timestamps = rng.chance(0.7);
  hc.sysctl.tcp_window_scaling = rng.chance(0.7);
  any_features(rng, hc.sysctl);
  LinkConfig ab = any_link(rng), ba = any_link(rng);
  ab.mtu = ba.mtu = rng.chance(0.3) ? 1280 : 1500;
  ab.offload.tso = ab.offload.tx_checksum = rng.chance(0.5);
  ba.offload.gro = rng.chance(0.7);
  ab.mark_packets = rng.chance(0.3) ? static_cast<u32>(1 + rng.below(20)) : 0;
  // Chance may drop any number of packets in a row: let nobody give up in the tests' time.
  hc.sysctl.tcp_syn_retries = hc.sysctl.tcp_synack_retries = 30;
  hc.sysctl.tcp_retries2 = hc.sysctl.tcp_orphan_retries = 60;
  World world{seed, wc};
  test::Trace trace{world};
  Host &a = world.host("a", hc), &b = world.host("b", hc);
  world.link(a, b, ab, ba);
  TransferConfig tc;
  tc.bytes = rng.below(rng.chance(0.2) ? 400'000 : 40'000);
  tc.reply_bytes = rng.below(30'000);
  tc.family = rng.chance(0.5) ? Family::v4 : Family::v6;
  tc.client = any_plan(rng);
  tc.server = any_plan(rng);
  if (rng.chance(0.3))
    tc.server_setup = [n = static_cast<i64>(2500 + rng.below(60'000))](Socket& s) { static_cast<void>(s.set(Option::receive_buffer, n)); };
  // Where no address is found, because every question or answer is lost, an open fails: RFC 1122 4.2.3.9. Then again.
  std::optional<Transfer> moved;
  for (;; ++tc.port) {
    Transfer& now = moved.emplace(a, b, tc);
    world.run_until([&] { return now.over() || now.client().over(); }, 24_min * 60);
    if (now.client().result().error != Errc::host_unreachable || now.client().result().connected) break;
    world.run_for(5_s);
  }
  Transfer& t = *moved;
  world.run_until([&] { return t.over(); }, 24_min * 60);
  std::string out = t.trouble();
  t.listener().stop();
  if (out.empty()) out = leftovers(world, 24_min * 60);
  return out + test::first_of(world.violations());
}

TEST(sim_seeds, whatever_the_wire_does_streams_arrive_intact) {
  if (const char* one = std::getenv("WEIR_SEED"); one != nullptr) {
    EXPECT_EQ(run_seed(std::strtoull(one, nullptr, 10)), "");
    return;
  }
  const u64 seeds = std::getenv("WEIR_SOAK") != nullptr ? 10'000 : 200;
  int failed = 0;
  for (u64 seed = 1; seed <= seeds && failed < 20; ++seed) {
    const std::string what = run_seed(seed);
    EXPECT_EQ(what, "") << "WEIR_SEED=" << seed;
    failed += what.empty() ? 0 : 1;
  }
}

}  // namespace
}  // namespace weir::sim
