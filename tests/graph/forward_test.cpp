// Forwarding, both families: what changes in a packet, what stops it, and who is told.
#include "tests/graph/router.hpp"
#include "wire/ipv4_options.hpp"

namespace weir::test {
namespace {

class Forward : public Router {
 protected:
  static std::string datagram4(wire::Ipv4Fields f, const std::string& payload) {
    f.protocol = wire::proto::udp;
    f.src = peer4;
    if (f.dst.is_any()) f.dst = far4;
    return ipv4(f, udp(f.src, f.dst, 1, 2, payload));
  }
  static std::string datagram6(wire::Ipv6Fields f, const std::string& payload) {
    f.next_header = wire::proto::udp;
    f.src = peer6;
    if (f.dst.is_any()) f.dst = far6;
    return ipv6(f, udp(f.src, f.dst, 1, 2, payload));
  }
};

TEST_F(Forward, an_ordinary_packet_loses_one_hop_and_nothing_else) {
  for (const u8 ttl : std::initializer_list<u8>{2, 64, 255})
    for (const usize n : {0u, 1u, 1000u, 1472u}) {
      const std::string packet = datagram4({.tos = 0x2e, .id = 77, .dont_fragment = true, .ttl = ttl}, pattern(n));
      inject(from_peer4(packet + std::string(n == 0 ? 18 : 0, 0)));  // with the padding of a short frame
      EXPECT_TRUE(sent().empty());
      const std::string frame = one_at(b);
      EXPECT_EQ(view_ethernet(frame).dst(), peer_b_mac);
      EXPECT_EQ(view_ethernet(frame).src(), host_b_mac);
      const auto ip = view4(frame);
      EXPECT_TRUE(ip.checksum_ok());
      EXPECT_EQ(ip.ttl(), ttl - 1);
      auto fields = ip.fields();
      fields.ttl = ttl;
      EXPECT_TRUE(ipv4(fields, text_of(ip.payload())) == packet);
    }
  const std::string packet = datagram6({.traffic_class = 3, .flow_label = 0x12345, .hop_limit = 9}, pattern(1452));
  inject(from_peer6(packet));
  const std::string frame = one_at(b);
  EXPECT_EQ(view6(frame).hop_limit(), 8);
  std::string back = frame.substr(14);
  back[7] = 9;
  EXPECT_TRUE(back == packet);
}

TEST_F(Forward, the_incremental_checksum_is_right_for_every_value) {
  for (u32 id = 0; id < 65'536; id += 3) {
    const buf::PacketId packet =
        shard.pool().from_bytes(as_bytes(from_peer4(datagram4({.id = static_cast<u16>(id), .ttl = static_cast<u8>(2 + id % 254)}, ""))));
    shard.on_frames(port, {&packet, 1}, now);
    for (const std::string& f : sent(b)) ASSERT_TRUE(view4(f).checksum_ok()) << id;
  }
}

TEST_F(Forward, batches_of_any_size_keep_their_order) {
  for (const usize n : {1u, 2u, 63u, 64u, 65u, 200u}) {
    std::vector<buf::PacketId> ids;
    for (usize i = 0; i < n; ++i) ids.push_back(shard.pool().from_bytes(as_bytes(from_peer4(datagram4({.id = static_cast<u16>(i)}, "x")))));
    shard.on_frames(port, ids, now);
    const auto frames = sent(b);
    ASSERT_EQ(frames.size(), n);
    for (usize i = 0; i < n; ++i) EXPECT_EQ(view4(frames[i]).id(), i);
  }
}

TEST_F(Forward, by_a_gateway_and_by_the_longest_prefix) {
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("192.0.2.0/24"), .via = gateway4}, now));
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("192.0.2.128/25"), .via = peer4}, now));
  for (int round = 0; round < 2; ++round) {
    inject(from_peer4(datagram4({.dst = ip4("192.0.2.1")}, "x")));
    EXPECT_EQ(view_ethernet(one_at(b)).dst(), peer_b_mac);
    inject(from_peer4(datagram4({.dst = ip4("192.0.2.200")}, "x")));
    EXPECT_EQ(view_ethernet(one()).dst(), peer_mac);
  }
}

