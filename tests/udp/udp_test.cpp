// UDP sockets: names, matching, queues, what is sent and what is believed. One host, the peer is played by hand.
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class Udp : public Station {
 protected:
  void SetUp() override { know_peer(); }
  void TearDown() override {
    for (const Sock s : open_) (void)shard.close(s, now);
    Station::TearDown();
  }
  Sock open(Family f = Family::v4) {
    open_.push_back(*shard.socket(netns, f, SocketType::datagram, 0, now));
    return open_.back();
  }
  Sock bound(const Endpoint& at, Family f = Family::v4) {
    const Sock s = open(f);
    EXPECT_TRUE(shard.bind(s, at, now));
    return s;
  }
  void datagram4(Ip4Addr src, u16 sport, u16 dport, const std::string& data, Ip4Addr dst = host4) {
    inject(from_peer4(
        ipv4({.tos = 0x1c, .ttl = 77, .protocol = wire::proto::udp, .src = src, .dst = dst}, udp(src, dst, sport, dport, data))));
  }
  void datagram6(u16 sport, u16 dport, const std::string& data) {
    inject(from_peer6(packet6(wire::proto::udp, udp(peer6, host6, sport, dport, data))));
  }
  struct Got {
    Datagram info;
    std::string data;
  };
  Result<Got> receive(Sock s, usize room = 2000, u32 flags = 0) {
    std::string out(room, 0);
    const auto d = shard.recv_from(s, as_writable(out), flags, now);
    if (!d) return std::unexpected(d.error());
    return Got{*d, out.substr(0, d->copied)};
  }
  std::string data_of(Sock s) {
    const auto got = receive(s);
    return got ? got->data : "(nothing)";
  }
  std::vector<Sock> open_;
};

//= rfc1122#4.1.3.5 U11
//= rfc1122#4.1.4 U17, U19
TEST_F(Udp, a_datagram_comes_with_all_that_is_known_of_it) {
  const Sock s = bound({Ip4Addr::any(), 53});
  datagram4(peer4, 1234, 53, "question");
  EXPECT_TRUE(shard.ready(s) & Ready::in);
  const auto got = receive(s);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->data, "question");
  EXPECT_EQ(got->info.from, (Endpoint{peer4, 1234}));
  EXPECT_EQ(got->info.to, (Endpoint{host4, 53}));
  EXPECT_EQ(got->info.interface, port);
  EXPECT_EQ(got->info.ttl, 77);
  EXPECT_EQ(got->info.tos, 0x1c);
  EXPECT_EQ(got->info.time, now);
  EXPECT_EQ(receive(s).error(), Errc::would_block);
}

TEST_F(Udp, peeking_and_cutting) {
  const Sock s = bound({Ip4Addr::any(), 53});
  datagram4(peer4, 1, 53, "0123456789");
  datagram4(peer4, 1, 53, "second");
  EXPECT_EQ(receive(s, 2000, RecvFlags::peek)->data, "0123456789");
  EXPECT_EQ(*shard.get_option(s, Option::pending_input), 10);
  const auto cut = receive(s, 4);
  EXPECT_EQ(cut->data, "0123");
  EXPECT_EQ(cut->info.length, 10u);
  EXPECT_EQ(data_of(s), "second");  // the rest of the first is gone
}

