// What RFC 1122 asks of a host beside its headers: encapsulation, routing, TTL, addresses, broadcast.
#include "graph/core.hpp"
#include "tests/graph/router.hpp"

namespace weir::test {
namespace {

class HostRules : public Station {
 protected:
  void SetUp() override {
    know_peer();
    s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  }
  void TearDown() override {
    (void)shard.close(s, now);
    Station::TearDown();
  }
  std::string send_to(Ip4Addr to) {
    EXPECT_TRUE(shard.send_to(s, as_bytes("x"), {to, 9}, 0, now));
    return one();
  }
  Sock s;
};

//= rfc1122#2.3.3 L07, L10, L11, L12
//= rfc1122#3.1 I01
TEST_F(HostRules, frames_are_ethernet_ii_and_addresses_come_from_arp) {
  const std::string frame = send_to(peer4);
  EXPECT_EQ(load_be16(frame.data() + 12), wire::ethertype::ipv4);
  EXPECT_EQ(view_ethernet(frame).payload_offset(), 14u);
  const std::string request = send_to(ip4("10.0.0.33"));
  EXPECT_EQ(load_be16(request.data() + 12), wire::ethertype::arp);
  EXPECT_TRUE(view_ethernet(request).dst().is_broadcast());
  inject(ethernet(host_mac, other_mac, wire::ethertype::arp, arp({wire::ArpOp::reply, other_mac, ip4("10.0.0.33"), host_mac, host4})));
  EXPECT_EQ(view_ethernet(one()).dst(), other_mac);
}

//= rfc1122#2.4 L13, L14
TEST_F(HostRules, link_and_ip_tell_each_other_of_broadcast_and_class) {
  ASSERT_TRUE(shard.set_option(s, Option::tos, 0xa0, now));
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {peer4, 9}, 0, now));
  std::array<buf::PacketId, 4> out;
  ASSERT_EQ(shard.frames_to_send(port, out, 1 << 20, now), 1u);
  EXPECT_EQ(shard.pool()[out[0]].priority, 5);
  shard.tx_done(port, std::span{out}.first(1));
  const std::string packet = packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"));
  expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, packet), Drop::ip_link_broadcast);
}

//= rfc1122#3.1 I05, I06, I07, I08, I09
TEST_F(HostRules, two_interfaces_do_not_make_a_router_and_drops_are_counted) {
  const Port second = *shard.add_interface(netns, {.name = "eth1", .mac = other_mac}, now);
  ASSERT_TRUE(shard.add_address(second, *Prefix::parse("10.1.0.1/24"), now, false));
  const std::string through = from_peer4(ipv4({.protocol = 17, .src = peer4, .dst = ip4("10.1.0.9")}, "12345678"));
  expect_drop(through, Drop::ip_not_for_us);
  shard.sysctl(netns)->ip_forward = true;
  const u64 before = all_drops();
  inject(through);
  EXPECT_EQ(all_drops(), before);
  discard();
}

//= rfc1122#3.2.1.3 I12
//= rfc1122#3.2.2.9 I74
//= rfc1122#3.3.1.1 I85, I86
//= rfc1122#3.3.1.2 I87, I89
//= rfc1122#3.3.1.6 I102
TEST_F(HostRules, the_mask_decides_and_the_rest_goes_to_the_default_router) {
  EXPECT_EQ(view_ethernet(send_to(peer4)).dst(), peer_mac);  // without any router
  EXPECT_EQ(shard.send_to(s, as_bytes("x"), {ip4("192.0.2.1"), 9}, 0, now).error(), Errc::net_unreachable);
  ASSERT_TRUE(shard.add_neighbour(port, ip4("10.0.0.254"), other_mac, now));
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("0.0.0.0/0"), .via = ip4("10.0.0.254")}, now));
  EXPECT_EQ(view_ethernet(send_to(ip4("192.0.2.1"))).dst(), other_mac);
  EXPECT_EQ(view_ethernet(send_to(peer4)).dst(), peer_mac);
}