TEST_F(Forward, time_exceeded_comes_from_the_address_that_the_packet_came_to) {
  for (const u8 ttl : std::initializer_list<u8>{0, 1}) {
    const std::string packet = datagram4({.ttl = ttl}, "probe");
    expect_drop(from_peer4(packet), Drop::ip_ttl_exceeded, false);
    const std::string frame = one();
    EXPECT_EQ(view4(frame).src(), host4);
    const auto m = wire::Icmp4View::parse(view4(frame).payload());
    EXPECT_EQ(m->fields(), wire::Icmp4Fields::time_exceeded(wire::icmp4::ttl_exceeded));
    EXPECT_TRUE(text_of(m->body()) == packet);
    const std::string packet6 = datagram6({.hop_limit = ttl}, "probe");
    expect_drop(from_peer6(packet6), Drop::ip_ttl_exceeded, false);
    const std::string frame6 = one();
    EXPECT_EQ(view6(frame6).src(), host6);
    EXPECT_EQ(wire::Icmp6View::parse(view6(frame6).payload())->fields(), wire::Icmp6Fields::time_exceeded(0));
    EXPECT_TRUE(frame6.substr(14 + 48) == packet6);
  }
  EXPECT_TRUE(sent(b).empty());
}

TEST_F(Forward, no_route_is_told) {
  expect_drop(from_peer4(datagram4({.dst = ip4("203.0.113.1")}, "x")), Drop::ip_no_route, false);
  EXPECT_EQ(wire::Icmp4View::parse(view4(one()).payload())->fields(), wire::Icmp4Fields::unreachable(wire::icmp4::net));
  expect_drop(from_peer6(datagram6({.dst = ip6("2001:db8::1")}, "x")), Drop::ip_no_route, false);
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::unreachable(wire::icmp6::no_route));
}

TEST_F(Forward, a_dead_next_hop_is_told_after_the_last_request) {
  inject(from_peer4(datagram4({.dst = ip4("10.1.0.99")}, "x")));
  inject(from_peer6(datagram6({.dst = ip6("fd01::99")}, "x")));
  for (int i = 0; i < 5; ++i) {
    now = now + 1_s;
    run();
  }
  std::vector<u8> codes;
  for (const std::string& f : sent()) {
    if (view_ethernet(f).type() == wire::ethertype::ipv4) codes.push_back(wire::Icmp4View::parse(view4(f).payload())->code());
    else if (view6(f).next_header() == wire::proto::icmp6) codes.push_back(wire::Icmp6View::parse(view6(f).payload())->code());
  }
  std::ranges::sort(codes);
  EXPECT_EQ(codes, (std::vector<u8>{wire::icmp4::host, wire::icmp6::address}));
  EXPECT_EQ(drops(Drop::neigh_unresolved), 2u);
  (void)sent(b);
}

