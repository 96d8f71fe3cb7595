// Paths that are narrower than they say: RFC 4821 (probes, black holes), beside what ICMP tells (RFC 1191, RFC 8201).
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using tcp::Tcp;
using test::TcpWorld;

struct Case {
  Family family;
  u32 bytes;  // largest IP packet that comes through
};

HostConfig hosts(u8 probing) {
  HostConfig h;
  h.sysctl.tcp_mtu_probing = probing;
  h.sysctl.tcp_moderate_rcvbuf = false;
  return h;
}

// What is lost here is lost for its size: a window of 1 MiB finds room in the queue.
constexpr LinkConfig wire{.bits_per_second = 100'000'000, .delay = 10_ms, .queue_packets = 1'000};

class sim_mtu : public testing::TestWithParam<Case> {};

TEST_P(sim_mtu, a_silent_black_hole_is_found_by_timeouts) {
  const Case c = GetParam();
  TcpWorld w{1, wire, {.static_neighbours = true}, hosts(1)};
  w.link.drop(larger_than(c.bytes + 14));
  w.transfer({.bytes = 3'000'000, .family = c.family});
  EXPECT_EQ(w.finish(), "");
  EXPECT_GE(w.client.count(Tcp::black_holes), 1u);
  EXPECT_LE(w.done_at() - Instant{}, 12_s);
}

TEST_P(sim_mtu, probes_find_the_size_and_cost_no_window) {
  const Case c = GetParam();
  TcpWorld w{1, wire, {.static_neighbours = true}, hosts(2)};
  w.link.drop(larger_than(c.bytes + 14));
  w.transfer({.bytes = 60'000'000, .family = c.family});
  w.world.run_until(Instant{} + 4_s);
  const auto info = w.client.tcp_info(w.moved->client().result().local.port);
  ASSERT_TRUE(info);
  const u32 headers = c.family == Family::v4 ? 52 : 72, best = c.bytes - headers;
  EXPECT_LE(info->snd_mss, best);
  EXPECT_GE(info->snd_mss + 32, best);
  EXPECT_GE(w.client.count(Tcp::mtu_probes), 3u);
  EXPECT_EQ(w.client.count(Tcp::fast_retransmits), 0u) << "the loss of a probe is no congestion";
  EXPECT_EQ(w.client.count(Tcp::rto_expirations), 0u);
  EXPECT_EQ(w.finish(), "");
}

TEST(sim_mtu_wide, a_wide_path_is_found_to_be_wide) {
  TcpWorld w{1, wire, {.static_neighbours = true}, hosts(2)};
  w.transfer({.bytes = 20'000'000});
  w.world.run_until(Instant{} + 1500_ms);
  const auto info = w.client.tcp_info(w.moved->client().result().local.port);
  ASSERT_TRUE(info);
  EXPECT_GE(info->snd_mss, 1'448u - 16);
  EXPECT_EQ(w.client.count(Tcp::retrans_segs), 0u);
  EXPECT_EQ(w.finish(), "");
}

INSTANTIATE_TEST_SUITE_P(sizes, sim_mtu, testing::Values(Case{Family::v4, 1'280}, Case{Family::v6, 1'280}, Case{Family::v4, 1'400}),
                         [](const auto& p) {
                           return std::string(p.param.family == Family::v4 ? "v4_" : "v6_") + std::to_string(p.param.bytes);
                         });

}  // namespace
}  // namespace weir::sim
