// Attacks on the link and on IPv4 headers. Each must end as one counted drop, and say nothing.
#include "tests/graph/station.hpp"
#include "wire/ipv4_options.hpp"

namespace weir::test {
namespace {

class Attack : public Station {
 protected:
  void SetUp() override { know_peer(); }
  std::string echo4() { return icmp4(wire::Icmp4Fields::echo(false, 1, 1), "ping"); }
  std::string echo_from(Ip4Addr src, Ip4Addr dst) { return ipv4({.protocol = wire::proto::icmp, .src = src, .dst = dst}, echo4()); }

  // Whatever it was: at most one drop, and conservation.
  void inject_whatever(const std::string& frame) {
    const u64 before = all_drops();
    inject(frame);
    EXPECT_LE(all_drops(), before + 1);
    (void)sent();
  }
};

TEST_F(Attack, attack_a01_runts_giants_tags_and_length_lies) {
  for (usize n = 0; n < 14; ++n) expect_drop(std::string(n, 'x'), Drop::eth_truncated);
  expect_drop(from_peer4(std::string(1500 + 9, 'x')), Drop::eth_giant);
  for (int tags = 0; tags <= 4; ++tags)
    for (const u16 type : std::initializer_list<u16>{wire::ethertype::vlan, wire::ethertype::qinq})
      for (const u16 vid : std::initializer_list<u16>{0, 1, 4095})
        for (usize cut = 0; cut < 8; ++cut) {
          std::string payload = packet4(wire::proto::icmp, echo4());
          u16 inner = wire::ethertype::ipv4;
          for (int t = 0; t < tags; ++t) {
            std::string tag(4, 0);
            wire::emit(wire::VlanTag{type, vid}, inner, as_writable(tag));
            payload = tag + payload;
            inner = type;
          }
          std::string frame = ethernet(host_mac, peer_mac, inner, payload);
          inject_whatever(frame.substr(0, frame.size() - cut * cut));
          inject_whatever(frame.substr(0, 12 + cut * static_cast<usize>(tags + 1)));
        }
  // Values below 0x600 are lengths.
  for (u16 length = 0; length < 0x600; length = static_cast<u16>(length + 7))
    for (const u64 llc : {0xaaaa'0300'0000'0800u, 0xaaaa'0300'0000'0010u, 0x4242'0300'0000'0000u}) {
      std::string header(8, 0);
      store_be64(header.data(), llc);
      inject_whatever(ethernet(host_mac, peer_mac, length, header + packet4(wire::proto::icmp, echo4())));
    }
}

//= rfc1122#2.3.3 L08
TEST_F(Attack, a_snap_frame_and_a_priority_tag_are_understood) {
  const std::string packet = packet4(wire::proto::icmp, echo4());
  std::string snap(22, 0);
  wire::emit_snap({host_mac, peer_mac, wire::ethertype::ipv4}, static_cast<u16>(packet.size()), as_writable(snap));
  inject(snap + packet + "padding");
  EXPECT_EQ(view4(one()).protocol(), wire::proto::icmp);
  std::string tag(4, 0);
  wire::emit(wire::VlanTag::make(0, 5), wire::ethertype::ipv4, as_writable(tag));
  inject(ethernet(host_mac, peer_mac, wire::ethertype::vlan, tag + packet));
  EXPECT_EQ(view4(one()).protocol(), wire::proto::icmp);
  wire::emit(wire::VlanTag::make(7), wire::ethertype::ipv4, as_writable(tag));
  expect_drop(ethernet(host_mac, peer_mac, wire::ethertype::vlan, tag + packet), Drop::vlan_unknown);
}

TEST_F(Attack, attack_a06_malformed_arp) {
  const wire::ArpFields good{wire::ArpOp::request, peer_mac, peer4, {}, host4};
  const auto arp_frame = [](const std::string& body) { return ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, body); };
  for (usize n = 0; n < 28; ++n) expect_drop(arp_frame(arp(good).substr(0, n)), Drop::arp_truncated);
  for (const usize at : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u}) {
    std::string bad = arp(good);
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    expect_drop(arp_frame(bad), Drop::arp_bad_type);
  }
  for (const u16 op : std::initializer_list<u16>{0, 3, 4, 8, 9, 0xffff}) {  // 3 and 4: RARP
    std::string bad = arp(good);
    store_be16(bad.data() + 6, op);
    expect_drop(arp_frame(bad), Drop::arp_bad_type);
  }
  for (const MacAddr& mac : {MacAddr{}, MacAddr::broadcast(), MacAddr{{1, 0, 0x5e, 0, 0, 1}}, host_mac})
    expect_drop(arp_frame(arp({wire::ArpOp::request, mac, peer4, {}, host4})), Drop::arp_bad_sender);
  for (const char* ip : {"224.0.0.1", "255.255.255.255", "127.0.0.1", "240.0.0.1", "0.1.2.3", "10.0.0.1"}) {
    for (const wire::ArpOp op : {wire::ArpOp::request, wire::ArpOp::reply}) {
      const u64 before = drops(Drop::arp_bad_sender);
      inject(arp_frame(arp({op, peer_mac, ip4(ip), {}, host4})));
      EXPECT_EQ(drops(Drop::arp_bad_sender), before + 1) << ip;
      for (const std::string& f : sent()) EXPECT_EQ(wire::ArpView::parse(view_ethernet(f).payload())->sender_ip(), host4);  // a defence
    }
  }
  EXPECT_EQ(shard.core().interface(port).addresses.size(), 3u);  // none was assigned by a reply
}

// Every header that does not agree with itself and with the frame goes; what agrees is answered.
TEST_F(Attack, attack_a08_ipv4_header_lies) {
  const std::string good = packet4(wire::proto::icmp, echo4());
  const auto with = [&](u8 version_ihl, u16 total, usize frame) {
    std::string p = good + std::string(1480, '\xaa');
    p[0] = static_cast<char>(version_ihl);
    store_be16(p.data() + 2, total);
    store_be16(p.data() + 10, 0);
    const usize header = std::min<usize>((version_ihl & 0xfu) * 4u, frame);
    const u16 sum = csum_finish(csum_add(as_bytes(p).first(std::max<usize>(header, 20))));
    std::memcpy(p.data() + 10, &sum, 2);
    return from_peer4(p.substr(0, frame));
  };
  const u16 whole = static_cast<u16>(good.size());
  for (u32 ihl = 0; ihl < 16; ++ihl)
    for (const u32 total : {0u, 1u, 19u, 20u, 27u, 28u, u32{whole}, 33u, 60u, 100u, 1499u, 1500u, 1501u, 0x7fffu, 0xffffu})
      for (const u32 frame : {0u, 1u, 19u, 20u, 21u, 28u, u32{whole}, 46u, 60u, 1000u, 1500u}) {
        const u64 before = all_drops();
        inject(with(static_cast<u8>(0x40 | ihl), static_cast<u16>(total), frame));
        const auto replies = sent();
        const bool sound = ihl == 5 && total >= 28 && total <= frame;  // of it the checksum of the message decides
        const bool parameter_problem = !replies.empty() && view4(replies.front()).payload()[0] == std::byte{12};
        EXPECT_TRUE(sound || all_drops() == before + 1) << ihl << ' ' << total << ' ' << frame;
        EXPECT_TRUE(sound || replies.empty() || parameter_problem);
        if (sound && total == whole) {
          ASSERT_EQ(replies.size(), 1u);
          EXPECT_EQ(replies.front().size(), 14u + whole);  // trailing bytes are not echoed
        }
      }
  for (u32 version = 0; version < 16; ++version)
    if (version != 4) expect_drop(with(static_cast<u8>(version << 4 | 5), whole, whole), Drop::ip4_bad_version);
}

//= rfc1122#3.2.1.2 I11
TEST_F(Attack, a_wrong_header_checksum_is_dropped_silently) {
  std::string p = packet4(wire::proto::icmp, echo4());
  for (usize bit = 0; bit < 160; ++bit) {
    std::string bad = p;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const u64 before = all_drops();
    inject(from_peer4(bad));
    EXPECT_EQ(all_drops(), before + 1) << bit;
    EXPECT_TRUE(sent().empty());
  }
}

TEST_F(Attack, attack_a09_source_routes_and_option_lies) {
  const auto with_options = [&](const std::string& options) {
    return from_peer4(ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = host4, .options = as_bytes(options)}, echo4()));
  };
  for (const u8 kind : std::initializer_list<u8>{wire::ip4_option::loose_source_route, wire::ip4_option::strict_source_route})
    for (u32 pointer = 4; pointer <= 8; pointer += 4) {
      const std::string route{static_cast<char>(kind), 7, static_cast<char>(pointer), 10, 0, 0, 9};
      expect_drop(with_options(route), Drop::ip4_source_route);
    }
  // All lengths and pointers of the options that have one.
  for (const u8 kind :
       std::initializer_list<u8>{wire::ip4_option::loose_source_route, wire::ip4_option::strict_source_route,
                                 wire::ip4_option::record_route, wire::ip4_option::timestamp, wire::ip4_option::security, u8{200}})
    for (u32 length = 0; length <= 40; ++length)
      for (u32 pointer = 0; pointer < 256; pointer += length < 12 ? 1 : 17) {
        std::string option(40, 1);
        option[0] = static_cast<char>(kind);
        option[1] = static_cast<char>(length);
        option[2] = static_cast<char>(pointer);
        const u64 before = all_drops();
        inject(with_options(option));
        const u64 dropped = all_drops() - before;
        EXPECT_LE(dropped, 1u);
        for (const std::string& f : sent()) {
          EXPECT_LE(f.size(), 14u + 576u);
          EXPECT_TRUE(view4(f).checksum_ok());
          EXPECT_EQ(view4(f).header_len(), 20u);  // options are not sent back
        }
      }
  EXPECT_GT(drops(Drop::ip4_bad_option), 0u);
}

