// The shard's own promises: what goes in comes out or is counted, the same calls give the same bytes, extension.
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class ShardTest : public Station {
 protected:
  void SetUp() override { know_peer(); }
};

TEST_F(ShardTest, what_the_driver_could_not_take_comes_again_in_order) {
  const Sock s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  const InterfaceStats before = shard.core().interface(port).stats;  // group reports have left already
  u32 tapped = 0;
  shard.core().taps.push_back(
      {[](void* n, IfIndex, bool outbound, buf::PacketId, Drop, Instant) { *static_cast<u32*>(n) += outbound; }, &tapped});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(shard.send_to(s, as_bytes(std::string(1, static_cast<char>('a' + i))), {peer4, 9}, 0, now));
  std::array<buf::PacketId, 8> out;
  ASSERT_EQ(shard.frames_to_send(port, out, 1 << 20, now), 8u);
  shard.tx_done(port, std::span{out}.first(3));
  shard.unsent(port, std::span{out}.subspan(3));
  EXPECT_TRUE(shard.has_output(port));
  std::string seen;
  for (const std::string& f : sent()) seen += f.back();
  EXPECT_EQ(seen, "defghij");
  EXPECT_FALSE(shard.has_output(port));
  EXPECT_EQ(shard.core().interface(port).stats.tx_packets - before.tx_packets, 10u);
  EXPECT_EQ(shard.core().interface(port).stats.tx_bytes - before.tx_bytes, 10u * (14 + 20 + 8 + 1));
  EXPECT_EQ(tapped, 10u);
  shard.core().taps.clear();
  ASSERT_TRUE(shard.close(s, now));
}

TEST_F(ShardTest, a_pull_is_bounded_in_bytes) {
  const Sock s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(shard.send_to(s, as_bytes(pattern(1000)), {peer4, 9}, 0, now));
  std::array<buf::PacketId, 64> out;
  const u32 n = shard.frames_to_send(port, out, 2500, now);
  EXPECT_EQ(n, 3u);  // never less than one, never much more than asked for
  shard.tx_done(port, std::span{out}.first(n));
  EXPECT_EQ(sent().size(), 7u);
  ASSERT_TRUE(shard.close(s, now));
}

TEST_F(ShardTest, a_port_that_loses_its_carrier_drops_what_waits) {
  const Sock s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {peer4, 9}, 0, now));
  run();
  shard.on_port(port, false, now);
  EXPECT_EQ(drops(Drop::link_down), 1u);
  EXPECT_TRUE(sent().empty());
  shard.on_port(port, true, now);
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {peer4, 9}, 0, now));
  EXPECT_EQ(sent().size(), 1u);
  ASSERT_TRUE(shard.close(s, now));
}

TEST_F(ShardTest, protocols_are_added_without_touching_the_core) {
  static std::string ether, ip;
  Shard* self = &shard;
  const auto take = [](std::string& into, void* s, buf::PacketId id) {
    buf::Pool& pool = static_cast<Shard*>(s)->pool();
    into = text_of(pool.run_from(id, &into == &ether ? pool[id].l3 : pool[id].l4));
    pool.release(id);
  };
  static const auto taker = take;
  ASSERT_TRUE(shard.register_ethertype(0x88b5, [](void* s, Port, buf::PacketId id, Instant) { taker(ether, s, id); }, self));
  ASSERT_TRUE(shard.register_ip_protocol(253, [](void* s, Port, buf::PacketId id, Instant) { taker(ip, s, id); }, self));
  EXPECT_EQ(shard.register_ethertype(0x88b5, [](void*, Port, buf::PacketId, Instant) {}, nullptr).error(), Errc::exists);
  EXPECT_EQ(shard.register_ethertype(0x0800, [](void*, Port, buf::PacketId, Instant) {}, nullptr).error(), Errc::exists);
  EXPECT_EQ(shard.register_ip_protocol(6, [](void*, Port, buf::PacketId, Instant) {}, nullptr).error(), Errc::exists);
  inject(ethernet(host_mac, peer_mac, 0x88b5, "my frame"));
  EXPECT_EQ(ether, "my frame");
  inject(from_peer4(packet4(253, "my protocol")));
  EXPECT_EQ(ip, "my protocol");
  inject(from_peer6(packet6(253, "and IPv6")));
  EXPECT_EQ(ip, "and IPv6");
  EXPECT_TRUE(sent().empty());
}

TEST_F(ShardTest, a_tap_sees_what_comes_goes_and_is_dropped) {
  struct Seen {
    int in = 0, out = 0, dropped = 0;
  } seen;
  shard.core().taps.push_back({[](void* s, IfIndex, bool outbound, buf::PacketId, Drop why, Instant) {
                                 auto& x = *static_cast<Seen*>(s);
                                 ++(why != Drop::none ? x.dropped : outbound ? x.out : x.in);
                               },
                               &seen});
  inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))));
  (void)sent();
  inject(from_peer4("nonsense"));
  EXPECT_EQ(seen.in, 2);
  EXPECT_EQ(seen.out, 1);
  EXPECT_EQ(seen.dropped, 1);
  shard.core().taps.clear();
}

