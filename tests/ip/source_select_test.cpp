#include "ip/source_select.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::ip {
namespace {

SourceCandidate at(const char* prefix, IfIndex interface = 1) { return {.prefix = *Prefix::parse(prefix), .interface = interface}; }
SourceCandidate deprecated(SourceCandidate c) { return c.deprecated = true, c; }
SourceCandidate temporary(SourceCandidate c) { return c.temporary = true, c; }
SourceCandidate home(SourceCandidate c) { return c.home = true, c; }
SourceCandidate unusable(SourceCandidate c) { return c.unusable = true, c; }

std::string chosen6(const char* dst, std::vector<SourceCandidate> c, IfIndex oif = 1, SourcePreference p = {}) {
  const SourceCandidate* forward = select_source6(Ip6Addr::parse(dst).value(), oif, c, p);
  const std::string first = forward == nullptr ? "none" : to_string(forward->prefix.address);
  std::reverse(c.begin(), c.end());  // the order in which they are listed must not matter where a rule decides
  const SourceCandidate* backward = select_source6(Ip6Addr::parse(dst).value(), oif, c, p);
  EXPECT_EQ(first, backward == nullptr ? "none" : to_string(backward->prefix.address));
  return first;
}

// RFC 6724 10.1.
TEST(source_select_rfc6724, the_examples_of_section_10_1) {
  EXPECT_EQ(chosen6("2001:db8:1::1", {at("2001:db8:3::1/64"), at("fe80::1/64")}), "2001:db8:3::1");
  EXPECT_EQ(chosen6("ff05::1", {at("2001:db8:3::1/64"), at("fe80::1/64")}), "2001:db8:3::1");
  EXPECT_EQ(chosen6("2001:db8:1::1", {deprecated(at("2001:db8:1::1/64")), at("2001:db8:2::1/64")}), "2001:db8:1::1");
  EXPECT_EQ(chosen6("fe80::1", {deprecated(at("fe80::2/64")), at("2001:db8:1::1/64")}), "fe80::2");
  EXPECT_EQ(chosen6("2001:db8:1::1", {at("2001:db8:1::2/64"), at("2001:db8:3::2/64")}), "2001:db8:1::2");
  EXPECT_EQ(chosen6("2001:db8:1::1", {home(at("2001:db8:3::2/64")), at("2001:db8:1::2/64")}), "2001:db8:3::2");
  EXPECT_EQ(chosen6("2002:c633:6401::1", {at("2002:c633:6401::d5e3:7953:13eb:22e8/64"), at("2001:db8:1::2/64")}),
            "2002:c633:6401:0:d5e3:7953:13eb:22e8");
  EXPECT_EQ(chosen6("2001:db8:1::d5e3:0:0:1", {at("2001:db8:1::2/64"), temporary(at("2001:db8:1::d5e3:7953:13eb:22e8/64"))}),
            "2001:db8:1:0:d5e3:7953:13eb:22e8");
}

TEST(source_select_rfc6724, each_rule_by_itself) {
  EXPECT_EQ(chosen6("fd00::5", {at("fd00::5/64"), temporary(at("fd00::6/64"))}), "fd00::5");                    // 1
  EXPECT_EQ(chosen6("fe80::9", {at("fe80::1/64"), at("2001:db8::1/64")}), "fe80::1");                           // 2
  EXPECT_EQ(chosen6("2001:db8::9", {at("2001:db8::1/64"), deprecated(at("2001:db8::2/64"))}), "2001:db8::1");  // 3
  EXPECT_EQ(chosen6("2001:db8::9", {at("2001:db8:9::1/64", 1), at("2001:db8::1/64", 2)}, 1), "2001:db8:9::1"); // 5
  EXPECT_EQ(chosen6("fd00:1::9", {at("fd00:2::1/64"), at("2001:db8::1/64")}), "fd00:2::1");                     // 6
  EXPECT_EQ(chosen6("2001:db8::9", {at("2001:db8::1/64"), temporary(at("2001:db8::2/64"))}, 1, {.prefer_temporary = false}),
            "2001:db8::1");                                                                                     // 7
  EXPECT_EQ(chosen6("2001:db8:1:ffff::9", {at("2001:db8:1::1/64"), at("2001:db8:2::1/64")}), "2001:db8:1::1");  // 8
}

TEST(source_select_rfc6724, what_can_never_be_used) {
  EXPECT_EQ(chosen6("2001:db8::9", {unusable(at("2001:db8::1/64"))}), "none");
  EXPECT_EQ(chosen6("2001:db8::9", {}), "none");
  EXPECT_EQ(chosen6("2001:db8::9", {at("::1/128")}), "none");
  EXPECT_EQ(chosen6("::1", {at("::1/128")}), "::1");
  EXPECT_EQ(chosen6("fe80::9", {at("fe80::1/64", 2)}, 1), "none") << "a link-local address of another link";
  EXPECT_EQ(chosen6("ff02::1", {at("fe80::1/64", 2), at("fe80::2/64", 1)}, 1), "fe80::2");
  EXPECT_EQ(chosen6("2001:db8::9", {at("10.0.0.1/8")}), "none");
}

TEST(source_select_rfc6724, the_policy_table) {
  const struct {
    const char* addr;
    int precedence, label;
  } rows[] = {{"::1", 50, 0},     {"2001:db8::1", 40, 1}, {"10.0.0.1", 35, 4}, {"2002::1", 30, 2}, {"2001:0:1::", 5, 5},
              {"fd00::1", 3, 13}, {"::2", 1, 3},          {"fec0::1", 1, 11},  {"3ffe::1", 1, 12}, {"fe80::1", 40, 1}};
  for (const auto& r : rows) {
    EXPECT_EQ(address_policy(*IpAddr::parse(r.addr)).precedence, r.precedence) << r.addr;
    EXPECT_EQ(address_policy(*IpAddr::parse(r.addr)).label, r.label) << r.addr;
  }
}

TEST(source_select_rfc6724, scopes) {
  for (const auto& [addr, scope] : {std::pair{"fe80::1", 2},
                                    {"::1", 2},
                                    {"fec0::1", 5},
                                    {"fd00::1", 14},
                                    {"2001::1", 14},
                                    {"ff02::1", 2},
                                    {"ff0e::1", 14},
                                    {"ff05::2", 5}})
    EXPECT_EQ(address_scope(*Ip6Addr::parse(addr)), scope) << addr;
}

std::string chosen4(const char* dst, const char* next_hop, std::vector<SourceCandidate> c, IfIndex oif = 1) {
  const SourceCandidate* s = select_source4(*Ip4Addr::parse(dst), *Ip4Addr::parse(next_hop), oif, c);
  return s == nullptr ? "none" : to_string(s->prefix.address);
}

// RFC 1122 3.3.4.3.
TEST(source_select, ipv4_prefers_the_subnet_of_the_next_hop_and_the_scope_of_the_destination) {
  //= rfc1122#3.2.1.3 I13
  const std::vector<SourceCandidate> both{at("10.0.0.1/24"), at("192.168.0.1/24")};
  EXPECT_EQ(chosen4("10.0.0.9", "10.0.0.9", both), "10.0.0.1");
  EXPECT_EQ(chosen4("192.168.0.9", "192.168.0.9", both), "192.168.0.1");
  EXPECT_EQ(chosen4("8.8.8.8", "192.168.0.254", both), "192.168.0.1");
  EXPECT_EQ(chosen4("8.8.8.8", "1.1.1.1", both), "10.0.0.1") << "the first of the interface";
  EXPECT_EQ(chosen4("8.8.8.8", "10.0.0.254", {at("10.0.0.1/24", 2), at("192.168.0.1/24", 1)}, 1), "192.168.0.1");
  EXPECT_EQ(chosen4("8.8.8.8", "8.8.8.8", {at("10.0.0.1/32", 2)}, 1), "10.0.0.1") << "unnumbered: another interface's";
  EXPECT_EQ(chosen4("169.254.9.9", "169.254.9.9", {at("10.0.0.1/24"), at("169.254.1.1/16")}), "169.254.1.1");
  EXPECT_EQ(chosen4("8.8.8.8", "10.0.0.254", {at("169.254.1.1/16"), at("10.0.0.1/24")}), "10.0.0.1");
  EXPECT_EQ(chosen4("10.0.0.1", "10.0.0.1", {at("127.0.0.1/8", 9), at("10.0.0.1/24")}, 9), "10.0.0.1") << "to oneself";
  EXPECT_EQ(chosen4("127.0.0.5", "127.0.0.5", {at("127.0.0.1/8", 9), at("10.0.0.1/24")}, 9), "127.0.0.1");
  EXPECT_EQ(chosen4("8.8.8.8", "8.8.8.8", {at("127.0.0.1/8", 9)}, 1), "none");
  EXPECT_EQ(chosen4("8.8.8.8", "8.8.8.8", {unusable(at("10.0.0.1/24"))}), "none");
  SourceCandidate second = at("10.0.0.2/24");
  second.secondary = true;
  EXPECT_EQ(chosen4("10.0.0.9", "10.0.0.9", {second, at("10.0.0.1/24")}), "10.0.0.1");
}

}  // namespace
}  // namespace weir::ip