//= rfc1122#3.3.1.2 I90
//= rfc1122#3.3.1.5 I101
TEST_F(HostRules, when_the_default_router_dies_another_takes_its_place) {
  ASSERT_TRUE(shard.add_neighbour(port, ip4("10.0.0.253"), other_mac, now));
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("0.0.0.0/0"), .via = ip4("10.0.0.254"), .metric = 10}, now));
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("0.0.0.0/0"), .via = ip4("10.0.0.253"), .metric = 20}, now));
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {ip4("192.0.2.1"), 9}, 0, now));
  for (int i = 0; i < 4; ++i) later(1_s);  // three requests, and nobody answers
  EXPECT_EQ(view_ethernet(send_to(ip4("192.0.2.1"))).dst(), other_mac);
  // It is back when it is heard again.
  inject(ethernet(host_mac, peer_mac, wire::ethertype::arp, arp({wire::ArpOp::request, peer_mac, ip4("10.0.0.254"), {}, host4})));
  (void)sent();
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("198.51.100.0/24"), .via = ip4("10.0.0.253")}, now));  // routes are asked again
  EXPECT_EQ(view_ethernet(send_to(ip4("192.0.2.1"))).dst(), peer_mac);
}

//= rfc1122#3.2.1.7 I21, I22, I23, I24
//= rfc1122#3.2.1.6 I18, I20
TEST_F(HostRules, ttl_and_dscp) {
  for (const u8 ttl : std::initializer_list<u8>{0, 1, 255}) {
    inject(from_peer4(
        ipv4({.ttl = ttl, .protocol = wire::proto::icmp, .src = peer4, .dst = host4}, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))));
    EXPECT_EQ(view4(one()).ttl(), 64);
  }
  shard.sysctl(netns)->default_ttl = 99;
  EXPECT_EQ(view4(send_to(peer4)).ttl(), 99);
  EXPECT_EQ(shard.set_option(s, Option::ttl, 0, now).error(), Errc::invalid);
  ASSERT_TRUE(shard.set_option(s, Option::ttl, 3, now) && shard.set_option(s, Option::tos, 0xb8, now));
  const std::string frame = send_to(peer4);
  EXPECT_EQ(view4(frame).ttl(), 3);
  EXPECT_EQ(view4(frame).tos(), 0xb8);
}

//= rfc1122#3.3.4.2 I114, I115
//= rfc1122#3.2.1.3 I13
//= rfc1122#4.1.3.5 U12, U13
//= rfc1122#4.1.3.6 U16
TEST_F(HostRules, answers_come_from_the_address_that_was_asked_and_users_may_choose_among_ours) {
  const Ip4Addr second = ip4("10.0.0.11");
  ASSERT_TRUE(shard.add_address(port, {second, 24}, now, false));
  inject(from_peer4(ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = second}, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))));
  EXPECT_EQ(view4(one()).src(), second);
  EXPECT_EQ(view4(send_to(peer4)).src(), host4);
  const Sock chosen = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  EXPECT_EQ(shard.bind(chosen, {ip4("10.0.0.12"), 0}, now).error(), Errc::addr_not_available);
  ASSERT_TRUE(shard.bind(chosen, {second, 0}, now));
  ASSERT_TRUE(shard.send_to(chosen, as_bytes("x"), {peer4, 9}, 0, now));
  EXPECT_EQ(view4(one()).src(), second);
  ASSERT_TRUE(shard.remove_address(port, second, now));
  EXPECT_EQ(shard.send_to(chosen, as_bytes("x"), {peer4, 9}, 0, now).error(), Errc::addr_not_available);
  ASSERT_TRUE(shard.close(chosen, now));
}

//= rfc1122#3.3.6 I129, I131, I132, I133, I135
TEST_F(HostRules, broadcasts_of_every_form) {
  const Sock server = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.bind(server, {Ip4Addr::any(), 7}, now));
  std::byte room[16];
  for (const char* to : {"255.255.255.255", "10.0.0.255", "10.0.0.0", "0.0.0.0"}) {
    const Ip4Addr dst = ip4(to);
    inject(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4,
                    ipv4({.protocol = 17, .src = peer4, .dst = dst}, udp(peer4, dst, 1, 7, "b"))));
    EXPECT_TRUE(shard.recv_from(server, room, 0, now)) << to;
  }
  ASSERT_TRUE(shard.set_option(s, Option::broadcast, 1, now));
  for (const char* to : {"255.255.255.255", "10.0.0.255"}) {
    const std::string frame = send_to(ip4(to));
    EXPECT_TRUE(view_ethernet(frame).dst().is_broadcast());
    EXPECT_EQ(view4(frame).dst(), ip4(to));
  }
  ASSERT_TRUE(shard.close(server, now));
}

