// ARP, neighbour discovery and echo, frame by frame.
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class Ping : public Station {};

const std::string echo_data = pattern(56);

TEST_F(Ping, arp_request_is_answered) {
  inject(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, arp({wire::ArpOp::request, peer_mac, peer4, {}, host4})));
  const std::string frame = one();
  const auto e = view_ethernet(frame);
  EXPECT_EQ(e.dst(), peer_mac);
  EXPECT_EQ(e.src(), host_mac);
  const auto reply = wire::ArpView::parse(e.payload());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->fields(), (wire::ArpFields{wire::ArpOp::reply, host_mac, host4, peer_mac, peer4}));
}

//= rfc1122#3.2.2.6 I54, I58, I59
TEST_F(Ping, echo_is_answered_with_the_same_data_by_the_address_that_was_asked) {
  inject(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, arp({wire::ArpOp::request, peer_mac, peer4, {}, host4})));
  (void)sent();
  inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 7, 9), echo_data))));
  const std::string frame = one();
  const auto ip = view4(frame);
  EXPECT_TRUE(ip.checksum_ok());
  EXPECT_EQ(ip.src(), host4);
  EXPECT_EQ(ip.dst(), peer4);
  const auto m = wire::Icmp4View::parse(ip.payload());
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->checksum_ok());
  EXPECT_EQ(m->fields(), wire::Icmp4Fields::echo(true, 7, 9));
  EXPECT_EQ(text_of(m->body()), echo_data);
}

TEST_F(Ping, an_unknown_neighbour_is_asked_for_and_the_answer_waits) {
  inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), echo_data))));
  const std::string asked = one();
  const auto request = wire::ArpView::parse(view_ethernet(asked).payload());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->op(), wire::ArpOp::request);
  EXPECT_EQ(request->sender_ip(), host4);
  EXPECT_EQ(request->target_ip(), peer4);
  inject(ethernet(host_mac, peer_mac, wire::ethertype::arp, arp({wire::ArpOp::reply, peer_mac, peer4, host_mac, host4})));
  EXPECT_EQ(view4(one()).protocol(), wire::proto::icmp);
}

TEST_F(Ping, neighbour_solicitation_is_answered) {
  const Ip6Addr group = host6.solicited_node();
  const MacAddr group_mac{{0x33, 0x33, 0xff, 0, 0, 1}};
  const std::string ns = nd(peer6, group, wire::NeighborSolicit{.target = host6}, link_option(wire::nd_option::source_link, peer_mac));
  inject(ethernet(group_mac, peer_mac, wire::ethertype::ipv6,
                  ipv6({.next_header = wire::proto::icmp6, .hop_limit = 255, .src = peer6, .dst = group}, ns)));
  const std::string frame = one();
  EXPECT_EQ(view_ethernet(frame).dst(), peer_mac);
  const auto ip = view6(frame);
  EXPECT_EQ(ip.hop_limit(), 255);
  const auto m = wire::Icmp6View::parse(ip.payload());
  ASSERT_TRUE(m && m->checksum_ok(ip.src(), ip.dst()));
  const auto na = wire::NeighborAdvert::parse(*m);
  ASSERT_TRUE(na);
  EXPECT_TRUE(na->solicited && na->override_ && !na->router);
  EXPECT_EQ(na->target, host6);
  EXPECT_EQ(na->options.link_address(wire::nd_option::target_link), host_mac);
}

TEST_F(Ping, echo6_to_unicast_and_to_all_nodes) {
  know_peer();
  for (const Ip6Addr dst : {host6, Ip6Addr::all_nodes()}) {
    const std::string echo = icmp6(peer6, dst, wire::Icmp6Fields::echo(false, 3, 4), echo_data);
    const MacAddr mac = dst == host6 ? host_mac : MacAddr{{0x33, 0x33, 0, 0, 0, 1}};
    inject(ethernet(mac, peer_mac, wire::ethertype::ipv6, ipv6({.next_header = wire::proto::icmp6, .src = peer6, .dst = dst}, echo)));
    const std::string frame = one();
    const auto ip = view6(frame);
    EXPECT_EQ(ip.src(), host6);
    EXPECT_EQ(ip.dst(), peer6);
    const auto m = wire::Icmp6View::parse(ip.payload());
    ASSERT_TRUE(m);
    EXPECT_TRUE(m->checksum_ok(ip.src(), ip.dst()));
    EXPECT_EQ(m->fields(), wire::Icmp6Fields::echo(true, 3, 4));
    EXPECT_EQ(text_of(m->body()), echo_data);
  }
}

