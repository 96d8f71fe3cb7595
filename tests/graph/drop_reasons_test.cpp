// Every reason for which the graph drops a packet is reached, by name, by a frame that deserves it.
#include "graph/core.hpp"
#include "tests/graph/router.hpp"

namespace weir::test {
namespace {

class DropReasons : public Router {
 protected:
  std::string frame6(u8 next, const std::string& payload, u8 hop_limit = 64) {
    return from_peer6(ipv6({.next_header = next, .hop_limit = hop_limit, .src = peer6, .dst = host6}, payload));
  }
  static std::string options_header(u8 next, const std::string& options) {
    std::string h{static_cast<char>(next), 0};
    h += options;
    h.resize(8);
    return h;
  }
  std::string fragment4(u16 id, u32 offset, bool more, const std::string& payload) {
    return from_peer4(ipv4({.id = id,
                            .more_fragments = more,
                            .fragment_offset = static_cast<u16>(offset),
                            .protocol = wire::proto::udp,
                            .src = peer4,
                            .dst = host4},
                           payload));
  }
};

TEST_F(DropReasons, of_the_link) {
  const std::string packet = packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"));
  expect_drop("short", Drop::eth_truncated);
  expect_drop(from_peer4(std::string(3000, 'x')), Drop::eth_giant);
  expect_drop(ethernet(other_mac, peer_mac, wire::ethertype::ipv4, packet), Drop::eth_not_for_us);
  expect_drop(ethernet(host_mac, peer_mac, 0x9999, packet), Drop::eth_unknown_type);
  expect_drop(ethernet(host_mac, peer_mac, 0x05ff, packet), Drop::eth_bad_length);
  expect_drop(ethernet(host_mac, peer_mac, wire::ethertype::vlan, "ab"), Drop::vlan_truncated);
  expect_drop(ethernet(host_mac, peer_mac, wire::ethertype::vlan, std::string("\x00\x05\x08\x00", 4) + packet), Drop::vlan_unknown);
  const auto arp_frame = [&](const std::string& a) { return ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, a); };
  expect_drop(arp_frame("tiny"), Drop::arp_truncated);
  expect_drop(arp_frame(std::string(28, 'x')), Drop::arp_bad_type);
  expect_drop(arp_frame(arp({wire::ArpOp::request, host_mac, peer4, {}, host4})), Drop::arp_bad_sender);
  expect_drop(arp_frame(arp({wire::ArpOp::request, peer_mac, peer4, {}, ip4("10.0.0.77")})), Drop::arp_not_for_us);
  ASSERT_TRUE(shard.set_interface_up(port, false, now));
  expect_drop(from_peer4(packet), Drop::link_down);
}

TEST_F(DropReasons, of_ip4) {
  const auto broken = [&](usize at, u8 value) {
    std::string p = packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"));
    p[at] = static_cast<char>(value);
    return from_peer4(p);
  };
  const auto with = [&](wire::Ipv4Fields f, const std::string& payload = "12345678") {
    if (f.src.is_any()) f.src = peer4;
    if (f.dst.is_any()) f.dst = host4;
    return from_peer4(ipv4(f, payload));
  };
  expect_drop(from_peer4("E"), Drop::ip4_truncated);
  expect_drop(broken(0, 0x65), Drop::ip4_bad_version);
  expect_drop(broken(0, 0x44), Drop::ip4_bad_header_length);
  expect_drop(broken(2, 0x7f), Drop::ip4_bad_total_length);
  expect_drop(broken(8, 1), Drop::ip4_bad_checksum);
  expect_drop(with({.src = ip4("224.0.0.9")}), Drop::ip4_bad_source);
  expect_drop(with({.dst = ip4("127.0.0.1")}), Drop::ip4_bad_destination);
  const std::string bad_option{7, 2}, source_route{static_cast<char>(131), 7, 4, 1, 2, 3, 4};
  expect_drop(with({.options = as_bytes(bad_option)}), Drop::ip4_bad_option, false);
  (void)sent();
  expect_drop(with({.options = as_bytes(source_route)}), Drop::ip4_source_route);
  expect_drop(with({.src = ip4("192.0.2.1"), .dst = ip4("192.0.2.1")}), Drop::ip4_land);
}

TEST_F(DropReasons, of_ip6) {
  expect_drop(from_peer6("`"), Drop::ip6_truncated);
  expect_drop(from_peer6(std::string(40, 'x')), Drop::ip6_bad_version);
  expect_drop(frame6(17, std::string(20, 'x')).substr(0, 14 + 50), Drop::ip6_bad_payload_length);
  expect_drop(from_peer6(ipv6({.src = ip6("ff02::2"), .dst = host6}, "x")), Drop::ip6_bad_source);
  expect_drop(from_peer6(ipv6({.src = peer6, .dst = ip6("::1")}, "x")), Drop::ip6_bad_destination);
  expect_drop(from_peer6(ipv6({.src = ip6("2001:db8::1"), .dst = ip6("2001:db8::1")}, "x")), Drop::ip6_land);
  expect_drop(frame6(wire::proto::destination, "x"), Drop::ip6_bad_extension);
  expect_drop(frame6(wire::proto::destination, options_header(17, std::string(6, 0)) + "x"), Drop::udp_truncated);  // six Pad1: allowed
  std::string chain;
  for (int i = 0; i < 20; ++i) chain += options_header(wire::proto::destination, std::string("\x01\x04\0\0\0\0", 6));
  expect_drop(frame6(wire::proto::destination, chain), Drop::ip6_extension_limit);
  expect_drop(frame6(wire::proto::destination, options_header(17, "\x40")), Drop::ip6_unknown_option);
  expect_drop(frame6(250, "x"), Drop::ip6_unknown_header, false);
  EXPECT_EQ(sent().size(), 1u);
  std::string routing(8, 0);
  routing[3] = 1;
  expect_drop(frame6(wire::proto::routing, routing), Drop::ip6_routing_header, false);  // A25: RFC 5095 3
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::parameter_problem(0, 42));
}

