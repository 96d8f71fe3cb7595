// TCP between two hosts: first transfers over clean links, both families, all shapes of load, and the monitor silent.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

class sim_transfer : public testing::TestWithParam<Family> {};

TEST_P(sim_transfer, a_byte) {
  TcpWorld w{1, {.delay = 10_ms}};
  w.transfer({.bytes = 1, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, nothing_at_all) {
  TcpWorld w{1, {.delay = 10_ms}};
  w.transfer({.bytes = 0, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, a_megabyte) {
  TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 10_ms}};
  w.transfer({.bytes = 1'000'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
  EXPECT_LT(w.done_at(), Instant{} + 1_s);
}

TEST_P(sim_transfer, both_ways_at_once) {
  TcpWorld w{1, {.bits_per_second = 10'000'000, .delay = 10_ms}};
  w.transfer({.bytes = 300'000, .reply_bytes = 200'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, zero_copy_calls) {
  TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 2_ms}};
  TransferConfig c{.bytes = 500'000, .reply_bytes = 500'000, .family = GetParam()};
  c.client.lent = c.server.lent = true;
  w.transfer(c);
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, super_segments_and_coalescing_cards) {
  TcpWorld w{1, {.bits_per_second = 1'000'000'000, .delay = 1_ms, .coalesce = 100_us, .offload = {.tx_checksum = true, .tso = true}}};
  w.transfer({.bytes = 5'000'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, close_at_once_behind_the_data) {
  TcpWorld w{1, {.bits_per_second = 10'000'000, .delay = 5_ms}};
  TransferConfig c{.bytes = 100'000, .family = GetParam()};
  c.client.close_at_once = true;
  c.server.finish_last = true;
  w.transfer(c);
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, slow_reader_a_byte_at_a_time) {
  TcpWorld w{1, {.bits_per_second = 10'000'000, .delay = 5_ms}};
  TransferConfig c{.bytes = 20'000, .family = GetParam()};
  c.server.read_at_most = 1;
  c.server.read_every = 1_ms;
  c.server_setup = [](Socket& s) { EXPECT_TRUE(s.set(Option::receive_buffer, 4096)); };
  w.transfer(c);
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, small_mtu) {
  TcpWorld w{1, {.bits_per_second = 10'000'000, .delay = 5_ms, .mtu = 1280}};
  w.transfer({.bytes = 100'000, .reply_bytes = 50'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, timestamps_and_scaling_off) {
  HostConfig plain;
  plain.sysctl.tcp_timestamps = plain.sysctl.tcp_window_scaling = false;
  TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 5_ms}, {}, plain};
  w.transfer({.bytes = 1'000'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, a_port_where_nobody_listens) {
  TcpWorld w{1, {.delay = 5_ms}};
  Stream s{w.client, {w.server.address(GetParam()), 4}, {}};
  w.world.run_for(1_s);
  EXPECT_EQ(s.result().error, Errc::conn_refused);
  EXPECT_EQ(w.finish(), "");
}

TEST_P(sim_transfer, a_hundred_connections_at_once) {
  TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 5_ms, .queue_packets = 100}};
  StreamServer server{w.server, {IpAddr::any(GetParam()), 80}, {.send_bytes = 20'000, .expect_bytes = 1'000}};
  std::vector<std::unique_ptr<Stream>> clients;
  for (int i = 0; i < 100; ++i)
    clients.push_back(std::make_unique<Stream>(w.client, Endpoint{w.server.address(GetParam()), 80},
                                               StreamPlan{.send_bytes = 1'000, .expect_bytes = 20'000}));
  w.world.run_for(60_s);
  for (const auto& c : clients) EXPECT_TRUE(c->result().complete) << c->result().wrong;
  for (const auto& s : server.streams()) EXPECT_TRUE(s->result().complete) << s->result().wrong;
  server.stop();
  EXPECT_EQ(w.finish(), "");
}

INSTANTIATE_TEST_SUITE_P(families, sim_transfer, testing::Values(Family::v4, Family::v6),
                         [](const auto& p) { return p.param == Family::v4 ? "v4" : "v6"; });

TEST(sim_tcp, same_seed_same_digest) {
  const auto run = [](u64 seed) {
    TcpWorld w{seed, {.bits_per_second = 10'000'000, .delay = 5_ms, .loss = 0.05}};
    w.transfer({.bytes = 100'000});
    EXPECT_EQ(w.finish(), "");
    return w.world.digest();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(sim_tcp, through_a_router) {
  World world{1};
  HostConfig routes;
  routes.sysctl.ip_forward = routes.sysctl.ip6_forward = true;
  Host &a = world.host("a"), &r = world.host("r", routes), &b = world.host("b");
  world.link(a, r, {.bits_per_second = 100'000'000, .delay = 2_ms});
  world.link(r, b, {.bits_per_second = 10'000'000, .delay = 2_ms, .queue_packets = 30});
  ASSERT_TRUE(a.shard().add_route(a.netns(), {.to = *Prefix::parse("10.0.1.0/24"), .via = *IpAddr::parse("10.0.0.2")}, world.now()));
  ASSERT_TRUE(b.shard().add_route(b.netns(), {.to = *Prefix::parse("10.0.0.0/24"), .via = *IpAddr::parse("10.0.1.1")}, world.now()));
  Transfer t{a, b, {.bytes = 500'000, .reply_bytes = 100'000}};
  world.run_until([&] { return t.over(); }, 60_s);
  EXPECT_EQ(t.trouble(), "");
  EXPECT_GT(world.links()[1].a_to_b().stats().queue_drops, 0u);
  t.listener().stop();
  EXPECT_EQ(test::first_of(world.violations()), "");
  EXPECT_EQ(leftovers(world, 3600_s), "");
}

}  // namespace
}  // namespace weir::sim