//= rfc1122#3.2.2.6 I56, I57
TEST_F(Ping, echo_to_a_broadcast_address_is_ignored_unless_asked_for) {
  know_peer();
  for (const Ip4Addr dst : {ip4("255.255.255.255"), ip4("10.0.0.255"), ip4("10.0.0.0"), ip4("224.0.0.1")}) {
    const std::string packet =
        ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = dst}, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"));
    expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, packet), Drop::icmp_broadcast);
    shard.sysctl(netns)->icmp_echo_ignore_broadcasts = false;
    inject(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, packet));
    EXPECT_EQ(view4(one()).src(), host4);
    shard.sysctl(netns)->icmp_echo_ignore_broadcasts = true;
  }
}

// Fragments of `packet` (an IPv4 packet without options) with at most `size` bytes of payload each.
std::vector<std::string> cut4(const std::string& packet, usize size) {
  std::vector<std::string> out;
  const auto ip = *wire::Ipv4View::parse(as_bytes(packet));
  const std::string payload = packet.substr(20);
  for (usize at = 0; at < payload.size(); at += size) {
    wire::Ipv4Fields f = ip.fields();
    f.fragment_offset = static_cast<u16>(at);
    f.more_fragments = at + size < payload.size();
    out.push_back(ipv4(f, payload.substr(at, size)));
  }
  return out;
}

// Puts fragments that came out in order together again.
std::string join4(const std::vector<std::string>& frames) {
  std::string payload;
  for (const std::string& f : frames) {
    const auto ip = view4(f);
    EXPECT_TRUE(ip.checksum_ok());
    EXPECT_LE(f.size(), 1514u);
    EXPECT_EQ(ip.fragment_offset(), payload.size());
    EXPECT_EQ(ip.more_fragments(), &f != &frames.back());
    EXPECT_EQ(ip.id(), view4(frames.front()).id());
    payload += text_of(ip.payload());
  }
  return payload;
}

//= rfc1122#3.3.2 I103, I104
//= rfc1122#3.3.3 I110
TEST_F(Ping, large_echoes_are_reassembled_and_answered_in_fragments) {
  know_peer();
  for (const usize n : {1480u, 1481u, 8000u, 65'000u, 65'507u}) {
    const std::string data = pattern(n);
    for (const std::string& fragment : cut4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 5, 6), data)), 1480))
      inject(from_peer4(fragment));
    const std::string whole = join4(sent());
    const auto m = wire::Icmp4View::parse(as_bytes(whole));
    ASSERT_TRUE(m);
    EXPECT_TRUE(m->checksum_ok());
    EXPECT_EQ(m->fields(), wire::Icmp4Fields::echo(true, 5, 6));
    EXPECT_TRUE(text_of(m->body()) == data);
  }
}

TEST_F(Ping, large_echo6_both_ways) {
  know_peer();
  const std::string data = pattern(8000);
  const std::string echo = icmp6(peer6, host6, wire::Icmp6Fields::echo(false, 5, 6), data);
  for (usize at = 0; at < echo.size(); at += 1448) {
    std::string fragment(8, 0);
    wire::emit(wire::Ip6FragmentFields{wire::proto::icmp6, static_cast<u16>(at), at + 1448 < echo.size(), 99}, as_writable(fragment));
    inject(from_peer6(packet6(wire::proto::fragment, fragment + echo.substr(at, 1448))));
  }
  std::string whole;
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 6u);
  for (const std::string& f : frames) {
    const auto ip = view6(f);
    EXPECT_EQ(ip.next_header(), wire::proto::fragment);
    const auto h = wire::Ip6FragmentFields::load(ip.payload().data());
    EXPECT_EQ(h.offset, whole.size());
    EXPECT_EQ(h.more, &f != &frames.back());
    whole += text_of(ip.payload().subspan(8));
  }
  const auto m = wire::Icmp6View::parse(as_bytes(whole));
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->checksum_ok(host6, peer6));
  EXPECT_TRUE(text_of(m->body()) == data);
}

}  // namespace
}  // namespace weir::test
