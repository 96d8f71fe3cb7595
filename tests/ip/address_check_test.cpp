#include "ip/address_check.hpp"

#include <gtest/gtest.h>

namespace weir::ip {
namespace {

struct Row {
  const char *src, *dst;
  Drop wire, loopback;
};

TEST(address_check_attack_a10, ipv4_addresses_that_no_packet_may_have) {
  //= rfc1122#3.2.1.3 I14, I15, I128
  constexpr Drop ok = Drop::none, src = Drop::ip4_bad_source, dst = Drop::ip4_bad_destination;
  const Row rows[] = {{"10.0.0.1", "10.0.0.2", ok, ok},
                      {"0.0.0.0", "255.255.255.255", ok, ok},
                      {"0.0.0.0", "10.0.0.2", src, src},
                      {"0.0.0.1", "255.255.255.255", src, src},
                      {"0.255.255.255", "10.0.0.2", src, src},
                      {"127.0.0.1", "10.0.0.2", src, ok},
                      {"10.0.0.1", "127.0.0.1", dst, ok},
                      {"127.0.0.1", "127.0.0.1", src, ok},
                      {"224.0.0.1", "10.0.0.2", src, src},
                      {"239.255.255.255", "10.0.0.2", src, src},
                      {"240.0.0.1", "10.0.0.2", src, src},
                      {"255.255.255.255", "10.0.0.2", src, src},
                      {"10.0.0.1", "240.0.0.1", dst, dst},
                      {"10.0.0.1", "0.0.0.1", dst, dst},
                      {"10.0.0.1", "0.0.0.0", ok, ok},  // the old form of the limited broadcast address
                      {"10.0.0.1", "255.255.255.255", ok, ok},
                      {"10.0.0.1", "224.0.0.1", ok, ok},
                      {"10.0.0.1", "10.0.0.1", Drop::ip4_land, ok},
                      {"169.254.1.1", "169.254.1.2", ok, ok}};
  for (const Row& r : rows) {
    const Ip4Addr s = *Ip4Addr::parse(r.src), d = *Ip4Addr::parse(r.dst);
    EXPECT_EQ(check_received4(s, d, false), r.wire) << r.src << " > " << r.dst;
    EXPECT_EQ(check_received4(s, d, true), r.loopback) << r.src << " > " << r.dst;
  }
}

TEST(address_check_attack_a33, ipv6_addresses_that_no_packet_may_have) {
  constexpr Drop ok = Drop::none, src = Drop::ip6_bad_source, dst = Drop::ip6_bad_destination;
  const Row rows[] = {{"fd00::1", "fd00::2", ok, ok},
                      {"::", "ff02::1:ff00:1", ok, ok},
                      {"::ffff:10.0.0.1", "fd00::2", src, src},
                      {"fd00::1", "::ffff:10.0.0.1", dst, dst},
                      {"ff02::1", "fd00::2", src, src},
                      {"::1", "fd00::2", src, ok},
                      {"fd00::1", "::1", dst, ok},
                      {"::1", "::1", src, ok},
                      {"fd00::1", "::", dst, dst},
                      {"fd00::1", "ff00::1", dst, dst},
                      {"fd00::1", "ff01::1", dst, ok},
                      {"fd00::1", "ff02::1", ok, ok},
                      {"fd00::1", "fd00::1", Drop::ip6_land, ok}};
  for (const Row& r : rows) {
    const Ip6Addr s = *Ip6Addr::parse(r.src), d = *Ip6Addr::parse(r.dst);
    EXPECT_EQ(check_received6(s, d, false), r.wire) << r.src << " > " << r.dst;
    EXPECT_EQ(check_received6(s, d, true), r.loopback) << r.src << " > " << r.dst;
  }
}

TEST(address_check, link_local_and_special_addresses_are_not_forwarded) {
  const Ip4Addr a = *Ip4Addr::parse("10.0.0.1"), b = *Ip4Addr::parse("10.1.0.1");
  EXPECT_EQ(check_forwarded4(a, b), Drop::none);
  for (const char* bad : {"169.254.1.1", "127.0.0.1", "0.0.0.0"}) {
    EXPECT_EQ(check_forwarded4(*Ip4Addr::parse(bad), b), Drop::ip_forward_off_link);
    EXPECT_EQ(check_forwarded4(a, *Ip4Addr::parse(bad)), Drop::ip_forward_off_link);
  }
  EXPECT_EQ(check_forwarded4(a, Ip4Addr::broadcast()), Drop::ip_forward_off_link);
  const Ip6Addr c = *Ip6Addr::parse("fd00::1"), d = *Ip6Addr::parse("fd01::1");
  EXPECT_EQ(check_forwarded6(c, d), Drop::none);
  EXPECT_EQ(check_forwarded6(Ip6Addr::any(), d), Drop::ip_forward_off_link);
  EXPECT_EQ(check_forwarded6(*Ip6Addr::parse("fe80::1"), d), Drop::ip_forward_off_link);
  EXPECT_EQ(check_forwarded6(c, *Ip6Addr::parse("fe80::1")), Drop::ip_forward_off_link);
}

TEST(address_check_attack_a34, errors_go_to_single_hosts_only) {
  //= rfc1122#3.2.2 I37
  for (const char* bad : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1"})
    EXPECT_FALSE(is_single_host(*IpAddr::parse(bad))) << bad;
  for (const char* good : {"10.0.0.1", "127.0.0.1", "fe80::1", "::1"}) EXPECT_TRUE(is_single_host(*IpAddr::parse(good)));
}

}  // namespace
}  // namespace weir::ip