TEST_F(DropReasons, of_both) {
  const auto to4 = [&](Ip4Addr dst, u8 ttl = 64) {
    return from_peer4(ipv4({.ttl = ttl, .protocol = 17, .src = peer4, .dst = dst}, "12345678"));
  };
  expect_drop(to4(ip4("239.9.9.9")), Drop::ip_not_for_us);
  expect_drop(to4(far4, 1), Drop::ip_ttl_exceeded, false);
  expect_drop(to4(ip4("198.51.100.9")), Drop::ip_no_route, false);
  expect_drop(from_peer4(ipv4({.protocol = 251, .src = peer4, .dst = host4}, "x")), Drop::ip_unknown_protocol, false);
  discard();
  expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, packet4(17, "12345678")), Drop::ip_link_broadcast);
  expect_drop(to4(ip4("10.1.0.255")), Drop::ip_directed_broadcast);
  expect_drop(from_peer4(ipv4({.src = ip4("169.254.1.1"), .dst = far4}, "x")), Drop::ip_forward_off_link);
  ASSERT_TRUE(shard.sysctl(netns) != nullptr);
  shard.sysctl(netns)->ip_forward = false;
  expect_drop(to4(ip4("10.1.0.1")), Drop::ip_wrong_interface);
}

TEST_F(DropReasons, of_fragments) {
  expect_drop(fragment4(1, 0, true, "not a multiple of 8"), Drop::frag_bad);
  expect_drop(fragment4(2, 65'528, false, std::string(100, 'x')), Drop::frag_too_long);
  expect_drop(fragment4(4, 0, true, ""), Drop::frag_bad);
  inject(fragment4(3, 0, true, std::string(16, 'x')));
  inject(fragment4(3, 8, true, std::string(16, 'y')));  // A13: both go, and what comes later
  EXPECT_EQ(drops(Drop::frag_overlap), 2u);
  expect_drop(fragment4(3, 24, false, "end"), Drop::frag_overlap);
  expect_drop(from_peer4(ipv4({.id = 9, .more_fragments = true, .protocol = 6, .src = peer4, .dst = host4}, "12345678")), Drop::frag_tiny);
  for (u16 id = 100; id < 1000; ++id) inject(fragment4(id, 0, true, std::string(16, 'x')));  // A15
  EXPECT_GT(drops(Drop::frag_limit), 0u);
  EXPECT_LE(shard.core().reassembly.bytes(), 4u << 20);
  EXPECT_TRUE(sent().empty());
  now = now + 61_s;
  run();
  EXPECT_GT(drops(Drop::frag_timeout), 0u);
  (void)sent();
}

TEST_F(DropReasons, of_neighbours) {
  const Sock s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {ip4("10.0.0.80"), 9}, 0, now));
  (void)sent();
  EXPECT_EQ(drops(Drop::neigh_queue_full), 1u);
  for (u32 i = 0; i < 3000; ++i) {
    inject(from_peer4(ipv4({.src = peer4, .dst = {0x0a010000 + 3 + i % 250}}, "x")));
    discard();
  }
  for (u32 i = 0; i < 3000; ++i) {  // A27: scanned by the router's own traffic
    Ip6Addr dst = far6;
    store_be32(dst.b.data() + 12, 1000 + i);
    inject(from_peer6(ipv6({.src = peer6, .dst = dst}, "x")));
    discard();
  }
  EXPECT_GT(drops(Drop::neigh_limit), 0u);
  EXPECT_LE(shard.core().neighbours.incomplete(), 2048u);
  for (int i = 0; i < 8; ++i) {
    now = now + 1_s;
    run();
  }
  EXPECT_GT(drops(Drop::neigh_unresolved), 0u);
  (void)sent();
  (void)sent(b);
  ASSERT_TRUE(shard.close(s, now));
}

