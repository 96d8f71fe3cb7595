// Between namespaces of one shard: veth and loopback, without a copy and without recursion.
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class Veth : public ::testing::Test {
 protected:
  explicit Veth(const Offload& offload = {.tx_checksum = true, .rx_checksum = true, .tso = true})
      : shard({.seed = 3, .pool = {.packets = 4096, .small_buffers = 4096, .large_buffers = 256}, .max_sockets = 64, .max_connections = 64},
              now) {
    a = *shard.add_netns({.name = "a"}, now);
    b = *shard.add_netns({.name = "b"}, now);
    const auto pair = *shard.add_veth(a, {.name = "eth0", .mac = host_mac, .offload = offload}, b,
                                      {.name = "eth0", .mac = peer_mac, .offload = offload}, now);
    ia = pair.first;
    ib = pair.second;
    for (const char* p : {"10.0.0.1/24", "fd00::1/64"}) EXPECT_TRUE(shard.add_address(ia, *Prefix::parse(p), now, false));
    for (const char* p : {"10.0.0.2/24", "fd00::2/64"}) EXPECT_TRUE(shard.add_address(ib, *Prefix::parse(p), now, false));
    run();
  }
  void TearDown() override {
    for (int i = 0; i < 100; ++i) {
      now = now + 1_s;
      run();
    }
    EXPECT_EQ(shard.pool().buffers_in_use(), 0u);
    EXPECT_EQ(shard.pool().packets_in_use(), 0u);
  }
  void run() {
    for (int i = 0; i < 10'000 && shard.run(now).more; ++i) {
    }
  }
  Sock open(NetnsId ns, Family f, SocketType type = SocketType::datagram, u8 protocol = 0) {
    return *shard.socket(ns, f, type, protocol, now);
  }
  Result<std::string> receive(Sock s, usize room = 70'000) {
    std::string out(room, 0);
    const auto d = shard.recv_from(s, as_writable(out), 0, now);
    if (!d) return std::unexpected(d.error());
    out.resize(d->copied);
    return out;
  }
  u64 drops(NetnsId ns, Drop why) { return shard.core().netns[ns]->drops.read(why); }

  Instant now{1'000'000'000};
  Shard shard;
  NetnsId a = 0, b = 0;
  IfIndex ia = 0, ib = 0;
};

TEST_F(Veth, datagrams_of_every_size_and_both_families_are_echoed) {
  for (const Family f : {Family::v4, Family::v6}) {
    const Sock server = open(b, f), client = open(a, f);
    ASSERT_TRUE(shard.bind(server, {IpAddr::any(f), 7}, now));
    ASSERT_TRUE(shard.connect(client, {f == Family::v4 ? IpAddr{peer4} : IpAddr{peer6}, 7}, now));
    for (const usize n : {0u, 1u, 56u, 57u, 1472u, 1473u, 9000u, 65'507u}) {
      const std::string data = pattern(n);
      ASSERT_EQ(shard.send(client, as_bytes(data), 0, now).value_or(0), n);
      run();
      std::string room(70'000, 0);
      const auto got = shard.recv_from(server, as_writable(room), 0, now);
      ASSERT_TRUE(got) << n;
      EXPECT_EQ(got->length, n);
      EXPECT_EQ(got->interface, ib);
      ASSERT_TRUE(shard.send_to(server, as_bytes(room).first(got->copied), got->from, 0, now));
      run();
      const auto back = receive(client);
      ASSERT_TRUE(back) << n;
      EXPECT_TRUE(*back == data) << n;
    }
    ASSERT_TRUE(shard.close(server, now) && shard.close(client, now));
  }
}

TEST_F(Veth, the_receiver_holds_the_very_bytes_that_were_sent) {
  const Sock server = open(b, Family::v4), client = open(a, Family::v4);
  ASSERT_TRUE(shard.bind(server, {Ip4Addr::any(), 7}, now));
  ASSERT_TRUE(shard.send_to(client, as_bytes("warm"), {peer4, 7}, 0, now));
  run();
  ASSERT_TRUE(receive(server));
  const u64 before = shard.pool().stats().buffer_hits;
  ASSERT_TRUE(shard.send_to(client, as_bytes(pattern(1400)), {peer4, 7}, 0, now));
  run();
  EXPECT_EQ(shard.pool().stats().buffer_hits, before + 1);  // the one that the sender filled
  EXPECT_TRUE(*receive(server) == pattern(1400));
  ASSERT_TRUE(shard.close(server, now) && shard.close(client, now));
}

TEST_F(Veth, a_closed_port_is_unreachable_and_the_connected_socket_is_told) {
  for (const Family f : {Family::v4, Family::v6}) {
    const Sock client = open(a, f), other = open(a, f);
    const Endpoint to{f == Family::v4 ? IpAddr{peer4} : IpAddr{peer6}, 9};
    ASSERT_TRUE(shard.connect(client, to, now));
    ASSERT_TRUE(shard.send(client, as_bytes("x"), 0, now));
    ASSERT_TRUE(shard.send_to(other, as_bytes("x"), to, 0, now));  // not connected: not told
    run();
    EXPECT_TRUE(shard.ready(client) & Ready::error);
    EXPECT_FALSE(shard.ready(other) & Ready::error);
    EXPECT_EQ(receive(client).error(), Errc::conn_refused);
    EXPECT_EQ(receive(client).error(), Errc::would_block);  // once
    ASSERT_TRUE(shard.close(client, now) && shard.close(other, now));
  }
}

TEST_F(Veth, loopback_and_own_addresses_stay_inside) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "10.0.0.1", "::1", "fd00::1"}) {
    const IpAddr addr = *IpAddr::parse(text);
    const Sock server = open(a, addr.family()), client = open(a, addr.family());
    ASSERT_TRUE(shard.bind(server, {addr, 7}, now)) << text;
    ASSERT_TRUE(shard.send_to(client, as_bytes("to myself"), {addr, 7}, 0, now)) << text;
    run();
    EXPECT_EQ(receive(server).value_or(""), "to myself") << text;
    ASSERT_TRUE(shard.close(server, now) && shard.close(client, now));
  }
  EXPECT_EQ(shard.core().interface(ia).stats.tx_packets, 0u);
}

