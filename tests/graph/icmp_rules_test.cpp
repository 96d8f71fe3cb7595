// When ICMP may speak and when not, what it quotes, whom it believes.
#include "tests/graph/station.hpp"
#include "wire/quoted.hpp"

namespace weir::test {
namespace {

class IcmpRules : public Station {
 protected:
  void SetUp() override { know_peer(); }
  // The limits are not what these tests are about: each is asked from another address.
  Ip4Addr fresh4() {
    const Ip4Addr a{0x0a000010 + next_++ % 200};
    EXPECT_TRUE(shard.add_neighbour(port, a, peer_mac, now));
    return a;
  }
  Ip6Addr fresh6() {
    Ip6Addr a = ip6("fd00::100");
    a.b[15] = static_cast<u8>(next_++);
    EXPECT_TRUE(shard.add_neighbour(port, a, peer_mac, now));
    return a;
  }
  std::string closed_port4(Ip4Addr src, const std::string& payload = "datagram") {
    return ipv4({.protocol = wire::proto::udp, .src = src, .dst = host4}, udp(src, host4, 1000, 9, payload));
  }
  bool answered(const std::string& frame) {
    inject(frame);
    return !sent().empty();
  }
  u32 next_ = 0;
};

//= rfc1122#3.2.2.1 I39
//= rfc1122#3.3.8 I38
//= rfc1122#3.4 I143
//= rfc1122#4.1.3.1 U01
//= rfc1122#3.2.2 I29, I30, I32
TEST_F(IcmpRules, port_unreachable_quotes_the_packet_as_it_came) {
  for (const usize n : {0u, 1u, 100u, 520u, 521u, 1400u}) {
    const Ip4Addr src = fresh4();
    const std::string packet = closed_port4(src, pattern(n));
    inject(from_peer4(packet));
    const std::string frame = one();
    const auto ip = view4(frame);
    EXPECT_EQ(ip.src(), host4);
    EXPECT_EQ(ip.dst(), src);
    EXPECT_EQ(ip.tos(), 0);
    EXPECT_LE(ip.total_length(), 576);
    const auto m = wire::Icmp4View::parse(ip.payload());
    ASSERT_TRUE(m && m->checksum_ok());
    EXPECT_EQ(m->fields(), wire::Icmp4Fields::unreachable(wire::icmp4::port));
    EXPECT_TRUE(text_of(m->body()) == packet.substr(0, 548));
  }
}

TEST_F(IcmpRules, port_unreachable6_quotes_up_to_the_minimum_mtu) {
  for (const usize n : {0u, 100u, 1184u, 1185u, 1400u}) {
    const Ip6Addr src = fresh6();
    const std::string packet = ipv6({.next_header = wire::proto::udp, .src = src, .dst = host6}, udp(src, host6, 1000, 9, pattern(n)));
    inject(from_peer6(packet));
    const std::string frame = one();
    const auto ip = view6(frame);
    EXPECT_LE(frame.size(), 14u + 1280u);
    const auto m = wire::Icmp6View::parse(ip.payload());
    ASSERT_TRUE(m && m->checksum_ok(ip.src(), ip.dst()));
    EXPECT_EQ(m->fields(), wire::Icmp6Fields::unreachable(wire::icmp6::port));
    EXPECT_TRUE(text_of(m->body()) == packet.substr(0, 1232));
  }
}

//= rfc1122#3.2.2.1 I39
//= rfc1122#3.2.2.5 I51
TEST_F(IcmpRules, unknown_protocols_and_bad_options_are_reported) {
  inject(from_peer4(ipv4({.protocol = 250, .src = fresh4(), .dst = host4}, "payload")));
  EXPECT_EQ(wire::Icmp4View::parse(view4(one()).payload())->fields(), wire::Icmp4Fields::unreachable(wire::icmp4::protocol));
  inject(from_peer6(ipv6({.next_header = 250, .src = fresh6(), .dst = host6}, "payload")));
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::parameter_problem(1, 6));
  const std::string dest_options{static_cast<char>(250), 0, 1, 4, 0, 0, 0, 0};
  inject(from_peer6(ipv6({.next_header = wire::proto::destination, .src = fresh6(), .dst = host6}, dest_options + "payload")));
  EXPECT_EQ(wire::Icmp6View::parse(view6(one()).payload())->fields(), wire::Icmp6Fields::parameter_problem(1, 40));
  const std::string option{7, 3, 1};
  inject(from_peer4(ipv4({.protocol = wire::proto::udp, .src = fresh4(), .dst = host4, .options = as_bytes(option)}, "payload!")));
  EXPECT_EQ(wire::Icmp4View::parse(view4(one()).payload())->type(), wire::icmp4::parameter_problem);
}

//= rfc1122#3.2.2 I33, I34, I35, I36, I37
TEST_F(IcmpRules, attack_a34_exactly_the_permitted_errors4) {
  EXPECT_TRUE(answered(from_peer4(closed_port4(fresh4()))));
  // To a broadcast or multicast address, or from the link's broadcast.
  for (const char* dst : {"255.255.255.255", "10.0.0.255", "10.0.0.0", "224.0.0.1"}) {
    const Ip4Addr src = fresh4(), to = ip4(dst);
    const std::string p = ipv4({.protocol = wire::proto::udp, .src = src, .dst = to}, udp(src, to, 1, 9, "x"));
    EXPECT_FALSE(answered(from_peer4(p))) << dst;
    EXPECT_FALSE(answered(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, p))) << dst;
  }
  for (const MacAddr& mac : {MacAddr::broadcast(), MacAddr{{1, 0, 0x5e, 0, 0, 1}}})
    EXPECT_FALSE(answered(ethernet(mac, peer_mac, wire::ethertype::ipv4, closed_port4(fresh4()))));
  // From an address that is not one host's.
  for (const char* src : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.0.255", "240.1.1.1"})
    EXPECT_FALSE(answered(from_peer4(closed_port4(ip4(src))))) << src;
  // About a fragment other than the first: none can be put together, and none is reported.
  EXPECT_FALSE(answered(from_peer4(ipv4({.fragment_offset = 800, .protocol = 250, .src = fresh4(), .dst = host4}, "x"))));
  // About ICMP: errors never, queries in trouble yes. A router on the way reports the trouble: a bad option.
  const std::string option{7, 3, 1};
  for (u32 type = 0; type < 256; ++type) {
    const std::string message = icmp4({static_cast<u8>(type), 0, 0}, std::string(28, 0));
    const bool spoken =
        answered(from_peer4(ipv4({.protocol = wire::proto::icmp, .src = fresh4(), .dst = host4, .options = as_bytes(option)}, message)));
    const bool query = type == 0 || type == 8 || type == 13 || type == 14;
    EXPECT_EQ(spoken, query) << type;
    if (next_ % 40 == 0) now = now + 10_s;  // the limits refill
  }
}

TEST_F(IcmpRules, attack_a34_exactly_the_permitted_errors6) {
  const auto closed = [](const Ip6Addr& src, const Ip6Addr& dst) {
    return ipv6({.next_header = wire::proto::udp, .src = src, .dst = dst}, udp(src, dst, 1, 9, "x"));
  };
  EXPECT_TRUE(answered(from_peer6(closed(fresh6(), host6))));
  const MacAddr group{{0x33, 0x33, 0, 0, 0, 1}};
  EXPECT_FALSE(answered(ethernet(group, peer_mac, wire::ethertype::ipv6, closed(fresh6(), Ip6Addr::all_nodes()))));
  EXPECT_FALSE(answered(ethernet(group, peer_mac, wire::ethertype::ipv6, closed(fresh6(), host6))));
  EXPECT_FALSE(answered(from_peer6(closed(Ip6Addr::any(), host6))));
  EXPECT_FALSE(answered(from_peer6(closed(ip6("ff02::1"), host6))));
  // 2.4(e.3): an option whose type asks for it is reported even to a multicast destination.
  const std::string even{static_cast<char>(wire::proto::udp), 0, static_cast<char>(0x80), 4, 0, 0, 0, 0};
  const std::string unicast_only{static_cast<char>(wire::proto::udp), 0, static_cast<char>(0xc0), 4, 0, 0, 0, 0};
  const auto to_all = [&](const std::string& options) {
    return ethernet(group, peer_mac, wire::ethertype::ipv6,
                    ipv6({.next_header = wire::proto::destination, .src = fresh6(), .dst = Ip6Addr::all_nodes()}, options + "12345678"));
  };
  EXPECT_TRUE(answered(to_all(even)));
  EXPECT_FALSE(answered(to_all(unicast_only)));
  // About ICMPv6 errors and redirects: never. The trouble is an option that must be reported.
  for (u32 type = 0; type < 256; ++type) {
    const Ip6Addr src = fresh6();
    const std::string options{static_cast<char>(wire::proto::icmp6), 0, static_cast<char>(0xc0), 4, 0, 0, 0, 0};
    const std::string message = icmp6(src, host6, {static_cast<u8>(type), 0, 0}, std::string(32, 0));
    const bool spoken = answered(from_peer6(ipv6({.next_header = wire::proto::destination, .src = src, .dst = host6}, options + message)));
    EXPECT_EQ(spoken, type >= 128 && type != 137) << type;
    if (type % 40 == 0) now = now + 10_s;
  }
}

// The number of errors that somebody else got must not show in what is left for me.
TEST_F(IcmpRules, attack_a35_the_rate_limit_tells_nothing) {
  int guessed = 0, rounds = 2000;
  for (int r = 0; r < rounds; ++r) {
    now = now + 1_s;
    run();
    const bool secret = (r * 2654435761u >> 7 & 1) != 0;
    // 49 or 50 spoofed probes to closed ports, then one of the attacker's own.
    for (u32 i = 0; i < (secret ? 50u : 49u); ++i) {
      const Ip4Addr src{0x0a000000 + 16 + (i + static_cast<u32>(r) * 61) % 200};
      const std::string p = closed_port4(src);
      const buf::PacketId id = shard.pool().from_bytes(as_bytes(from_peer4(p)));
      shard.on_frames(port, {&id, 1}, now);
    }
    (void)sent();
    const bool got = answered(from_peer4(closed_port4(peer4)));
    guessed += (got ? false : true) == secret;
  }
  EXPECT_LT(guessed, rounds * 55 / 100);
  EXPECT_GT(guessed, rounds * 45 / 100);
}

//= rfc1122#3.2.2 I28
TEST_F(IcmpRules, unknown_and_obsolete_types_are_dropped_in_silence) {
  const auto message = [&](u8 type) { return from_peer4(packet4(wire::proto::icmp, icmp4({type, 0, 0}, std::string(32, 0)))); };
  for (const u8 type : std::initializer_list<u8>{4, 9, 10, 13, 14, 15, 16, 17, 18}) expect_drop(message(type), Drop::icmp_ignored);
  for (const u8 type : std::initializer_list<u8>{1, 2, 6, 7, 30, 40, 255}) expect_drop(message(type), Drop::icmp_unknown_type);
  const auto message6 = [&](u8 type) {
    return from_peer6(packet6(wire::proto::icmp6, icmp6(peer6, host6, {type, 0, 0}, std::string(32, 0))));
  };
  for (const u8 type : std::initializer_list<u8>{5, 100, 127, 200, 255}) expect_drop(message6(type), Drop::icmp_unknown_type);
  expect_drop(from_peer4(packet4(wire::proto::icmp, "1234567")), Drop::icmp_truncated);
  expect_drop(from_peer6(packet6(wire::proto::icmp6, "1234567")), Drop::icmp_truncated);
  expect_drop(from_peer4(packet4(wire::proto::icmp, std::string("\x08\x00\x12\x34pingping", 12))), Drop::icmp_bad_checksum);
  expect_drop(from_peer6(packet6(wire::proto::icmp6, std::string("\x80\0\x12\x34pingping", 12))), Drop::icmp_bad_checksum);
}

TEST_F(IcmpRules, attack_a40_malformed_quotes) {
  const std::string ours = ipv4({.protocol = wire::proto::udp, .src = host4, .dst = peer4}, udp(host4, peer4, 5, 6, "data"));
  for (usize n = 0; n < ours.size(); ++n) {
    const std::string error = icmp4(wire::Icmp4Fields::unreachable(wire::icmp4::port), ours.substr(0, n));
    if (n < 28) expect_drop(from_peer4(packet4(wire::proto::icmp, error)), Drop::icmp_bad_embedded);
    else inject(from_peer4(packet4(wire::proto::icmp, error)));
  }
  // A quote of a packet that we did not send.
  const std::string theirs = ipv4({.protocol = wire::proto::udp, .src = peer4, .dst = host4}, udp(peer4, host4, 5, 6, "data"));
  expect_drop(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::unreachable(3), theirs))), Drop::icmp_bad_embedded);
  // Every byte of a quote, wrong in turn.
  for (usize at = 0; at < ours.size(); ++at)
    for (const int flip : {1, 0x80, 0xff}) {
      std::string bad = ours;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      for (const u8 type : std::initializer_list<u8>{3, 11, 12, 5})
        for (const u8 code : std::initializer_list<u8>{0, 4})
          inject(from_peer4(packet4(wire::proto::icmp, icmp4({type, code, 0x05000000}, bad))));
    }
  const std::string ours6 = ipv6({.next_header = wire::proto::udp, .src = host6, .dst = peer6}, udp(host6, peer6, 5, 6, "data"));
  for (usize n = 0; n <= ours6.size(); ++n)
    for (const u8 type : std::initializer_list<u8>{1, 2, 3, 4})
      inject(from_peer6(packet6(wire::proto::icmp6, icmp6(peer6, host6, {type, 0, 1280}, ours6.substr(0, n)))));
  EXPECT_TRUE(sent().empty());
}