TEST_F(Forward, too_big_is_refused_or_cut) {
  ASSERT_TRUE(shard.remove_interface(b, now));
  b = *shard.add_interface(netns, {.name = "narrow", .mac = host_b_mac, .mtu = 1280}, now);
  ASSERT_TRUE(shard.add_address(b, *Prefix::parse("10.1.0.1/24"), now, false) &&
              shard.add_address(b, *Prefix::parse("fd01::1/64"), now, false));
  ASSERT_TRUE(shard.add_neighbour(b, far4, peer_b_mac, now) && shard.add_neighbour(b, far6, peer_b_mac, now));
  const std::string packet = datagram4({.id = 5, .dont_fragment = true}, pattern(1253));
  expect_drop(from_peer4(packet), Drop::ip_too_big, false);
  const std::string m = one();
  EXPECT_EQ(wire::Icmp4View::parse(view4(m).payload())->fields(), wire::Icmp4Fields::too_big(1280));
  EXPECT_TRUE(text_of(wire::Icmp4View::parse(view4(m).payload())->body()) == packet.substr(0, 548));
  expect_drop(from_peer6(datagram6({}, pattern(1233))), Drop::ip_too_big, false);
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::too_big(1280));
  // Without DF it is cut, and the pieces make the datagram.
  const std::string cut = datagram4({.id = 6}, pattern(1400));
  inject(from_peer4(cut));
  const auto pieces = sent(b);
  ASSERT_EQ(pieces.size(), 2u);
  std::string payload;
  for (const std::string& f : pieces) {
    EXPECT_LE(f.size(), 14u + 1280u);
    EXPECT_TRUE(view4(f).checksum_ok());
    EXPECT_EQ(view4(f).id(), 6);
    EXPECT_EQ(view4(f).ttl(), 63);
    EXPECT_EQ(view4(f).fragment_offset(), payload.size());
    EXPECT_EQ(view4(f).more_fragments(), payload.empty());
    payload += text_of(view4(f).payload());
  }
  EXPECT_TRUE(payload == cut.substr(20));
  // A fragment is cut again; what it is of the whole stays true.
  inject(from_peer4(
      ipv4({.id = 7, .more_fragments = true, .fragment_offset = 1600, .protocol = 17, .src = peer4, .dst = far4}, pattern(1480))));
  const auto again = sent(b);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(view4(again[0]).fragment_offset(), 1600);
  EXPECT_EQ(view4(again[1]).fragment_offset(), 1600 + 1256);
  EXPECT_TRUE(view4(again[0]).more_fragments() && view4(again[1]).more_fragments());
  // Exactly the MTU passes.
  inject(from_peer4(datagram4({.dont_fragment = true}, pattern(1252))));
  EXPECT_EQ(one_at(b).size(), 14u + 1280u);
  inject(from_peer6(datagram6({}, pattern(1232))));
  EXPECT_EQ(one_at(b).size(), 14u + 1280u);
}

TEST_F(Forward, what_must_not_be_forwarded) {
  const auto to = [&](const char* dst) { return from_peer4(datagram4({.dst = ip4(dst)}, "x")); };
  const auto from = [&](const char* src) {
    return from_peer4(ipv4({.protocol = wire::proto::udp, .src = ip4(src), .dst = far4}, udp(ip4(src), far4, 1, 2, "x")));
  };
  expect_drop(to("10.1.0.255"), Drop::ip_directed_broadcast);  // RFC 2644
  expect_drop(to("10.1.0.0"), Drop::ip_directed_broadcast);
  expect_drop(to("169.254.1.1"), Drop::ip_no_route, false);
  (void)sent();
  expect_drop(from("169.254.1.1"), Drop::ip_forward_off_link);
  expect_drop(from("0.0.0.5"), Drop::ip4_bad_source);
  expect_drop(from("10.0.0.1"), Drop::ip4_bad_source);  // our own
  expect_drop(to("239.1.2.3"), Drop::ip_not_for_us);
  expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, datagram4({}, "x")), Drop::ip_link_broadcast);
  expect_drop(from_peer6(ipv6({.next_header = 17, .src = ip6("fe80::9"), .dst = far6}, udp(ip6("fe80::9"), far6, 1, 2, "x"))),
              Drop::ip_forward_off_link);
  expect_drop(from_peer6(ipv6({.next_header = 17, .src = Ip6Addr::any(), .dst = far6}, "12345678")), Drop::ip_forward_off_link);
  EXPECT_TRUE(sent(b).empty());
}

TEST_F(Forward, a_host_does_not_forward) {
  shard.sysctl(netns)->ip_forward = shard.sysctl(netns)->ip6_forward = false;
  expect_drop(from_peer4(datagram4({}, "x")), Drop::ip_not_for_us);
  expect_drop(from_peer6(datagram6({}, "x")), Drop::ip_not_for_us);
  EXPECT_TRUE(sent(b).empty());
}

