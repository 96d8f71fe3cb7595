#include "wire/print.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

constexpr struct {
  const char* frame;
  const char* line;
} lines[] = {{"arp_request", "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ARP who-has 10.0.0.2 tell 10.0.0.1"},
             {"arp_reply", "02:00:00:00:00:02 > 02:00:00:00:00:01, ARP 10.0.0.2 is-at 02:00:00:00:00:02"},
             {"tcp_syn",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win "
              "64240, options [mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7], length 0"},
             {"tcp_syn_ack",
              "02:00:00:00:00:02 > 02:00:00:00:00:01, IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 100, ack 2, "
              "win 65160, options [mss 1460,sackOK,TS val 5 ecr 1000,nop,wscale 8], length 0"},
             {"tcp_data",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 2:20, ack "
              "101, win 502, options [nop,nop,TS val 1001 ecr 5], length 18"},
             {"tcp_sack",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], seq 20, ack 101, "
              "win 502, options [nop,nop,TS val 1002 ecr 6,nop,nop,sack 1549:2997 4445:5893], length 0"},
             {"tcp_rst",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.80 > 10.0.0.2.40000: Flags [R], seq 101, win 0, "
              "length 0"},
             {"tcp_accecn_syn",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.40001 > 10.0.0.2.80: Flags [SEWe], seq 7, win "
              "64240, options [mss 1460,accecn0 1 0 1,nop], length 0"},
             {"tcp_fast_open",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.40002 > 10.0.0.2.80: Flags [S], seq 9, win "
              "64240, options [mss 1460,tfo cookie 0001020304050607,nop,nop], length 0"},
             {"udp4", "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 5"},
             {"udp4_vlan", "02:00:00:00:00:01 > 02:00:00:00:00:02, vlan 100, p 3, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 21"},
             {"udp4_qinq",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, svlan 5, vlan 100, DEI, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, "
              "length 19"},
             {"udp4_snap", "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 15"},
             {"stp", "02:00:00:00:00:01 > 01:80:c2:00:00:00, LLC, length 38"},
             {"icmp_echo",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, "
              "length 40"},
             {"icmp_frag_needed",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.254 > 10.0.0.1: ICMP unreachable fragmentation "
              "needed mtu 1400 for 10.0.0.1.40000 > 10.0.0.2.80 proto 6, length 36"},
             {"icmp_timestamp",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1 > 10.0.0.2: ICMP timestamp request, id 9, seq 2, "
              "length 20"},
             {"igmp3_report",
              "02:00:00:00:00:01 > 01:00:5e:00:00:16, IP 10.0.0.1 > 224.0.0.22: IGMP v3 report, 1 records (ip "
              "options 4)"},
             {"igmp2_query",
              "02:00:00:00:00:01 > 01:00:5e:00:00:01, IP 10.0.0.1 > 224.0.0.1: IGMP query v2 0.0.0.0, max 10000ms "
              "(ip options 4)"},
             {"ip4_options", "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 6 (ip options 24)"},
             {"ip4_fragment",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1 > 10.0.0.2: frag (id 77, offset 1480, length 64, "
              "more)"},
             {"tcp6_syn",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP6 fd00::1.40000 > fd00::2.443: Flags [S], seq 1, win "
              "64800, options [mss 1440,sackOK,TS val 1000 ecr 0,nop,wscale 7], length 0"},
             {"neighbor_solicit",
              "02:00:00:00:00:01 > 33:33:ff:00:00:02, IP6 fe80::1 > ff02::1:ff00:2: ICMP6 neighbor solicitation "
              "fe80::2, slla 02:00:00:00:00:01, length 32"},
             {"neighbor_advert",
              "02:00:00:00:00:02 > 02:00:00:00:00:01, IP6 fe80::2 > fe80::1: ICMP6 neighbor advertisement fe80::2, "
              "flags [SO], tlla 02:00:00:00:00:02, length 32"},
             {"router_advert",
              "02:00:00:00:00:02 > 33:33:00:00:00:01, IP6 fe80::2 > ff02::1: ICMP6 router advertisement, hop limit "
              "64, flags [O], lifetime 1800s, slla 02:00:00:00:00:02, mtu 1500, prefix fd00:1::/64, rdnss "
              "fd00::53, dnssl, route 2001:db8:5::/48, length 128"},
             {"router_solicit",
              "02:00:00:00:00:01 > 33:33:00:00:00:02, IP6 fe80::1 > ff02::2: ICMP6 router solicitation, slla "
              "02:00:00:00:00:01, length 16"},
             {"nd_redirect",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP6 fe80::2 > fd00::1: ICMP6 redirect fd00::2 to fe80::9, "
              "redirected header, length 120"},
             {"mld2_report",
              "02:00:00:00:00:01 > 33:33:00:00:00:16, IP6 fe80::1 > ff02::16: ICMP6 multicast listener report v2, "
              "1 records, length 28 (1 extension headers)"},
             {"icmp6_too_big",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP6 fd00::ffff > fd00::1: ICMP6 packet too big, mtu 1280 for "
              "fd00::1.40000 > fd00::2.443 proto 6, length 96"},
             {"ip6_fragment",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP6 fd00::1.7000 > fd00::2.7001: UDP, length 100, frag (id "
              "48879, offset 0, length 64, more)"},
             {"ip6_dest_udp",
              "02:00:00:00:00:01 > 02:00:00:00:00:02, IP6 fd00::1.7000 > fd00::2.7001: UDP, length 14 (1 extension "
              "headers)"}};

TEST(print, each_golden_frame_on_one_line) {
  for (const auto& l : lines) EXPECT_EQ(print_frame(golden(l.frame)), l.line);
  EXPECT_EQ(std::size(lines), std::size(test::golden_frames));
}

TEST(print, what_cannot_be_parsed_is_named) {
  EXPECT_EQ(print_packet({}), "[ip4_truncated]");
  EXPECT_EQ(print_packet(hex("10")), "[ip4_bad_version]");
  EXPECT_EQ(print_packet(hex("45")), "IP [ip4_truncated]");
  EXPECT_EQ(print_packet(hex("60")), "IP6 [ip6_truncated]");
  EXPECT_EQ(print_frame(hex("02")), "[eth_truncated]");
  EXPECT_EQ(print_frame(hex("020000000002 020000000001 0806 0001")), "02:00:00:00:00:01 > 02:00:00:00:00:02, ARP [arp_truncated]");
  EXPECT_EQ(print_frame(hex("020000000002 020000000001 8100 00")), "02:00:00:00:00:01 > 02:00:00:00:00:02, [vlan_truncated]");
  Buffer f = golden("udp4");
  f[24] ^= std::byte{1};
  EXPECT_EQ(print_packet(Bytes(f).subspan(14)), "IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 5 ([ip4_bad_checksum])");
}

TEST(print, tcp_flags_and_options) {
  EXPECT_EQ(to_string(TcpFlags{0}), "none");
  EXPECT_EQ(to_string(TcpFlags{TcpFlags::all}), "FSRP.UEWe");
  EXPECT_EQ(print_tcp_options(hex("1c04 803c 1e03 01 fd04 0102 0303 07 00")), "uto 60min,mptcp 3,exp 0102,wscale 7,eol");
  EXPECT_EQ(print_tcp_options(hex("2202 ae05 000001 4d03 ff 0203 00")), "tfo cookiereq,accecn1 1,unknown-77 ff,unknown-2 00");
  EXPECT_EQ(print_tcp_options(hex("01 0809")), "nop,[bad length of kind 8]");
}

TEST(print, headers_alone) {
  const Buffer f = golden("tcp_data");
  EXPECT_EQ(to_string(*EthernetView::parse(f)), "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x800, length 70");
  EXPECT_EQ(to_string(*Ipv4View::parse(Bytes(f).subspan(14))),
            "10.0.0.1 > 10.0.0.2: proto 6, ttl 64, id 4660, dscp 0 ECT(0), DF, length 70");
  const Buffer six = golden("tcp6_syn");
  EXPECT_EQ(to_string(*Ipv6View::parse(Bytes(six).subspan(14))), "fd00::1 > fd00::2: next 6, hlim 64, flow 0x12345, payload 40");
}

TEST(print, any_bytes_give_one_line) {
  Random r(25);
  for (int i = 0; i < 20'000; ++i) {
    Buffer f = r.below(4) == 0 ? r.bytes(r.below(200)) : golden(test::golden_frames[r.below(std::size(test::golden_frames))].name);
    for (u64 k = r.below(6); k > 0 && !f.empty(); --k) f[r.below(f.size())] = static_cast<std::byte>(r.next());
    if (r.below(4) == 0) f.resize(r.below(f.size() + 1));
    const std::string line = print_frame(f);
    EXPECT_FALSE(line.empty());
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::wire