TEST_F(IcmpRules, attack_a41_echo_replies_are_no_larger_and_have_a_limit) {
  for (const usize n : {0u, 1u, 1000u, 1472u}) {
    const std::string frame = from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), pattern(n))));
    inject(frame);
    EXPECT_LE(one().size(), frame.size());
  }
  const std::string flood = from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x")));
  u32 replies = 0;
  for (u32 i = 0; i < 150'000; ++i) {
    const buf::PacketId id = shard.pool().from_bytes(as_bytes(flood));
    shard.on_frames(port, {&id, 1}, now);
    replies += static_cast<u32>(sent().size());
  }
  EXPECT_LE(replies, 100'001u);
  EXPECT_GT(drops(Drop::icmp_rate_limited), 0u);
}

//= rfc1122#3.2.2.2 I44, I45, I46
TEST_F(IcmpRules, attack_a38_redirects_are_checked) {
  const Ip4Addr gateway = ip4("10.0.0.254"), better = ip4("10.0.0.253"), far = ip4("192.0.2.1");
  ASSERT_TRUE(shard.add_route(netns, {.to = *Prefix::parse("0.0.0.0/0"), .via = gateway}, now));
  ASSERT_TRUE(shard.add_neighbour(port, gateway, other_mac, now));
  const std::string ours = ipv4({.protocol = wire::proto::udp, .src = host4, .dst = far}, udp(host4, far, 5, 6, "data"));
  const auto redirect = [&](Ip4Addr from, Ip4Addr to, u8 code = 1) {
    return from_peer4(ipv4({.protocol = wire::proto::icmp, .src = from, .dst = host4}, icmp4(wire::Icmp4Fields::redirect(code, to), ours)));
  };
  const auto route = [&] { return shard.core().netns[netns]->fib.lookup(far)->gateway; };
  expect_drop(redirect(peer4, better), Drop::icmp_bad_redirect);                 // not from the gateway in use
  expect_drop(redirect(gateway, ip4("198.51.100.1")), Drop::icmp_bad_redirect);  // to one that is not on the link
  expect_drop(redirect(gateway, host4), Drop::icmp_bad_redirect);
  expect_drop(redirect(gateway, ip4("224.0.0.1")), Drop::icmp_bad_redirect);
  EXPECT_EQ(route(), IpAddr{gateway});
  for (const u8 code : std::initializer_list<u8>{0, 1}) {  // net and host mean the same
    inject(redirect(gateway, better, code));
    EXPECT_EQ(route(), IpAddr{better});
    inject(redirect(better, gateway));
    EXPECT_EQ(route(), IpAddr{gateway});
  }
  shard.sysctl(netns)->accept_redirects = false;
  expect_drop(redirect(gateway, better), Drop::icmp_ignored);
  (void)sent();
}