//= rfc1122#3.3.2 I106
//= rfc1122#3.3.3 I111
//= rfc1122#3.4 I140, I141
TEST_F(HostRules, nothing_longer_than_the_link_takes_leaves_and_all_that_ip_carries_arrives) {
  ASSERT_TRUE(shard.send_to(s, as_bytes(pattern(65'507)), {peer4, 9}, 0, now));
  const auto frames = sent();
  EXPECT_EQ(frames.size(), 45u);
  for (const std::string& f : frames) EXPECT_LE(f.size(), 1514u);
  const Sock server = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.bind(server, {Ip4Addr::any(), 7}, now));
  const std::string whole = udp(peer4, host4, 1, 7, pattern(65'507));
  for (usize at = 0; at < whole.size(); at += 1480)
    inject(from_peer4(ipv4({.id = 5,
                            .more_fragments = at + 1480 < whole.size(),
                            .fragment_offset = static_cast<u16>(at),
                            .protocol = 17,
                            .src = peer4,
                            .dst = host4},
                           whole.substr(at, 1480))));
  std::string room(65'507, 0);
  const auto got = shard.recv_from(server, as_writable(room), 0, now);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->interface, port);
  EXPECT_TRUE(room == pattern(65'507));
  ASSERT_TRUE(shard.close(server, now));
}

//= rfc1122#3.2.2.6 I55, I60
TEST_F(HostRules, a_user_can_ping) {
  const Sock raw = *shard.socket(netns, Family::v4, SocketType::raw, wire::proto::icmp, now);
  ASSERT_TRUE(shard.send_to(raw, as_bytes(icmp4(wire::Icmp4Fields::echo(false, 9, 1), "hello")), {peer4, 0}, 0, now));
  EXPECT_EQ(view4(one()).protocol(), wire::proto::icmp);
  inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(true, 9, 1), "hello"))));
  std::string room(100, 0);
  const auto got = shard.recv_from(raw, as_writable(room), 0, now);
  ASSERT_TRUE(got);
  EXPECT_EQ(room.substr(20, got->copied - 20), icmp4(wire::Icmp4Fields::echo(true, 9, 1), "hello"));
  ASSERT_TRUE(shard.close(raw, now));
}

//= rfc1122#3.2.2.7 I63
TEST_F(HostRules, obsolete_questions_are_not_answered) {
  for (const u8 type : {wire::icmp4::information_request, wire::icmp4::mask_request, wire::icmp4::timestamp})
    expect_drop(from_peer4(packet4(wire::proto::icmp, icmp4({type, 0, 0}, std::string(12, 0)))), Drop::icmp_ignored);
}

class RouterRules : public Router {};

//= rfc1122#3.2.2.2 I43
//= rfc1122#3.1 I04
TEST_F(RouterRules, no_redirect_is_sent_for_a_packet_that_goes_back_where_it_came_from) {
  ASSERT_TRUE(shard.add_neighbour(port, ip4("10.0.0.9"), other_mac, now));
  inject(from_peer4(ipv4({.protocol = 17, .src = peer4, .dst = ip4("10.0.0.9")}, udp(peer4, ip4("10.0.0.9"), 1, 2, "x"))));
  const std::string frame = one();
  EXPECT_EQ(view_ethernet(frame).dst(), other_mac);
  EXPECT_EQ(view4(frame).protocol(), wire::proto::udp);
}

//= rfc1122#3.3.1.4 I96
TEST_F(RouterRules, a_suspected_route_is_asked_for_again) {
  const Sock s = *shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.connect(s, {far4, 9}, now));
  auto& env = shard.core().transport;
  const u32 d = *env.route(env.cx, {.netns = netns, .dst = far4, .src = {}, .oif = 0}, now);
  EXPECT_NE(shard.core().destinations[d].route_generation, 0u);
  env.suspect(env.cx, d, now);
  EXPECT_EQ(shard.core().destinations[d].route_generation, 0u);
  ASSERT_TRUE(shard.send(s, as_bytes("x"), 0, now));
  EXPECT_EQ(sent(b).size(), 1u);
  ASSERT_TRUE(shard.close(s, now));
}

}  // namespace
}  // namespace weir::test
