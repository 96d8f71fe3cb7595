#include "wire/address.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"

namespace weir {
namespace {

using wire::test::Random;

TEST(mac_address, text_is_six_pairs_of_hex_digits) {
  EXPECT_EQ(MacAddr::parse("02:00:5e:10:00:fF"), (MacAddr{{2, 0, 0x5e, 0x10, 0, 0xff}}));
  EXPECT_EQ(to_string(MacAddr{{2, 0, 0x5e, 0x10, 0, 0xff}}), "02:00:5e:10:00:ff");
  for (const auto* bad : {"", "02:00:00:00:00", "02:00:00:00:00:0", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:001"})
    EXPECT_FALSE(MacAddr::parse(bad)) << bad;
}

TEST(ip4_address, text_is_a_strict_dotted_quad) {
  EXPECT_EQ(Ip4Addr::parse("10.0.0.1"), Ip4Addr{0x0a000001});
  EXPECT_EQ(Ip4Addr::parse("255.255.255.255"), Ip4Addr::broadcast());
  EXPECT_EQ(Ip4Addr::parse("0.0.0.0"), Ip4Addr::any());
  for (const auto* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..3.4", "1.2.3.", ".1.2.3",
                          "0x1.2.3.4", "+1.2.3.4", "1.2.3.-4", "1.2.3.00"})
    EXPECT_FALSE(Ip4Addr::parse(bad)) << bad;
}

TEST(ip6_address, rfc4291_2_2_text_forms) {
  const struct {
    const char* text;
    const char* canonical;
  } good[] = {
      {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"::", "::"},
      {"1::", "1::"},
      {"::1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"},  // RFC 5952 4.2.2: one group is not compressed
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},  // RFC 5952 4.2.3: the first of equals
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},     // the longest
      {"::ffff:129.144.52.38", "::ffff:129.144.52.38"},
      {"::13.1.68.3", "::d01:4403"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"fe80::0001", "fe80::1"},
  };
  for (const auto& g : good) {
    const auto a = Ip6Addr::parse(g.text);
    ASSERT_TRUE(a) << g.text;
    EXPECT_EQ(to_string(*a), g.canonical) << g.text;
  }
  for (const auto* bad : {"",
                          ":",
                          ":::",
                          "1",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "::1::2",
                          "1:::2",
                          ":1:2:3:4:5:6:7:8",
                          "1:2:3:4:5:6:7:8:",
                          "1:2:3:4:5:6:7::8",
                          "12345::",
                          "g::",
                          "fe80::1%eth0",
                          "::1.2.3",
                          "1.2.3.4::",
                          "1:2:3:4:5:6:7:1.2.3.4",
                          "::1.2.3.4:5",
                          " ::1",
                          "::1 ",
                          "::ffff:1.2.3.256"})
    EXPECT_FALSE(Ip6Addr::parse(bad)) << bad;
}

TEST(ip6_address, what_is_printed_parses_to_the_same) {
  Random r(1);
  for (int i = 0; i < 20'000; ++i) {
    Ip6Addr a = r.ip6();
    for (auto& b : a.b)
      if (r.below(3) != 0) b = 0;
    EXPECT_EQ(Ip6Addr::parse(to_string(a)), a) << to_string(a);
    EXPECT_EQ(Ip4Addr::parse(to_string(r.ip4())).has_value(), true);
    const Endpoint e{a, r.any<u16>(), 0};
    EXPECT_EQ(Endpoint::parse(to_string(e)), e) << to_string(e);
  }
}

TEST(ip_address, a_mapped_text_is_the_v4_address) {
  EXPECT_EQ(IpAddr::parse("::ffff:10.0.0.1"), IpAddr{Ip4Addr{0x0a000001}});
  EXPECT_EQ(to_string(*IpAddr::parse("::ffff:a00:1")), "10.0.0.1");
  EXPECT_TRUE(IpAddr::parse("10.0.0.1")->is_v4());
  EXPECT_TRUE(IpAddr::parse("::")->is_v6());
}

TEST(prefix, keeps_host_bits_and_checks_the_length) {
  EXPECT_EQ(to_string(*Prefix::parse("10.0.0.2/24")), "10.0.0.2/24");
  EXPECT_EQ(to_string(Prefix::parse("10.0.0.2/24")->masked()), "10.0.0.0/24");
  EXPECT_EQ(to_string(*Prefix::parse("10.0.0.2")), "10.0.0.2/32");
  EXPECT_EQ(to_string(*Prefix::parse("fd00::5/64")), "fd00::5/64");
  EXPECT_EQ(to_string(Prefix::parse("fdff:ffff::5/9")->masked()), "fd80::/9");
  EXPECT_EQ(to_string(*Prefix::parse("::1")), "::1/128");
  EXPECT_EQ(to_string(*Prefix::parse("::ffff:10.0.0.0/104")), "10.0.0.0/8");
  for (const auto* bad : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "fd00::/129", "fd00::/64/3", "10.0.0/8",
                          "default", "::ffff:10.0.0.0/95", "10.0.0.0/4294967304"})
    EXPECT_FALSE(Prefix::parse(bad)) << bad;
}