//= rfc1122#3.3.3 I109
TEST_F(IcmpRules, too_big_about_a_datagram_lowers_the_path_mtu_but_only_about_ours) {
  const auto s = shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.connect(*s, {peer4, 9}, now));
  ASSERT_TRUE(shard.send(*s, as_bytes(pattern(1400)), 0, now));
  const std::string frame = one();
  const auto too_big = [&](const std::string& quote, u16 mtu) {
    inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::too_big(mtu), quote))));
  };
  std::string forged = frame.substr(14, 28);
  forged[21] = static_cast<char>(forged[21] ^ 1);  // another port of ours
  too_big(forged, 1000);
  EXPECT_EQ(shard.core().destinations.pmtu_entries(), 0u);
  too_big(frame.substr(14, 28), 1000);
  EXPECT_EQ(shard.core().destinations.pmtu_entries(), 1u);
  ASSERT_TRUE(shard.send(*s, as_bytes(pattern(1400)), 0, now));
  const auto pieces = sent();
  ASSERT_EQ(pieces.size(), 2u);
  for (const std::string& p : pieces) EXPECT_LE(p.size(), 14u + 1000u);
  EXPECT_FALSE(view4(pieces[0]).dont_fragment());
  ASSERT_TRUE(shard.set_option(*s, Option::dont_fragment, 2, now));
  EXPECT_EQ(shard.send(*s, as_bytes(pattern(1400)), 0, now).error(), Errc::message_size);
  ASSERT_TRUE(shard.close(*s, now));
}

}  // namespace
}  // namespace weir::test
