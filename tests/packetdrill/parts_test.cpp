// Flags, settings of the system, and the look at packets that leave.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "packetdrill/flags.hpp"
#include "packetdrill/outbound.hpp"
#include "packetdrill/settings.hpp"
#include "tests/graph/frames.hpp"

namespace weir::packetdrill {
namespace {

using test::as_bytes;

TEST(packetdrill_flags, are_read_and_have_defaults) {
  const auto none = parse_flags("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->virtual_time && none->settings && none->local.empty());
  EXPECT_EQ(none->mtu, 1'500);
  const auto all = parse_flags("local=10.0.0.1/8,local=fd00::1/64,gw=10.0.0.2,mtu=9000,vt=0,profile=rfc");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->local.size(), 2u);
  EXPECT_EQ(all->mtu, 9'000);
  EXPECT_FALSE(all->virtual_time || all->settings);  // Linux's settings are not the RFCs' profile
  for (const char* bad : {"vt=2", "gw=x", "profile=solaris", "mtu", "mtu=99999", "local=1.2.3.4/77"}) EXPECT_FALSE(parse_flags(bad)) << bad;
}

TEST(packetdrill_settings, those_that_weir_has_are_taken_over) {
  const auto dir = std::filesystem::temp_directory_path() / ("weir_settings_" + std::to_string(getpid()));
  std::filesystem::create_directory(dir);
  const auto write = [&](const char* name, const char* text) { std::ofstream(dir / name) << text << "\n"; };
  write("tcp_timestamps", "0");
  write("tcp_syn_retries", "3");
  write("tcp_rmem", "4096\t540000\t15728640");
  write("tcp_rto_max_ms", "30000");
  write("ip_local_port_range", "2000\t2010");
  write("tcp_congestion_control", "vegas");
  Sysctl s;
  const std::string unknown = read_settings(dir.string(), s);
  std::filesystem::remove_all(dir);
  EXPECT_FALSE(s.tcp_timestamps);
  EXPECT_EQ(s.tcp_syn_retries, 3u);
  EXPECT_EQ(s.tcp_rmem, 15'728'640u);
  EXPECT_EQ(s.tcp_rto_max_ms, 30'000u);
  EXPECT_EQ(s.port_first, 2'000);
  EXPECT_EQ(s.port_last, 2'010);
  EXPECT_TRUE(s.tcp_window_scaling);  // not there: as it was
  EXPECT_NE(unknown.find("vegas"), std::string::npos);
}

template <class Addr>
std::string segment(const Addr& src, const Addr& dst) {
  wire::TcpFields f{};
  f.src_port = 1, f.dst_port = 2;
  return test::tcp(src, dst, f, "data");
}

TEST(packetdrill_outbound, each_fault_is_seen) {
  const Ip4Addr a = test::ip4("10.0.0.1"), b = test::ip4("10.0.0.2");
  wire::Ipv4Fields ip{};
  ip.ttl = 64, ip.protocol = 6, ip.src = a, ip.dst = b;
  const std::string good = test::ipv4(ip, segment(a, b));
  EXPECT_EQ(find_fault(as_bytes(good)), nullptr);
  for (usize i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_NE(find_fault(as_bytes(bad)), nullptr) << "byte " << i;
  }
  EXPECT_NE(find_fault(as_bytes(good.substr(0, 30))), nullptr);
  EXPECT_NE(find_fault({}), nullptr);
  ip.protocol = 17;
  std::string udp = test::ipv4(ip, test::udp(a, b, 1, 2, "x"));
  EXPECT_EQ(find_fault(as_bytes(udp)), nullptr);
  udp.back() = 'y';
  EXPECT_STREQ(find_fault(as_bytes(udp)), "a wrong UDP checksum");
  udp[26] = udp[27] = 0;  // RFC 768: none was computed
  EXPECT_EQ(find_fault(as_bytes(udp)), nullptr);
}

TEST(packetdrill_outbound, ipv6_too_and_housekeeping_is_known) {
  const Ip6Addr a = test::ip6("fd00::1"), b = test::ip6("fd00::2");
  wire::Ipv6Fields ip{};
  ip.hop_limit = 64, ip.next_header = 6, ip.src = a, ip.dst = b;
  std::string p = test::ipv6(ip, segment(a, b));
  EXPECT_EQ(find_fault(as_bytes(p)), nullptr);
  EXPECT_FALSE(is_housekeeping(as_bytes(p)));
  p.back() = 'x';
  EXPECT_STREQ(find_fault(as_bytes(p)), "a wrong TCP checksum");
  ip.next_header = 58;
  std::string message(24, 0);
  message[0] = static_cast<char>(135);  // a neighbour solicitation
  EXPECT_TRUE(is_housekeeping(as_bytes(test::ipv6(ip, message))));
  message[0] = 1;  // unreachable
  EXPECT_FALSE(is_housekeeping(as_bytes(test::ipv6(ip, message))));
  wire::Ipv4Fields igmp{};
  igmp.ttl = 1, igmp.protocol = 2, igmp.src = test::ip4("10.0.0.1"), igmp.dst = test::ip4("224.0.0.22");
  EXPECT_TRUE(is_housekeeping(as_bytes(test::ipv4(igmp, std::string(8, 0)))));
}

}  // namespace
}  // namespace weir::packetdrill