TEST_F(Udp, the_more_a_socket_has_fixed_the_better_it_matches) {
  const Sock any = bound({Ip4Addr::any(), 53});
  const Sock both = open(Family::v6);
  ASSERT_TRUE(shard.set_option(any, Option::reuse_address, 1, now) && shard.set_option(both, Option::reuse_address, 1, now));
  ASSERT_TRUE(shard.bind(both, {Ip6Addr::any(), 53}, now));
  const Sock exact = open();
  ASSERT_TRUE(shard.set_option(exact, Option::reuse_address, 1, now) && shard.bind(exact, {host4, 53}, now));
  const Sock peer = open();
  ASSERT_TRUE(shard.set_option(peer, Option::reuse_address, 1, now) && shard.bind(peer, {host4, 53}, now));
  ASSERT_TRUE(shard.connect(peer, {peer4, 1234}, now));
  datagram4(peer4, 1234, 53, "connected");
  datagram4(peer4, 1235, 53, "address");
  datagram6(1, 53, "six");
  EXPECT_EQ(data_of(peer), "connected");
  EXPECT_EQ(data_of(exact), "address");
  EXPECT_EQ(data_of(both), "six");
  ASSERT_TRUE(shard.close(exact, now) && shard.close(peer, now));
  datagram4(peer4, 1234, 53, "any");
  EXPECT_EQ(data_of(any), "any");
  ASSERT_TRUE(shard.close(any, now));
  datagram4(peer4, 1234, 53, "mapped");  // the IPv6 socket takes IPv4 too
  const auto got = receive(both);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->data, "mapped");
  EXPECT_EQ(got->info.from.addr, IpAddr{peer4});
  ASSERT_TRUE(shard.send_to(both, as_bytes("answer"), got->info.from, 0, now));
  EXPECT_EQ(view4(one()).dst(), peer4);
  open_.clear();
  ASSERT_TRUE(shard.close(both, now));
}

TEST_F(Udp, bind_conflicts) {
  const auto attempt = [&](Family f, const Endpoint& at, bool address, bool reuse_port, bool v6_only) {
    const Sock s = open(f);
    (void)shard.set_option(s, Option::reuse_address, address, now);
    (void)shard.set_option(s, Option::reuse_port, reuse_port, now);
    (void)shard.set_option(s, Option::v6_only, v6_only, now);
    const auto r = shard.bind(s, at, now);
    (void)shard.close(s, now);
    open_.pop_back();
    return r ? Errc{} : r.error();
  };
  constexpr Errc ok{};
  (void)bound({host4, 53});
  EXPECT_EQ(attempt(Family::v4, {host4, 53}, false, false, false), Errc::addr_in_use);
  EXPECT_EQ(attempt(Family::v4, {Ip4Addr::any(), 53}, false, false, false), Errc::addr_in_use);
  EXPECT_EQ(attempt(Family::v4, {Ip4Addr::any(), 53}, true, true, false), Errc::addr_in_use);  // both must agree to share
  EXPECT_EQ(attempt(Family::v4, {ip4("127.0.0.1"), 53}, false, false, false), ok);
  EXPECT_EQ(attempt(Family::v4, {host4, 54}, false, false, false), ok);
  EXPECT_EQ(attempt(Family::v6, {Ip6Addr::any(), 53}, false, false, false), Errc::addr_in_use);
  EXPECT_EQ(attempt(Family::v6, {Ip6Addr::any(), 53}, false, false, true), ok);
  EXPECT_EQ(attempt(Family::v6, {host6, 53}, false, false, false), ok);
  EXPECT_EQ(attempt(Family::v4, {ip4("10.0.0.99"), 53}, false, false, false), Errc::addr_not_available);
  EXPECT_EQ(attempt(Family::v6, {ip6("fd00::99"), 53}, false, false, false), Errc::addr_not_available);
  EXPECT_EQ(attempt(Family::v4, {host6, 53}, false, false, false), Errc::family_not_supported);
  const Sock shared = open();
  ASSERT_TRUE(shard.set_option(shared, Option::reuse_port, 1, now) && shard.bind(shared, {Ip4Addr::any(), 60}, now));
  EXPECT_EQ(attempt(Family::v4, {Ip4Addr::any(), 60}, false, true, false), ok);
  EXPECT_EQ(attempt(Family::v4, {Ip4Addr::any(), 60}, true, false, false), Errc::addr_in_use);
  EXPECT_EQ(shard.bind(shared, {Ip4Addr::any(), 61}, now).error(), Errc::invalid);  // has a name already
}

TEST_F(Udp, sockets_that_share_a_port_share_the_flows) {
  std::array<Sock, 4> s;
  for (Sock& x : s) {
    x = open();
    ASSERT_TRUE(shard.set_option(x, Option::reuse_port, 1, now) && shard.bind(x, {Ip4Addr::any(), 53}, now));
  }
  for (u16 p = 1000; p < 1400; ++p) datagram4(peer4, p, 53, "x");
  for (const Sock x : s) {
    int n = 0;
    while (receive(x)) ++n;
    EXPECT_GT(n, 40);
  }
}