TEST_F(Veth, raw_sockets_ping_across) {
  for (const Family f : {Family::v4, Family::v6}) {
    const bool v4 = f == Family::v4;
    const Sock s = open(a, f, SocketType::raw, v4 ? wire::proto::icmp : wire::proto::icmp6);
    for (const usize n : {8u, 56u, 1400u, 20'000u}) {
      std::string echo(8, 0);
      echo[0] = static_cast<char>(v4 ? wire::icmp4::echo_request : wire::icmp6::echo_request);
      echo += pattern(n);
      if (v4) {
        const u16 sum = csum_finish(csum_add(as_bytes(echo)));
        std::memcpy(echo.data() + 2, &sum, 2);
      }
      ASSERT_TRUE(shard.send_to(s, as_bytes(echo), {v4 ? IpAddr{peer4} : IpAddr{peer6}, 0}, 0, now));
      run();
      auto reply = receive(s);
      while (reply && !v4 && static_cast<u8>((*reply)[0]) != wire::icmp6::echo_reply) reply = receive(s);  // neighbour discovery
      ASSERT_TRUE(reply) << n;
      const std::string message = v4 ? reply->substr(20) : *reply;
      EXPECT_EQ(message[0], static_cast<char>(v4 ? wire::icmp4::echo_reply : wire::icmp6::echo_reply));
      EXPECT_TRUE(message.substr(8) == pattern(n));
    }
    ASSERT_TRUE(shard.close(s, now));
  }
}

TEST_F(Veth, a_broadcast_reaches_the_peer_and_ourselves) {
  const Sock here = open(a, Family::v4), there = open(b, Family::v4), sender = open(a, Family::v4);
  ASSERT_TRUE(shard.bind(here, {Ip4Addr::any(), 7}, now) && shard.bind(there, {Ip4Addr::any(), 7}, now));
  EXPECT_EQ(shard.send_to(sender, as_bytes("x"), {ip4("10.0.0.255"), 7}, 0, now).error(), Errc::permission_denied);
  ASSERT_TRUE(shard.set_option(sender, Option::broadcast, 1, now));
  for (const char* to : {"10.0.0.255", "255.255.255.255"}) {
    ASSERT_TRUE(shard.send_to(sender, as_bytes("hello"), {ip4(to), 7}, 0, now));
    run();
    EXPECT_EQ(receive(there).value_or(""), "hello") << to;
    EXPECT_EQ(receive(here).value_or(""), "hello") << to;
  }
  for (const Sock s : {here, there, sender}) ASSERT_TRUE(shard.close(s, now));
}

TEST_F(Veth, the_queue_across_is_bounded) {
  const Sock client = open(a, Family::v4);
  ASSERT_TRUE(shard.send_to(client, as_bytes("warm"), {peer4, 7}, 0, now));
  run();
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(shard.send_to(client, as_bytes("x"), {peer4, 7}, 0, now));
  run();
  EXPECT_EQ(drops(b, Drop::queue_full) + drops(a, Drop::queue_full), 500u);
  ASSERT_TRUE(shard.close(client, now));
}

TEST_F(Veth, an_end_that_is_down_or_gone_drops) {
  const Sock client = open(a, Family::v4);
  ASSERT_TRUE(shard.add_neighbour(ia, peer4, peer_mac, now));
  ASSERT_TRUE(shard.set_interface_up(ib, false, now));
  ASSERT_TRUE(shard.send_to(client, as_bytes("x"), {peer4, 7}, 0, now));
  run();
  EXPECT_EQ(drops(a, Drop::link_down), 1u);
  ASSERT_TRUE(shard.set_interface_up(ib, true, now));
  ASSERT_TRUE(shard.send_to(client, as_bytes("x"), {peer4, 7}, 0, now));
  ASSERT_TRUE(shard.remove_netns(b, now));
  run();
  EXPECT_EQ(shard.core().find_interface(ia), nullptr);  // the other end goes with it
  EXPECT_EQ(shard.send_to(client, as_bytes("x"), {peer4, 7}, 0, now).error(), Errc::net_unreachable);
  ASSERT_TRUE(shard.close(client, now));
}

// Without offloads a veth is as a wire: whole frames, whole checksums, no super-segments.
class PlainVeth : public Veth {
 protected:
  PlainVeth() : Veth(Offload{}) {}
};

TEST_F(PlainVeth, what_crosses_is_finished) {
  static std::vector<std::string> seen;
  seen.clear();
  shard.core().taps.push_back({[](void* self, IfIndex, bool outbound, buf::PacketId id, Drop why, Instant) {
                                 Shard& s = *static_cast<Shard*>(self);
                                 if (outbound || why != Drop::none) return;
                                 EXPECT_EQ(s.pool()[id].csum.kind, buf::CsumKind::none);
                                 std::string frame(s.pool()[id].length, 0);
                                 s.pool().copy_out(id, 0, as_writable(frame));
                                 seen.push_back(frame);
                               },
                               &shard});
  const Sock server = open(b, Family::v4), client = open(a, Family::v4);
  ASSERT_TRUE(shard.bind(server, {Ip4Addr::any(), 7}, now));
  ASSERT_TRUE(shard.send_to(client, as_bytes(pattern(4000)), {peer4, 7}, 0, now));
  run();
  EXPECT_TRUE(*receive(server) == pattern(4000));
  usize datagrams = 0;
  for (const std::string& f : seen) {
    EXPECT_LE(f.size(), 1514u);
    datagrams += view_ethernet(f).type() == wire::ethertype::ipv4;
  }
  EXPECT_EQ(datagrams, 3u);
  shard.core().taps.clear();
  ASSERT_TRUE(shard.close(server, now) && shard.close(client, now));
}

TEST_F(PlainVeth, a_wrong_checksum_is_noticed_on_the_other_side) {
  const Sock server = open(b, Family::v4), raw = open(a, Family::v4, SocketType::raw, wire::proto::udp);
  ASSERT_TRUE(shard.bind(server, {Ip4Addr::any(), 7}, now));
  std::string datagram = udp(host4, peer4, 1, 7, "payload");
  datagram.back() ^= 1;
  ASSERT_TRUE(shard.send_to(raw, as_bytes(datagram), {peer4, 0}, 0, now));
  run();
  EXPECT_EQ(drops(b, Drop::udp_bad_checksum), 1u);
  EXPECT_EQ(receive(server).error(), Errc::would_block);
  ASSERT_TRUE(shard.close(server, now) && shard.close(raw, now));
}

}  // namespace
}  // namespace weir::test