//= rfc1122#3.2.1.3 I14, I15, I128
//= rfc1122#4.1.3.6 U15
TEST_F(Attack, attack_a10_martians_and_land) {
  for (const char* src :
       {"0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "10.0.0.255", "10.0.0.0"})
    expect_drop(from_peer4(echo_from(ip4(src), host4)), Drop::ip4_bad_source);
  expect_drop(from_peer4(echo_from(ip4("0.0.0.0"), host4)), Drop::ip4_bad_source);
  expect_drop(from_peer4(echo_from(host4, ip4("10.0.0.255"))), Drop::ip4_bad_source);
  expect_drop(from_peer4(echo_from(host4, host4)), Drop::ip4_land);
  for (const char* dst : {"127.0.0.1", "0.1.2.3", "240.0.0.1"})
    expect_drop(from_peer4(echo_from(peer4, ip4(dst))), Drop::ip4_bad_destination);
  const std::string syn = tcp(host4, host4, {.src_port = 80, .dst_port = 80, .flags = {wire::TcpFlags::syn}});
  expect_drop(from_peer4(ipv4({.protocol = wire::proto::tcp, .src = host4, .dst = host4}, syn)), Drop::ip4_land);
}

TEST_F(Attack, attack_a10_martians_of_ipv6) {
  const auto echo = [&](const Ip6Addr& src, const Ip6Addr& dst) {
    return from_peer6(
        ipv6({.next_header = wire::proto::icmp6, .src = src, .dst = dst}, icmp6(src, dst, wire::Icmp6Fields::echo(false, 1, 1), "x")));
  };
  for (const char* src : {"ff02::1", "::1", "::ffff:10.0.0.9"}) expect_drop(echo(ip6(src), host6), Drop::ip6_bad_source);
  expect_drop(echo(host6, ip6("ff02::1")), Drop::ip6_bad_source);
  expect_drop(echo(host6, host6), Drop::ip6_land);
  for (const char* dst : {"::", "::1", "::ffff:10.0.0.1", "ff00::1", "ff01::1"})
    expect_drop(echo(peer6, ip6(dst)), Drop::ip6_bad_destination);
}

//= rfc1122#3.3.6 I134
TEST_F(Attack, attack_a11_broadcast_is_not_amplified) {
  for (const char* dst : {"255.255.255.255", "10.0.0.255", "10.0.0.0"}) {
    const std::string echo = echo_from(peer4, ip4(dst));
    expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, echo), Drop::icmp_broadcast);
    expect_drop(from_peer4(echo), Drop::icmp_broadcast);
    const std::string datagram = ipv4({.protocol = wire::proto::udp, .src = peer4, .dst = ip4(dst)}, udp(peer4, ip4(dst), 7, 7, "x"));
    expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, datagram), Drop::udp_no_port);
    const std::string syn = ipv4({.protocol = wire::proto::tcp, .src = peer4, .dst = ip4(dst)},
                                 tcp(peer4, ip4(dst), {.src_port = 1, .dst_port = 2, .flags = {wire::TcpFlags::syn}}));
    expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, syn), Drop::tcp_bad_address);
  }
  expect_drop(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::ipv4, echo_from(peer4, host4)), Drop::ip_link_broadcast);
}