TEST_F(Udp, attack_a44_ephemeral_ports_are_chosen_by_chance) {
  std::vector<u16> ports;
  for (int i = 0; i < 40; ++i) {
    const Sock s = open();
    ASSERT_TRUE(shard.bind(s, {Ip4Addr::any(), 0}, now));
    ports.push_back(shard.local(s)->port);
    EXPECT_GE(ports.back(), 32'768);
    EXPECT_LE(ports.back(), 60'999);
  }
  int near = 0;
  for (usize i = 1; i < ports.size(); ++i) near += std::abs(ports[i] - ports[i - 1]) < 200;
  EXPECT_LT(near, 5);
  std::ranges::sort(ports);
  EXPECT_EQ(std::ranges::adjacent_find(ports), ports.end());
  // A range that is used up says so, and not before.
  shard.sysctl(netns)->port_first = 20'000;
  shard.sysctl(netns)->port_last = 20'009;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(shard.bind(open(), {Ip4Addr::any(), 0}, now));
  EXPECT_EQ(shard.bind(open(), {Ip4Addr::any(), 0}, now).error(), Errc::addr_in_use);
}

//= rfc1122#4.1.3.4 U06, U07, U09
TEST_F(Udp, attack_a42_length_lies_and_checksums) {
  const Sock s = bound({Ip4Addr::any(), 53}), s6 = bound({Ip6Addr::any(), 54}, Family::v6);
  const std::string good = udp(peer4, host4, 1, 53, "payload");
  for (u32 length = 0; length <= 30; ++length) {
    std::string bad = good;
    store_be16(bad.data() + 4, static_cast<u16>(length));
    store_be16(bad.data() + 6, 0);
    const std::string pseudo_right = [&] {
      if (length < 8 || length > bad.size()) return bad;
      std::string whole = bad.substr(0, length);
      wire::set_transport_checksum(as_writable(whole), 6, peer4, host4, wire::proto::udp);
      return whole + bad.substr(length);
    }();
    if (length < 8 || length > good.size()) expect_drop(from_peer4(packet4(17, pseudo_right)), Drop::udp_bad_length);
    else inject(from_peer4(packet4(17, pseudo_right)));
    const bool sound = length >= 8 && length <= good.size();
    EXPECT_EQ(data_of(s), sound ? std::string("payload").substr(0, length - 8) : "(nothing)");  // no trailing bytes
  }
  for (usize n = 0; n < 8; ++n) expect_drop(from_peer4(packet4(17, good.substr(0, n))), Drop::udp_truncated);
  for (usize bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const u64 before = all_drops();
    inject(from_peer4(packet4(17, bad)));
    EXPECT_EQ(all_drops(), before + 1) << bit;
  }
  // No checksum: IPv4 allows it, unless the user does not (U10); IPv6 does not (RFC 8200 8.1).
  std::string bare = good;
  store_be16(bare.data() + 6, 0);
  inject(from_peer4(packet4(17, bare)));
  EXPECT_EQ(data_of(s), "payload");
  ASSERT_TRUE(shard.set_option(s, Option::receive_checksum, 1, now));
  expect_drop(from_peer4(packet4(17, bare)), Drop::udp_bad_checksum);
  std::string bare6 = udp(peer6, host6, 1, 54, "payload");
  store_be16(bare6.data() + 6, 0);
  expect_drop(from_peer6(packet6(17, bare6)), Drop::udp_no_checksum);
  EXPECT_EQ(receive(s6).error(), Errc::would_block);
}

TEST_F(Udp, a_computed_checksum_of_zero_is_sent_as_ffff) {
  const Sock s = bound({host4, 4000});
  int zero_sums = 0;
  for (u32 v = 0; v < 0x10000; v += 1) {
    std::string data(2, 0);
    store_be16(data.data(), static_cast<u16>(v));
    // The sum of all but the data, so that one value of it gives zero.
    std::string expected = udp(host4, peer4, 4000, 9, data);
    if (load_be16(expected.data() + 6) != 0xffff) continue;
    ASSERT_TRUE(shard.send_to(s, as_bytes(data), {peer4, 9}, 0, now));
    const std::string frame = one();
    EXPECT_EQ(load_be16(frame.data() + 14 + 20 + 6), 0xffff);
    ++zero_sums;
  }
  EXPECT_GT(zero_sums, 0);
  ASSERT_TRUE(shard.set_option(s, Option::no_checksum, 1, now));
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {peer4, 9}, 0, now));
  EXPECT_EQ(load_be16(one().data() + 14 + 20 + 6), 0);
}