TEST_F(Forward, attack_a18_weak_host_injection) {
  shard.sysctl(netns)->ip_forward = shard.sysctl(netns)->ip6_forward = false;
  const Ip4Addr b4 = ip4("10.1.0.1");
  const Ip6Addr b6 = ip6("fd01::1");
  for (const u16 flags : std::initializer_list<u16>{wire::TcpFlags::syn, wire::TcpFlags::ack, wire::TcpFlags::rst})
    expect_drop(from_peer4(ipv4({.protocol = wire::proto::tcp, .src = peer4, .dst = b4},
                                tcp(peer4, b4, {.src_port = 1, .dst_port = 2, .flags = {flags}}))),
                Drop::ip_wrong_interface);
  expect_drop(from_peer4(ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = b4}, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))),
              Drop::ip_wrong_interface);
  expect_drop(from_peer6(ipv6({.next_header = wire::proto::icmp6, .src = peer6, .dst = b6},
                              icmp6(peer6, b6, wire::Icmp6Fields::echo(false, 1, 1), "x"))),
              Drop::ip_wrong_interface);
  // A router answers for all its addresses.
  shard.sysctl(netns)->ip_forward = true;
  inject(from_peer4(ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = b4}, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))));
  EXPECT_EQ(view4(one()).src(), b4);
}

TEST_F(Forward, record_route_is_filled_in) {
  const std::string option{7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  inject(from_peer4(datagram4({.options = as_bytes(option)}, "x")));
  const std::string frame = one_at(b);
  const auto ip = view4(frame);
  EXPECT_TRUE(ip.checksum_ok());
  EXPECT_EQ(load_u8(ip.options().data() + 2), 8);
  EXPECT_EQ(Ip4Addr::load(ip.options().data() + 3), ip4("10.1.0.1"));
}

TEST_F(Forward, a_super_segment_passes_if_its_segments_fit_and_is_split_for_the_port) {
  std::string packet =
      ipv4({.dont_fragment = true, .protocol = wire::proto::tcp, .src = peer4, .dst = far4},
           tcp(peer4, far4, {.src_port = 1, .dst_port = 2, .seq = {1000}, .flags = {wire::TcpFlags::ack | wire::TcpFlags::psh}},
               pattern(10'000)));
  const buf::PacketId id = shard.pool().from_bytes(as_bytes(from_peer4(packet)));
  buf::Packet& p = shard.pool()[id];
  p.gso = {buf::GsoType::tcp4, 0, 1448, 7};
  p.payload = static_cast<u16>(p.head + 14 + 40);
  shard.on_frames(port, {&id, 1}, now);
  const auto frames = sent(b);
  ASSERT_EQ(frames.size(), 7u);
  std::string payload;
  for (const std::string& f : frames) {
    const auto ip = view4(f);
    EXPECT_TRUE(ip.checksum_ok());
    EXPECT_TRUE(wire::transport_checksum_ok(ip.payload(), peer4, far4, wire::proto::tcp));
    const auto t = wire::TcpView::parse(ip.payload());
    EXPECT_EQ(t->seq().raw, 1000 + payload.size());
    payload += text_of(t->payload());
  }
  EXPECT_TRUE(payload == pattern(10'000));
}

TEST_F(Forward, hop_by_hop_options_are_minded) {
  const auto with_option = [&](u8 type) {
    const std::string options{17, 0, static_cast<char>(type), 4, 0, 0, 0, 0};
    return from_peer6(ipv6({.next_header = wire::proto::hop_by_hop, .src = peer6, .dst = far6}, options + udp(peer6, far6, 1, 2, "x")));
  };
  inject(with_option(0x1e));
  EXPECT_EQ(sent(b).size(), 1u);
  expect_drop(with_option(0x5e), Drop::ip6_unknown_option);
  expect_drop(with_option(0xde), Drop::ip6_unknown_option, false);
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::parameter_problem(2, 42));
}

}  // namespace
}  // namespace weir::test
