// Loss recovery over a simulated wire: RACK-TLP (RFC 8985), PRR (RFC 9937), F-RTO (RFC 5682) and what may not cost a timeout.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using tcp::Tcp;
using test::TcpWorld;

constexpr u32 mss = 1'448;

HostConfig hosts() {
  HostConfig h;
  h.sysctl.tcp_rmem = h.sysctl.tcp_wmem = 4 << 20;
  return h;
}

// The data segments of the client with the numbers [from, from + n), counted from 1, are lost once.
Filter burst(u64 from, u64 n) {
  return [from, n, seen = u64{0}](const FrameInfo& f) mutable {
    if (!f.a_to_b) return false;
    const Dissected d = dissect(f.frame);
    if (!d.is_tcp()) return false;
    const auto v = wire::TcpView::parse(d.l4);
    if (!v || v->payload().empty()) return false;
    ++seen;
    return from <= seen && seen < from + n;
  };
}

struct Result {
  std::string trouble;
  u64 timeouts = 0, resent = 0, fast = 0;
  u32 ssthresh = 0, cwnd_after = 0;
  Duration took{};
};

// `segments` of data one way at 100 Mbit/s and 20 ms; `lost` of them, from number `from` on, are dropped once.
Result transfer(u64 segments, u64 from, u64 lost, Family family = Family::v4) {
  TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 10_ms}, {.static_neighbours = true}, hosts()};
  w.link.drop(burst(from, lost));
  w.transfer({.bytes = segments * mss, .family = family});
  const Endpoint local = w.moved->client().result().local;
  Result r;
  // cwnd where recovery ends.
  w.world.run_until(
      [&] {
        const auto info = w.client.tcp_info(local.port != 0 ? local.port : w.moved->client().result().local.port);
        if (info && info->path == tcp::Path::recovery) r.ssthresh = info->ssthresh, r.cwnd_after = 0;
        if (info && info->path == tcp::Path::open && r.ssthresh != 0 && r.cwnd_after == 0) r.cwnd_after = info->cwnd;
        return w.moved->over();
      },
      60_s);
  r.trouble = w.finish();
  r.timeouts = w.client.count(Tcp::rto_expirations);
  r.resent = w.client.count(Tcp::retrans_segs);
  r.fast = w.client.count(Tcp::fast_retransmits);
  r.took = w.done_at() - Instant{};
  return r;
}

TEST(sim_recovery, a_burst_of_n_of_a_hundred_costs_no_timeout_up_to_ninety) {
  for (const u64 n : {1u, 2u, 3u, 5u, 10u, 20u, 30u, 40u, 50u, 60u, 70u, 80u, 90u}) {
    const Result r = transfer(600, 160, n);
    EXPECT_EQ(r.trouble, "") << n;
    EXPECT_EQ(r.timeouts, 0u) << n << " lost";
    EXPECT_EQ(r.resent, n) << "each once, nothing else";
  }
}

TEST(sim_recovery, after_a_burst_of_up_to_forty_recovery_ends_at_ssthresh) {
  for (const u64 n : {1u, 2u, 5u, 10u, 20u, 30u, 40u}) {
    const Result r = transfer(600, 160, n);
    ASSERT_NE(r.ssthresh, 0u) << n;
    EXPECT_LE(r.cwnd_after > r.ssthresh ? r.cwnd_after - r.ssthresh : r.ssthresh - r.cwnd_after, mss) << n << " lost";
  }
}

TEST(sim_recovery, no_single_loss_of_two_hundred_costs_a_timeout) {
  for (const Family f : {Family::v4, Family::v6})
    for (u64 i = 1; i <= 200; ++i) {
      const Result r = transfer(200, i, 1, f);
      EXPECT_EQ(r.trouble, "") << i;
      EXPECT_EQ(r.timeouts, 0u) << "segment " << i;
      EXPECT_LE(r.resent, 1u) << "segment " << i;
    }
}

// RFC 8985 7: the last n segments are lost; the probe makes a SACK of it, and RACK does the rest.
TEST(sim_recovery, a_lost_tail_is_repaired_by_a_probe) {
  for (const u64 n : {1u, 2u, 3u, 5u, 10u}) {
    const Result r = transfer(200, 201 - n, n);
    EXPECT_EQ(r.trouble, "") << n;
    EXPECT_EQ(r.timeouts, 0u) << n << " of the tail";
    EXPECT_EQ(r.resent, n);
  }
}

TEST(sim_recovery, reordering_within_a_quarter_of_the_round_trip_is_no_loss) {
  TcpWorld w{
      3, {.bits_per_second = 100'000'000, .delay = 10_ms, .reorder = 0.02, .reorder_by = 3_ms}, {.static_neighbours = true}, hosts()};
  w.transfer({.bytes = 3'000'000});
  EXPECT_EQ(w.finish(), "");
  EXPECT_EQ(w.client.count(Tcp::rto_expirations), 0u);
  EXPECT_GE(w.link.a_to_b().stats().reordered, 30u);
  // The first few are taken for losses until reordering has been seen.
  EXPECT_LE(w.client.count(Tcp::retrans_segs), 5u);
}

// The round trip grows tenfold at once and nothing is lost: what was cut is put back (RFC 4015), at most two segments are sent in vain.
TEST(sim_recovery, a_step_of_the_delay_costs_no_window) {
  TcpWorld w{1, {.bits_per_second = 50'000'000, .delay = 25_ms}, {.static_neighbours = true}, hosts()};
  w.transfer({.bytes = 30'000'000});
  w.world.run_until(Instant{} + 600_ms);
  const u16 port = w.moved->client().result().local.port;
  const auto before = w.client.tcp_info(port);
  ASSERT_TRUE(before);
  w.link.set_delay(250_ms);
  w.world.run_until(Instant{} + 3_s);
  const auto after = w.client.tcp_info(port);
  ASSERT_TRUE(after);
  EXPECT_GE(after->cwnd, before->cwnd);
  EXPECT_GE(after->ssthresh, before->cwnd) << "HyStart++ may have ended slow start for the delay, but not below what there was";
  EXPECT_LE(w.client.count(Tcp::retrans_segs), 2u);
  EXPECT_EQ(w.finish(), "");
}

}  // namespace
}  // namespace weir::sim