std::string fragment_of(Ip4Addr src, u8 protocol, u16 id, u32 offset, bool more, const std::string& payload) {
  return ipv4(
      {.id = id, .more_fragments = more, .fragment_offset = static_cast<u16>(offset), .protocol = protocol, .src = src, .dst = host4},
      payload);
}

TEST_F(Attack, attack_a12_ping_of_death) {
  inject(from_peer4(fragment_of(peer4, wire::proto::icmp, 1, 0, true, echo4() + std::string(4, 'x'))));
  inject(from_peer4(fragment_of(peer4, wire::proto::icmp, 1, 65'528, false, std::string(1480, 'x'))));
  EXPECT_EQ(drops(Drop::frag_too_long), 2u);  // and what waited for it
  EXPECT_EQ(shard.core().reassembly.datagrams(), 0u);
  EXPECT_TRUE(sent().empty());
  // IPv6: the sender is told, with a pointer to the offset.
  std::string last(8, 0);
  wire::emit(wire::Ip6FragmentFields{wire::proto::icmp6, 65'528, false, 5}, as_writable(last));
  expect_drop(from_peer6(packet6(wire::proto::fragment, last + std::string(1400, 'x'))), Drop::frag_too_long, false);
  const std::string frame = one();
  const auto m = wire::Icmp6View::parse(view6(frame).payload());
  ASSERT_TRUE(m);
  EXPECT_EQ(m->fields(), wire::Icmp6Fields::parameter_problem(wire::icmp6::erroneous_field, 42));
}

TEST_F(Attack, attack_a14_tiny_fragments) {
  expect_drop(from_peer4(fragment_of(peer4, wire::proto::tcp, 2, 0, true, std::string(8, 'x'))), Drop::frag_tiny);
  expect_drop(from_peer4(fragment_of(peer4, wire::proto::tcp, 3, 8, true, std::string(24, 'x'))), Drop::frag_tiny);
}

TEST_F(Attack, attack_a16_fragments_of_different_datagrams_do_not_mix) {
  const std::string data = echo4() + std::string(4, 'y');  // 16 bytes
  inject(from_peer4(fragment_of(peer4, wire::proto::icmp, 7, 0, true, data.substr(0, 8))));
  inject(from_peer4(fragment_of(peer4, wire::proto::udp, 7, 8, false, data.substr(8))));                // other protocol
  inject(from_peer4(fragment_of(ip4("10.0.0.3"), wire::proto::icmp, 7, 8, false, data.substr(8))));     // other source
  inject(from_peer4(fragment_of(peer4, wire::proto::icmp, 8, 8, false, data.substr(8))));               // other id
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(shard.core().reassembly.datagrams(), 4u);
  const u64 before = all_drops();
  inject(from_peer4(fragment_of(peer4, wire::proto::icmp, 7, 8, false, data.substr(8))));
  EXPECT_EQ(shard.core().reassembly.datagrams(), 3u);
  EXPECT_EQ(all_drops(), before + 1);  // whole again, and its checksum is as wrong as it was
}

//= rfc1122#3.3.2 I107
TEST_F(Attack, a_reassembly_that_times_out_is_told_only_if_its_first_fragment_came) {
  inject(from_peer4(fragment_of(peer4, wire::proto::udp, 1, 8, false, "12345678")));
  inject(from_peer4(fragment_of(peer4, wire::proto::udp, 2, 0, true, "12345678")));
  now = now + 61_s;
  run();
  EXPECT_EQ(drops(Drop::frag_timeout), 2u);
  const std::string frame = one();
  const auto m = wire::Icmp4View::parse(view4(frame).payload());
  ASSERT_TRUE(m);
  EXPECT_EQ(m->fields(), wire::Icmp4Fields::time_exceeded(wire::icmp4::reassembly_exceeded));
  EXPECT_EQ(wire::Ipv4View::parse(m->body(), 1500)->id(), 2);
}

// What identifies our datagrams to one destination says nothing about those to another.
TEST_F(Attack, attack_a17_identification_of_one_destination_tells_nothing_of_another) {
  ASSERT_TRUE(shard.add_neighbour(port, ip4("10.0.0.3"), other_mac, now));
  const auto s = shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(s && shard.set_option(*s, Option::dont_fragment, 0, now));
  const auto ids_of = [&](Ip4Addr to, int others) {
    std::vector<u16> ids;
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(shard.send_to(*s, as_bytes("x"), {to, 9}, 0, now));
      ids.push_back(view4(one()).id());
      for (int k = 0; k < others; ++k) EXPECT_TRUE(shard.send_to(*s, as_bytes("x"), {ip4("10.0.0.3"), 9}, 0, now));
      (void)sent();
    }
    return ids;
  };
  const auto quiet = ids_of(peer4, 0), busy = ids_of(peer4, 3);
  for (const auto* ids : {&quiet, &busy}) {
    int small_steps = 0;
    for (usize i = 1; i < ids->size(); ++i) small_steps += static_cast<u16>((*ids)[i] - (*ids)[i - 1]) < 16;
    EXPECT_LT(small_steps, 10);  // not a counter that could be read
    std::vector<u16> sorted = *ids;
    std::ranges::sort(sorted);
    EXPECT_EQ(std::ranges::adjacent_find(sorted), sorted.end());  // and no number twice
  }
  // Datagrams that nobody may cut have none (RFC 6864 4.1).
  ASSERT_TRUE(shard.set_option(*s, Option::dont_fragment, 1, now));
  ASSERT_TRUE(shard.send_to(*s, as_bytes("x"), {peer4, 9}, 0, now));
  const std::string frame = one();
  EXPECT_TRUE(view4(frame).dont_fragment());
  EXPECT_EQ(view4(frame).id(), 0);
  ASSERT_TRUE(shard.close(*s, now));
}

// Memory was filled with 0xaa before; nothing of it may come out, in whatever is sent.
TEST_F(Attack, attack_a02_no_byte_of_old_memory_leaves) {
  const auto clean = [&](const char* what) {
    const auto all = sent();
    EXPECT_FALSE(all.empty()) << what;
    for (const std::string& f : all) EXPECT_EQ(f.find('\xaa'), std::string::npos) << what;
  };
  inject(ethernet(MacAddr::broadcast(), peer_mac, wire::ethertype::arp, arp({wire::ArpOp::request, peer_mac, peer4, {}, host4})));
  clean("ARP reply");
  const auto s = shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  for (const usize n : {0u, 1u, 55u, 56u, 57u, 1473u, 4000u}) {
    ASSERT_TRUE(shard.send_to(*s, as_bytes(std::string(n, 'd')), {peer4, 9}, 0, now));
    clean("datagram");
  }
  ASSERT_TRUE(shard.send_to(*s, as_bytes("x"), {ip4("10.0.0.77"), 9}, 0, now));
  clean("ARP request");
  inject(from_peer4(packet4(wire::proto::icmp, icmp4(wire::Icmp4Fields::echo(false, 1, 1), "x"))));
  clean("echo reply");
  inject(from_peer4(packet4(wire::proto::udp, udp(peer4, host4, 9, 9, "x"))));
  clean("port unreachable");
  inject(from_peer4(packet4(250, "x")));
  clean("protocol unreachable");
  const std::string option{wire::ip4_option::record_route, 3, 1};
  inject(from_peer4(ipv4({.protocol = wire::proto::icmp, .src = peer4, .dst = host4, .options = as_bytes(option)}, echo4())));
  clean("parameter problem");
  inject(from_peer4(packet4(wire::proto::tcp, tcp(peer4, host4, {.src_port = 1, .dst_port = 2, .flags = {wire::TcpFlags::ack}}))));
  clean("reset");
  inject(from_peer6(packet6(wire::proto::udp, udp(peer6, host6, 9, 9, "x"))));
  clean("port unreachable 6");
  ASSERT_TRUE(shard.add_address(port, *Prefix::parse("fd00::9/64"), now, true));
  ASSERT_TRUE(shard.add_address(port, *Prefix::parse("10.0.0.9/24"), now, true));
  for (int i = 0; i < 50; ++i) {
    now = now + 100_ms;
    run();
    for (const std::string& f : sent()) EXPECT_EQ(f.find('\xaa'), std::string::npos) << "probes and reports";
  }
  ASSERT_TRUE(shard.close(*s, now));
}

//= rfc1122#2.3.2.1 L04
//= rfc1122#2.3.2.2 L06
TEST_F(Attack, attack_a05_scanning_dead_hosts) {
  const auto s = shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  constexpr u32 hosts = 200;
  std::map<u32, u32> asked;
  for (int second = 0; second < 5; ++second) {
    std::map<u32, u32> now_asked;
    for (u32 h = 0; h < hosts; ++h)
      for (int k = 0; k < 10; ++k) (void)shard.send_to(*s, as_bytes("x"), {Ip4Addr{0x0a000020 + h}, 9}, 0, now);
    for (const std::string& f : sent()) {
      const auto request = wire::ArpView::parse(view_ethernet(f).payload());
      ASSERT_TRUE(request);
      ++now_asked[request->target_ip().host];
    }
    for (const auto& [host, n] : now_asked) EXPECT_LE(n, 1u);
    EXPECT_LE(shard.core().neighbours.pending(), hosts * 8);
    now = now + 1_s;
    run();
  }
  EXPECT_GT(drops(Drop::neigh_unresolved), 0u);
  EXPECT_GT(drops(Drop::neigh_queue_full), 0u);
  const auto c = shard.socket(netns, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.connect(*c, {ip4("10.0.0.250"), 9}, now));
  ASSERT_TRUE(shard.send(*c, as_bytes("x"), 0, now));
  for (int i = 0; i < 5; ++i) later(1_s);
  std::byte room[8];
  const auto r = shard.recv_from(*c, room, 0, now);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(), Errc::host_unreachable);
  ASSERT_TRUE(shard.close(*s, now) && shard.close(*c, now));
}

}  // namespace
}  // namespace weir::test