TEST(prefix, contains_by_its_length_and_only_its_family) {
  const auto in = [](const char* p, const char* a) { return Prefix::parse(p)->contains(*IpAddr::parse(a)); };
  EXPECT_TRUE(in("10.0.0.7/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(in("10.0.0.1/32", "10.0.0.1"));
  EXPECT_FALSE(in("10.0.0.1/32", "10.0.0.2"));
  EXPECT_TRUE(in("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(in("0.0.0.0/0", "::1"));
  EXPECT_TRUE(in("::/0", "ffff::"));
  EXPECT_FALSE(in("::/0", "10.0.0.1"));
  EXPECT_TRUE(in("fd00::/7", "fc00::1"));
  EXPECT_TRUE(in("fd00::1/128", "fd00::1"));
  EXPECT_FALSE(in("fd00::1/128", "fd00::"));
  EXPECT_FALSE(in("fd00::/65", "fd00:0:0:0:8000::"));
}

TEST(prefix, contains_agrees_with_a_bit_by_bit_comparison) {
  Random r(2);
  for (int i = 0; i < 20'000; ++i) {
    const bool v4 = r.coin();
    const Prefix p{v4 ? IpAddr{r.ip4()} : IpAddr{r.ip6()}, static_cast<u8>(r.below(v4 ? 33 : 129))};
    Ip6Addr a = p.address.v6();
    const auto flipped = static_cast<u8>(r.below(v4 ? 32 : 128) + (v4 ? 96 : 0));
    a.b[flipped / 8] = static_cast<u8>(a.b[flipped / 8] ^ (0x80 >> flipped % 8));
    const unsigned bit = flipped - (v4 ? 96u : 0u);
    EXPECT_EQ(p.contains(a), bit >= p.length) << to_string(p) << ' ' << to_string(a);
  }
}

TEST(prefix, directed_broadcast_is_all_ones_of_the_host_part) {
  const auto broadcast = [](const char* p) { return to_string(Prefix::parse(p)->broadcast4()); };
  EXPECT_EQ(broadcast("10.1.2.3/24"), "10.1.2.255");
  EXPECT_EQ(broadcast("10.1.2.3/32"), "10.1.2.3");
  EXPECT_EQ(broadcast("10.1.2.3/31"), "10.1.2.3");
  EXPECT_EQ(broadcast("10.1.2.3/0"), "255.255.255.255");
}

TEST(endpoint, has_brackets_exactly_around_ipv6) {
  EXPECT_EQ(Endpoint::parse("10.0.0.1:80"), (Endpoint{Ip4Addr{0x0a000001}, 80, 0}));
  EXPECT_EQ(to_string(*Endpoint::parse("[fd00::1]:65535")), "[fd00::1]:65535");
  for (const auto* bad : {"", ":", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:080", "fd00::1:80", "[10.0.0.1]:80",
                          "[fd00::1]", "[fd00::1]80", "[fd00::1:80", "fd00::1]:80", "[]:80", "[:80", "10.0.0.1:-1", "10.0.0.1:80 "})
    EXPECT_FALSE(Endpoint::parse(bad)) << bad;
}

}  // namespace
}  // namespace weir