TEST_F(DropReasons, of_neighbour_discovery) {
  const Ip6Addr group = host6.solicited_node();
  const auto solicit = [&](const Ip6Addr& src, const std::string& m, u8 hop_limit = 255, const Ip6Addr* to = nullptr) {
    return from_peer6(ipv6({.next_header = wire::proto::icmp6, .hop_limit = hop_limit, .src = src, .dst = to != nullptr ? *to : host6}, m));
  };
  const std::string good = nd(peer6, host6, wire::NeighborSolicit{.target = host6});
  expect_drop(solicit(peer6, good, 254), Drop::nd_bad_hop_limit);  // A28
  const std::string zero_option(8, 0);
  expect_drop(solicit(peer6, nd(peer6, host6, wire::NeighborSolicit{.target = host6}, zero_option)), Drop::nd_bad_option);
  expect_drop(solicit(peer6, nd(peer6, host6, wire::NeighborSolicit{.target = ip6("ff02::1")})), Drop::nd_bad_target);
  expect_drop(solicit(peer6, nd(peer6, host6, wire::NeighborSolicit{.target = ip6("fd00::77")})), Drop::nd_bad_target);
  std::string coded = good;
  coded[1] = 1;
  wire::set_transport_checksum(as_writable(coded), 2, peer6, host6, wire::proto::icmp6);
  expect_drop(solicit(peer6, coded), Drop::nd_bad_code);
  expect_drop(solicit(peer6, nd(peer6, host6, wire::NeighborSolicit{.target = host6}, link_option(1, MacAddr::broadcast()))),
              Drop::nd_bad_option);
  // RFC 4861 7.1.1: from nobody only to the group, and without a link address.
  expect_drop(solicit(Ip6Addr::any(), nd(Ip6Addr::any(), host6, wire::NeighborSolicit{.target = host6})), Drop::nd_bad_option);
  expect_drop(
      solicit(Ip6Addr::any(), nd(Ip6Addr::any(), group, wire::NeighborSolicit{.target = host6}, link_option(1, peer_mac)), 255, &group),
      Drop::nd_bad_option);
  // RFC 6980: never in fragments.
  std::string fragment(8, 0);
  wire::emit(wire::Ip6FragmentFields{wire::proto::icmp6, 0, true, 3}, as_writable(fragment));
  std::string padded = nd(peer6, host6, wire::NeighborSolicit{.target = host6});
  inject(from_peer6(
      ipv6({.next_header = wire::proto::fragment, .hop_limit = 255, .src = peer6, .dst = host6}, fragment + padded.substr(0, 16))));
  wire::emit(wire::Ip6FragmentFields{wire::proto::icmp6, 16, false, 3}, as_writable(fragment));
  expect_drop(
      from_peer6(ipv6({.next_header = wire::proto::fragment, .hop_limit = 255, .src = peer6, .dst = host6}, fragment + padded.substr(16))),
      Drop::nd_fragmented);
  // Of an advertisement that nobody asked for, a host makes nothing.
  shard.sysctl(netns)->ip6_forward = false;
  const u32 before = shard.core().neighbours.size();
  inject(solicit(peer6, nd(peer6, host6, wire::NeighborAdvert{.override_ = true, .target = ip6("fd00::66")}, link_option(2, other_mac))));
  EXPECT_EQ(shard.core().neighbours.size(), before);
  expect_drop(from_peer6(ipv6({.next_header = wire::proto::icmp6, .hop_limit = 255, .src = ip6("fe80::1"), .dst = Ip6Addr::all_nodes()},
                              nd(ip6("fe80::1"), Ip6Addr::all_nodes(), wire::RouterAdvert{.lifetime_s = 1800}))),
              Drop::icmp_ignored);
}

TEST_F(DropReasons, of_the_stack) {
  ASSERT_TRUE(shard.remove_interface(b, now));
  b = *shard.add_interface(netns, {.name = "b2", .mac = host_b_mac, .queue_packets = 4}, now);
  ASSERT_TRUE(shard.add_address(b, *Prefix::parse("10.1.0.1/24"), now, false) && shard.add_neighbour(b, far4, peer_b_mac, now));
  for (int i = 0; i < 5; ++i) inject(from_peer4(ipv4({.src = peer4, .dst = far4}, "x")));
  EXPECT_EQ(drops(Drop::queue_full), 1u);
  EXPECT_EQ(shard.core().interface(b).stats.tx_dropped, 1u);
  shard.on_port(b, false, now);
  EXPECT_EQ(drops(Drop::link_down), 4u);
  const Sock raw = *shard.socket(netns, Family::v4, SocketType::raw, 251, now);
  ASSERT_TRUE(shard.set_option(raw, Option::receive_buffer, 8192, now));
  for (int i = 0; i < 5; ++i) inject(from_peer4(ipv4({.protocol = 251, .src = peer4, .dst = host4}, "x")));
  EXPECT_EQ(drops(Drop::raw_queue_full), 2u);
  EXPECT_TRUE(sent().empty());  // somebody has the protocol
  ASSERT_TRUE(shard.close(raw, now));
}

}  // namespace
}  // namespace weir::test