TEST_F(Udp, the_receive_queue_is_bounded_by_true_size) {
  const Sock s = bound({Ip4Addr::any(), 53});
  ASSERT_TRUE(shard.set_option(s, Option::receive_buffer, 24'320, now));
  for (int i = 0; i < 20; ++i) datagram4(peer4, 1, 53, "tiny");
  EXPECT_EQ(drops(Drop::udp_queue_full), 10u);  // each holds a buffer of 2 KiB and a descriptor
  for (int i = 0; i < 10; ++i) EXPECT_EQ(data_of(s), "tiny");
  datagram4(peer4, 1, 53, "again");
  EXPECT_EQ(data_of(s), "again");
}

TEST_F(Udp, sizes_and_destinations_that_cannot_be) {
  const Sock s = open();
  EXPECT_EQ(shard.send_to(s, as_bytes(std::string(65'508, 'x')), {peer4, 9}, 0, now).error(), Errc::message_size);
  EXPECT_EQ(shard.send(s, as_bytes("x"), 0, now).error(), Errc::dest_required);
  EXPECT_EQ(shard.send_to(s, as_bytes("x"), {peer4, 0}, 0, now).error(), Errc::invalid);
  EXPECT_EQ(shard.send_to(s, as_bytes("x"), {peer6, 9}, 0, now).error(), Errc::family_not_supported);
  EXPECT_EQ(shard.send_to(s, as_bytes("x"), {ip4("203.0.113.1"), 9}, 0, now).error(), Errc::net_unreachable);
  EXPECT_EQ(shard.shutdown(s, Shutdown::both, now).error(), Errc::not_connected);
  const Sock s6 = open(Family::v6);
  ASSERT_TRUE(shard.set_option(s6, Option::v6_only, 1, now));
  EXPECT_EQ(shard.send_to(s6, as_bytes("x"), {peer4, 9}, 0, now).error(), Errc::net_unreachable);
  ASSERT_TRUE(shard.send_to(s, as_bytes(pattern(65'507)), {peer4, 9}, 0, now));
  std::string payload;
  for (const std::string& f : sent()) payload += text_of(view4(f).payload());
  EXPECT_TRUE(payload == udp(host4, peer4, shard.local(s)->port, 9, pattern(65'507)));
}

//= rfc1122#4.1.3.5 U12, U14
TEST_F(Udp, connect_chooses_an_address_and_gives_it_back) {
  const Sock s = open();
  ASSERT_TRUE(shard.connect(s, {peer4, 9}, now));
  EXPECT_EQ(shard.local(s)->addr, IpAddr{host4});
  EXPECT_EQ(*shard.remote(s), (Endpoint{peer4, 9}));
  const u16 local = shard.local(s)->port;
  datagram4(ip4("10.0.0.3"), 9, local, "stranger");
  EXPECT_EQ(receive(s).error(), Errc::would_block);
  (void)sent();
  ASSERT_TRUE(shard.connect(s, {Ip4Addr::any(), 0}, now));
  EXPECT_TRUE(shard.local(s)->addr.is_any());
  EXPECT_EQ(shard.remote(s).error(), Errc::not_connected);
  datagram4(ip4("10.0.0.3"), 9, local, "stranger");
  EXPECT_EQ(data_of(s), "stranger");
}

//= rfc1122#3.2.2 I31
//= rfc1122#3.2.2.1 I40, I41, I42
//= rfc1122#3.2.2.4 I50
//= rfc1122#3.2.2.5 I52
//= rfc1122#3.4 I144, I145
//= rfc1122#4.1.3.3 U05
TEST_F(Udp, errors_reach_the_socket_that_is_meant) {
  const Sock a = open(), b = open();
  ASSERT_TRUE(shard.connect(a, {peer4, 9}, now) && shard.connect(b, {peer4, 9}, now));
  ASSERT_TRUE(shard.send(a, as_bytes("x"), 0, now));
  const std::string quote = one().substr(14);
  const auto error = [&](const wire::Icmp4Fields& f) { inject(from_peer4(packet4(wire::proto::icmp, icmp4(f, quote)))); };
  const std::pair<wire::Icmp4Fields, Errc> hard[] = {{wire::Icmp4Fields::unreachable(3), Errc::conn_refused},
                                                     {wire::Icmp4Fields::unreachable(2), Errc::no_protocol_option},
                                                     {wire::Icmp4Fields::unreachable(1), Errc::host_unreachable},
                                                     {wire::Icmp4Fields::unreachable(0), Errc::net_unreachable},
                                                     {wire::Icmp4Fields::unreachable(13), Errc::permission_denied}};
  for (const auto& [fields, code] : hard) {
    error(fields);
    EXPECT_TRUE(shard.ready(a) & Ready::error);
    EXPECT_FALSE(shard.ready(b) & Ready::error);
    EXPECT_EQ(receive(a).error(), code);
  }
  error(wire::Icmp4Fields::parameter_problem(20));
  error(wire::Icmp4Fields::time_exceeded(0));  // only hints
  EXPECT_EQ(receive(a).error(), Errc::would_block);
  ASSERT_TRUE(shard.set_option(a, Option::receive_errors, 1, now));
  error(wire::Icmp4Fields::time_exceeded(0));
  EXPECT_EQ(*shard.get_option(a, Option::error), EHOSTUNREACH);
  EXPECT_EQ(*shard.get_option(a, Option::error), 0);
}

TEST_F(Udp, multicast_goes_to_all_who_listen) {
  const Ip4Addr group = ip4("224.0.0.1");  // all systems: joined from the beginning
  const Sock a = open(), b = open(), c = open();
  for (const Sock s : {a, b, c}) ASSERT_TRUE(shard.set_option(s, Option::reuse_address, 1, now));
  ASSERT_TRUE(shard.bind(a, {Ip4Addr::any(), 53}, now) && shard.bind(b, {group, 53}, now) && shard.bind(c, {host4, 53}, now));
  inject(ethernet({{1, 0, 0x5e, 0, 0, 1}}, peer_mac, wire::ethertype::ipv4,
                  ipv4({.protocol = 17, .src = peer4, .dst = group}, udp(peer4, group, 1, 53, "all"))));
  EXPECT_EQ(data_of(a), "all");
  EXPECT_EQ(data_of(b), "all");
  EXPECT_EQ(receive(c).error(), Errc::would_block);
  ASSERT_TRUE(shard.send_to(a, as_bytes("out"), {group, 9}, 0, now));
  const std::string frame = one();
  EXPECT_EQ(view_ethernet(frame).dst(), (MacAddr{{1, 0, 0x5e, 0, 0, 1}}));
  EXPECT_EQ(view4(frame).ttl(), 1);
}

TEST_F(Udp, options_have_the_ranges_that_the_header_has) {
  const Sock s = open();
  for (const i64 bad : {-1, 0, 256}) EXPECT_EQ(shard.set_option(s, Option::ttl, bad, now).error(), Errc::invalid);
  EXPECT_EQ(shard.set_option(s, Option::tos, 256, now).error(), Errc::invalid);
  EXPECT_EQ(shard.set_option(s, Option::no_delay, 1, now).error(), Errc::no_protocol_option);
  ASSERT_TRUE(shard.set_option(s, Option::ttl, 9, now) && shard.set_option(s, Option::tos, 0x20, now));
  ASSERT_TRUE(shard.send_to(s, as_bytes("x"), {peer4, 9}, 0, now));
  const std::string frame = one();
  EXPECT_EQ(view4(frame).ttl(), 9);
  EXPECT_EQ(view4(frame).tos(), 0x20);
}

}  // namespace
}  // namespace weir::test