TEST_F(ShardTest, names_and_numbers_that_cannot_be) {
  EXPECT_EQ(shard.add_interface(netns, {.name = "eth0"}, now).error(), Errc::exists);
  EXPECT_EQ(shard.add_interface(netns, {.name = ""}, now).error(), Errc::invalid);
  EXPECT_EQ(shard.add_interface(netns, {.name = "a name that is too long"}, now).error(), Errc::invalid);
  EXPECT_EQ(shard.add_interface(netns, {.name = "x", .mtu = 67}, now).error(), Errc::invalid);
  EXPECT_EQ(shard.add_interface(99, {.name = "x"}, now).error(), Errc::not_found);
  EXPECT_EQ(shard.remove_interface(99, now).error(), Errc::device_not_found);
  EXPECT_EQ(shard.add_address(99, *Prefix::parse("10.9.9.9/8"), now).error(), Errc::device_not_found);
  EXPECT_EQ(shard.add_route(netns, {.to = *Prefix::parse("1.0.0.0/8"), .via = ip4("99.9.9.9")}, now).error(), Errc::net_unreachable);
  EXPECT_EQ(shard.remove_route(netns, {.to = *Prefix::parse("1.0.0.0/8"), .via = {}}, now).error(), Errc::not_found);
  EXPECT_FALSE(shard.socket(99, Family::v4, SocketType::datagram, 0, now));
}

// The same seed and the same calls give the same bytes, whatever was in memory before.
u64 digest_of_a_life(u64 seed) {
  Instant now{1};
  Shard s({.seed = seed, .pool = {.packets = 1024, .small_buffers = 1024, .large_buffers = 16}, .max_sockets = 16, .max_connections = 16},
          now);
  const NetnsId ns = *s.add_netns({.name = "x"}, now);
  const Port p = *s.add_interface(ns, {.name = "eth0"}, now);
  (void)s.add_address(p, *Prefix::parse("10.0.0.1/24"), now);
  (void)s.add_address(p, *Prefix::parse("fd00::1/64"), now);
  const Sock sock = *s.socket(ns, Family::v4, SocketType::datagram, 0, now);
  u64 digest = 14695981039346656037u;
  for (int i = 0; i < 100; ++i) {
    now = now + 100_ms;
    (void)s.send_to(sock, as_bytes(pattern(static_cast<usize>(i) * 30)), {Ip4Addr{0x0a000002u + static_cast<u32>(i) % 5}, 9}, 0, now);
    (void)s.run(now);
    std::array<buf::PacketId, 64> out;
    while (const u32 n = s.frames_to_send(p, out, 1 << 20, now)) {
      for (u32 k = 0; k < n; ++k) {
        std::string f(s.pool()[out[k]].length, 0);
        s.pool().copy_out(out[k], 0, as_writable(f));
        for (const char c : f) digest = (digest ^ static_cast<u8>(c)) * 1099511628211u;
      }
      s.tx_done(p, std::span{out}.first(n));
    }
  }
  return digest;
}

TEST(Determinism, equal_seeds_give_equal_bytes) {
  EXPECT_EQ(digest_of_a_life(1), digest_of_a_life(1));
  EXPECT_NE(digest_of_a_life(1), digest_of_a_life(2));
}

// Packets in = delivered + answered + dropped, for a day of noise.
TEST_F(ShardTest, noise_is_conserved) {
  Rng rng = Rng::seeded(99);
  const std::string seeds[] = {
      from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), pattern(40)))),
      from_peer4(packet4(wire::proto::udp, udp(peer4, host4, 1, 9, pattern(40)))),
      from_peer4(packet4(wire::proto::tcp, tcp(peer4, host4, {.src_port = 1, .dst_port = 80, .flags = {wire::TcpFlags::syn}}))),
      from_peer6(packet6(wire::proto::icmp6, icmp6(peer6, host6, wire::Icmp6Fields::echo(false, 1, 1), pattern(40)))),
      from_peer6(packet6(wire::proto::destination, std::string("\x3b\x00\x01\x04\0\0\0\0", 8))),
      from_peer6(packet6(wire::proto::icmp6, nd(peer6, host6, wire::NeighborSolicit{.target = host6}, link_option(1, peer_mac)))),
      ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, arp({wire::ArpOp::request, peer_mac, peer4, {}, host4})),
  };
  for (int i = 0; i < 200'000; ++i) {
    std::string f = seeds[rng.below(std::size(seeds))];
    for (u64 k = rng.below(4); k-- != 0;) f[rng.below(f.size())] = static_cast<char>(rng.next_u64());
    if (rng.below(8) == 0) f.resize(rng.below(f.size() + 1));
    if (rng.below(16) == 0) f += pattern(rng.below(1400));
    const buf::PacketId id = shard.pool().from_bytes(as_bytes(f));
    ASSERT_NE(id, buf::PacketId::none) << "leaked at " << i;
    shard.on_frames(port, {&id, 1}, now);
    if (i % 64 == 0) {
      now = now + 1_ms;
      run();
      for (const std::string& out : sent()) EXPECT_EQ(out.find("\xaa\xaa\xaa\xaa"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace weir::test
