// Worlds of raw frames and datagrams: time, order, determinism, loss; no TCP yet.
#include "sim/world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/monitor.hpp"
#include "sim/oracle.hpp"
#include "sim/socket.hpp"
#include "tests/sim/frames.hpp"

namespace weir::sim {
namespace {

TEST(sim_world, events_of_one_time_happen_in_the_order_they_were_asked_for) {
  World world{1};
  std::string order;
  world.at(Instant{} + 2_ms, [&] { order += 'c'; });
  world.at(Instant{} + 1_ms, [&] {
    order += 'a';
    world.after({}, [&] { order += 'b'; });
  });
  world.at(Instant{} + 2_ms, [&] { order += 'd'; });
  EXPECT_TRUE(world.run_until_idle(1_s));
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(world.now(), Instant{} + 2_ms);
}

TEST(sim_world, run_until_stops_at_its_time) {
  World world{1};
  int called = 0;
  world.at(Instant{} + 1_s, [&] { ++called; });
  world.run_until(Instant{} + 999_ms);
  EXPECT_EQ(called, 0);
  world.run_for(1_ms);
  EXPECT_EQ(called, 1);
  EXPECT_FALSE(world.run_until([&] { return called == 2; }, 5_s));
}

// A datagram socket that keeps what it gets.
struct Inbox {
  Inbox(Host& host, Family family, u16 port) : socket(*Socket::open(host, family, SocketType::datagram)) {
    EXPECT_TRUE(socket.bind({IpAddr::any(family), port}));
    socket.on_ready([this](u32) {
      std::byte data[2048];
      while (const auto d = socket.recv_from(data)) {
        got.emplace_back(reinterpret_cast<const char*>(data), d->copied);
        times.push_back(socket.host().world().now());
      }
    });
  }
  Socket socket;
  std::vector<std::string> got;
  std::vector<Instant> times;
};

class sim_udp : public testing::TestWithParam<Family> {};

TEST_P(sim_udp, a_datagram_arrives_after_the_delay_of_its_link) {
  World world{1, {.static_neighbours = true}};
  Host &a = world.host("a"), &b = world.host("b");
  world.link(a, b, {.bits_per_second = 1'000'000, .delay = 10_ms});
  world.run_for(10_s);  // whatever interfaces have to say when they come up
  Inbox inbox{b, GetParam(), 99};
  Socket from = *Socket::open(a, GetParam(), SocketType::datagram);
  const Instant start = world.now();
  ASSERT_TRUE(from.send_to(test::text_bytes("hello"), {b.address(GetParam()), 99}));
  world.run_for(1_s);
  ASSERT_EQ(inbox.got, std::vector<std::string>{"hello"});
  const i64 bytes = 14 + (GetParam() == Family::v4 ? 20 : 40) + 8 + 5;
  EXPECT_EQ(inbox.times[0], start + 10_ms + Duration::micros(bytes * 8));
  EXPECT_TRUE(world.violations().empty()) << world.violations()[0];
}

TEST_P(sim_udp, neighbours_are_found_first) {
  World world{1};
  Host &a = world.host("a"), &b = world.host("b");
  world.link(a, b, {.delay = 10_ms});
  Inbox inbox{b, GetParam(), 99};
  Socket from = *Socket::open(a, GetParam(), SocketType::datagram);
  ASSERT_TRUE(from.send_to(test::text_bytes("hello"), {b.address(GetParam()), 99}));
  world.run_for(1_s);
  ASSERT_EQ(inbox.got.size(), 1u);
  EXPECT_EQ(inbox.times[0], Instant{} + 30_ms);  // question, answer, datagram
}

TEST_P(sim_udp, a_lossy_link_loses_its_share_and_hurts_nothing) {
  World world{7, {.static_neighbours = true}};
  Host &a = world.host("a"), &b = world.host("b");
  Link& link = world.link(a, b, {.delay = 5_ms, .loss = 0.2, .duplicate = 0.1, .corrupt = 0.1});
  Inbox inbox{b, GetParam(), 99};
  Socket from = *Socket::open(a, GetParam(), SocketType::datagram);
  for (int i = 0; i < 1000; ++i)
    world.after(Duration::millis(i), [&, i] {
      static_cast<void>(from.send_to(test::text_bytes("datagram " + std::to_string(i)), {b.address(GetParam()), 99}));
    });
  world.run_for(2_s);
  const PipeStats& s = link.a_to_b().stats();
  EXPECT_NEAR(static_cast<double>(s.lost), 200, 50);
  EXPECT_GT(s.corrupted, 50u);
  EXPECT_GT(inbox.got.size(), 700u);
  for (const std::string& d : inbox.got) EXPECT_TRUE(d.starts_with("datagram ")) << d;
  EXPECT_TRUE(world.violations().empty()) << world.violations()[0];
}

TEST_P(sim_udp, script_drops_exactly_the_datagram_it_names) {
  World world{1, {.static_neighbours = true}};
  Host &a = world.host("a"), &b = world.host("b");
  world.link(a, b, {.delay = 5_ms}).drop(nth_datagram(2));
  Inbox inbox{b, GetParam(), 99};
  Socket from = *Socket::open(a, GetParam(), SocketType::datagram);
  for (const char* text : {"1", "2", "3"}) static_cast<void>(from.send_to(test::text_bytes(text), {b.address(GetParam()), 99}));
  world.run_for(1_s);
  EXPECT_EQ(inbox.got, (std::vector<std::string>{"1", "3"}));
}

INSTANTIATE_TEST_SUITE_P(families, sim_udp, testing::Values(Family::v4, Family::v6),
                         [](const auto& p) { return p.param == Family::v4 ? "v4" : "v6"; });

// A world with something of everything; returns its digest.
u64 digest_of(u64 seed, bool one_shard = false) {
  World world{seed, {.one_shard = one_shard}};
  Host &a = world.host("a"), &b = world.host("b");
  world.link(a, b, {.bits_per_second = 10'000'000, .delay = 3_ms, .jitter = 1_ms, .loss = 0.1, .reorder = 0.1});
  Inbox inbox{b, Family::v4, 99};
  Socket from = *Socket::open(a, Family::v4, SocketType::datagram);
  for (int i = 0; i < 50; ++i)
    world.after(Duration::micros(i * 700),
                [&, i] { static_cast<void>(from.send_to(test::text_bytes(std::to_string(i)), {b.address(), 99})); });
  world.run_for(5_s);
  return world.digest();
}

TEST(sim_world, same_seed_same_digest) {
  EXPECT_EQ(digest_of(1), digest_of(1));
  EXPECT_NE(digest_of(1), digest_of(2));
}

TEST(sim_world, hosts_of_one_shard) { EXPECT_EQ(digest_of(1, true), digest_of(1, true)); }

TEST(sim_world, a_peer_made_by_hand_sees_and_sends_frames) {
  World world{1};
  Host& a = world.host("a");
  RawPeer peer;
  std::vector<std::string> seen;
  peer.on_frame = [&](Bytes frame, Instant) {
    const Dissected d = dissect(frame);
    if (d.protocol == wire::proto::udp) seen.push_back(to_string(d.dst));
  };
  Link& link = world.link(a, peer, {.delay = 1_ms});
  Inbox inbox{a, Family::v4, 7};
  Socket s = *Socket::open(a, Family::v4, SocketType::datagram);
  ASSERT_TRUE(s.send_to(test::text_bytes("x"), {Ip4Addr{0x0a000002}, 9}));
  test::FrameBytes f = test::udp_frame({Ip4Addr{0x0a000002}, a.address(), 9, 7}, "from the peer");
  const MacAddr to = World::mac_of(0, 0);
  std::memcpy(f.data(), to.b.data(), 6);
  world.raw_send(link, peer, f);
  world.run_for(1_s);
  EXPECT_EQ(seen, std::vector<std::string>{"10.0.0.2"});
  EXPECT_EQ(inbox.got, std::vector<std::string>{"from the peer"});
}

TEST(sim_world, a_card_that_coalesces_hands_over_batches) {
  World world{1, {.static_neighbours = true}};
  Host &a = world.host("a"), &b = world.host("b");
  world.link(a, b, {.bits_per_second = 100'000'000, .delay = 1_ms, .coalesce = 500_us});
  Inbox inbox{b, Family::v4, 99};
  Socket from = *Socket::open(a, Family::v4, SocketType::datagram);
  for (int i = 0; i < 100; ++i) static_cast<void>(from.send_to(test::text_bytes("x"), {b.address(), 99}));
  world.run_for(1_s);
  ASSERT_EQ(inbox.got.size(), 100u);
  std::vector<Instant> distinct = inbox.times;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  EXPECT_LT(distinct.size(), 5u);
}

TEST(sim_world, a_card_that_pushes_back_leaves_the_queue_to_the_sender) {
  World world{1, {.static_neighbours = true}};
  Host &a = world.host("a"), &b = world.host("b");
  Link& link = world.link(a, b, {.bits_per_second = 1'000'000, .delay = 1_ms, .queue_packets = 1, .backpressure = true});
  Inbox inbox{b, Family::v4, 99};
  Socket from = *Socket::open(a, Family::v4, SocketType::datagram);
  for (int i = 0; i < 100; ++i) static_cast<void>(from.send_to(test::text_bytes("x"), {b.address(), 99}));
  world.run_for(1_s);
  EXPECT_EQ(inbox.got.size(), 100u);
  EXPECT_EQ(link.a_to_b().stats().queue_drops, 0u);
}

TEST(sim_world, a_thousand_hosts_are_affordable) {
  World world{1};
  Host& hub = world.host("hub");
  std::vector<Inbox> inboxes;
  inboxes.reserve(1000);
  Socket from = *Socket::open(hub, Family::v4, SocketType::datagram);
  for (int i = 0; i < 1000; ++i) {
    Host& h = world.host(fmt::format("h{}", i));
    world.link(hub, h, {.delay = 1_ms});
    inboxes.emplace_back(h, Family::v4, u16{99});
  }
  for (Inbox& inbox : inboxes) static_cast<void>(from.send_to(test::text_bytes("x"), {inbox.socket.host().address(), 99}));
  world.run_for(1_s);
  for (const Inbox& inbox : inboxes) EXPECT_EQ(inbox.got.size(), 1u);
}

TEST(sim_oracle, nothing_is_left_when_all_is_closed) {
  World world{1};
  {
    Host &a = world.host("a"), &b = world.host("b");
    world.link(a, b, {.delay = 1_ms, .loss = 0.2});
    Inbox inbox{b, Family::v6, 99};
    Socket from = *Socket::open(a, Family::v6, SocketType::datagram);
    for (int i = 0; i < 100; ++i) static_cast<void>(from.send_to(test::text_bytes("x"), {b.address(Family::v6), 99}));
    world.run_for(1_s);
  }
  EXPECT_EQ(leftovers(world, 3600_s), "");
}

}  // namespace
}  // namespace weir::sim
