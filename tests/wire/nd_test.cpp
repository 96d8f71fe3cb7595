#include "wire/nd.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;
using test::to_hex;

// The ICMPv6 message of a golden frame.
Buffer message(std::string_view name) {
  const Buffer f = golden(name);
  const auto v = Ipv6View::parse(Bytes(f).subspan(14));
  const Bytes m = v->packet().subspan(walk_extensions(*v)->offset);
  EXPECT_TRUE(Icmp6View::parse(m)->checksum_ok(v->src(), v->dst()));
  return {m.begin(), m.end()};
}

Icmp6View view(const Buffer& b) { return *Icmp6View::parse(b); }
Bytes without_checksum(Buffer& b) {
  store_be16(b.data() + 2, 0);
  return b;
}

const MacAddr mac1{{2, 0, 0, 0, 0, 1}};
const MacAddr mac2{{2, 0, 0, 0, 0, 2}};

TEST(nd, golden_neighbor_solicitation) {
  Buffer b = message("neighbor_solicit");
  const auto m = NeighborSolicit::parse(view(b));
  ASSERT_TRUE(m);
  EXPECT_EQ(to_string(m->target), "fe80::2");
  EXPECT_EQ(m->options.link_address(nd_option::source_link), mac1);
  EXPECT_EQ(m->options.link_address(nd_option::target_link), std::nullopt);
  Buffer out(b.size());
  const usize n = emit(*m, out);
  EXPECT_EQ(n + emit_link_address(nd_option::source_link, mac1, MutBytes(out).subspan(n)), b.size());
  EXPECT_TRUE(same_bytes(out, without_checksum(b)));
}

TEST(nd, golden_neighbor_advertisement) {
  Buffer b = message("neighbor_advert");
  const auto m = NeighborAdvert::parse(view(b));
  ASSERT_TRUE(m);
  EXPECT_FALSE(m->router);
  EXPECT_TRUE(m->solicited && m->override_);
  EXPECT_EQ(m->options.link_address(nd_option::target_link), mac2);
  Buffer out(b.size());
  const usize n = emit(*m, out);
  emit_link_address(nd_option::target_link, mac2, MutBytes(out).subspan(n));
  EXPECT_TRUE(same_bytes(out, without_checksum(b)));
}

TEST(nd, golden_router_advertisement) {
  Buffer b = message("router_advert");
  const auto m = RouterAdvert::parse(view(b));
  ASSERT_TRUE(m);
  EXPECT_EQ(m->hop_limit, 64);
  EXPECT_FALSE(m->managed);
  EXPECT_TRUE(m->other);
  EXPECT_EQ(m->preference, 1);
  EXPECT_EQ(m->lifetime_s, 1800);
  EXPECT_EQ(m->options.mtu(), 1500u);
  EXPECT_EQ(m->options.link_address(nd_option::source_link), mac2);
  const auto prefix = NdPrefixInfo::parse(*m->options.find(nd_option::prefix_info));
  const NdPrefixInfo expected{64, true, true, 86400, 14400, *Ip6Addr::parse("fd00:1::")};
  EXPECT_EQ(prefix, expected);
  const auto dns = NdDnsServers::parse(*m->options.find(nd_option::rdnss));
  ASSERT_TRUE(dns);
  ASSERT_EQ(dns->count(), 1u);
  EXPECT_EQ(to_string((*dns)[0]), "fd00::53");
  EXPECT_EQ(dns->lifetime_s, 600u);
  const auto route = NdRouteInfo::parse(*m->options.find(nd_option::route_info));
  EXPECT_EQ(route, (NdRouteInfo{48, 1, 900, *Ip6Addr::parse("2001:db8:5::")}));
  auto search = NdSearchList::parse(*m->options.find(nd_option::dnssl));
  ASSERT_TRUE(search);
  char name[255];
  const auto len = NdSearchList::next(search->domains, name);
  ASSERT_TRUE(len);
  EXPECT_EQ(std::string(name, *len), "weir.example");
  EXPECT_FALSE(NdSearchList::next(search->domains, name));
  Buffer out(16 + 32);
  usize n = emit(*m, out);
  EXPECT_TRUE(same_bytes(Bytes(out).first(n), without_checksum(b).first(16)));
  n = emit(*prefix, out);
  EXPECT_TRUE(same_bytes(Bytes(out).first(n), m->options.find(nd_option::prefix_info)->whole));
  n = emit(*route, out);
  EXPECT_TRUE(same_bytes(Bytes(out).first(n), m->options.find(nd_option::route_info)->whole));
  n = emit_mtu(1500, out);
  EXPECT_TRUE(same_bytes(Bytes(out).first(n), m->options.find(nd_option::mtu)->whole));
  const Ip6Addr server = (*dns)[0];
  n = emit_dns_servers(600, {&server, 1}, out);
  EXPECT_TRUE(same_bytes(Bytes(out).first(n), m->options.find(nd_option::rdnss)->whole));
}

TEST(nd, golden_redirect_and_solicitation) {
  Buffer b = message("nd_redirect");
  const auto m = NdRedirect::parse(view(b));
  ASSERT_TRUE(m);
  EXPECT_EQ(to_string(m->target), "fe80::9");
  EXPECT_EQ(to_string(m->destination), "fd00::2");
  const auto packet = m->options.redirected_packet();
  ASSERT_TRUE(packet);
  EXPECT_TRUE(Ipv6View::parse(*packet));
  Buffer out(b.size());
  const usize n = emit(*m, out);
  EXPECT_EQ(n + emit_redirected(*packet, MutBytes(out).subspan(n)), b.size());
  EXPECT_TRUE(same_bytes(out, without_checksum(b)));
  EXPECT_TRUE(RouterSolicit::parse(view(message("router_solicit"))));
}

TEST(nd, emit_redirected_fits_its_room) {
  const Buffer packet(1500, std::byte{7});
  for (usize room = 8; room < 100; ++room) {
    Buffer out(room);
    const usize n = emit_redirected(packet, out);
    EXPECT_EQ(n, room & ~usize{7});
    EXPECT_EQ(NdOptions::parse(Bytes(out).first(n))->redirected_packet()->size(), n - 8);
  }
  Buffer huge(5000);
  EXPECT_EQ(emit_redirected(Buffer(4000), huge), 255u * 8);
}

TEST(rfc4861_6_1, a_bad_code_or_length_is_dropped) {
  for (const auto* name : {"router_solicit", "router_advert", "neighbor_solicit", "neighbor_advert", "nd_redirect"}) {
    const Buffer good = message(name);
    const auto parse = [](const Buffer& b) -> Drop {
      const auto v = view(b);
      const auto drop = [](const auto& r) { return r ? Drop::none : r.error(); };
      switch (v.type()) {
        case icmp6::router_solicit: return drop(RouterSolicit::parse(v));
        case icmp6::router_advert: return drop(RouterAdvert::parse(v));
        case icmp6::neighbor_solicit: return drop(NeighborSolicit::parse(v));
        case icmp6::neighbor_advert: return drop(NeighborAdvert::parse(v));
        default: return drop(NdRedirect::parse(v));
      }
    };
    EXPECT_EQ(parse(good), Drop::none) << name;
    Buffer code = good;
    code[1] = std::byte{1};
    EXPECT_EQ(parse(code), Drop::nd_bad_code);
    const usize fixed = Icmp6View::parse(good)->type() == icmp6::router_solicit  ? 8u
                        : Icmp6View::parse(good)->type() == icmp6::router_advert ? 16u
                        : Icmp6View::parse(good)->type() == icmp6::redirect      ? 40u
                                                                                 : 24u;
    for (usize n = 8; n < fixed; ++n) EXPECT_EQ(parse({good.begin(), good.begin() + static_cast<long>(n)}), Drop::icmp_truncated) << n;
    for (usize n = fixed; n < good.size(); ++n) {
      const Drop d = parse({good.begin(), good.begin() + static_cast<long>(n)});
      EXPECT_TRUE(d == Drop::nd_bad_option || (d == Drop::none && (n - fixed) % 8 == 0)) << n;
    }
    Buffer zero = good;
    if (zero.size() > fixed) zero[fixed + 1] = std::byte{0};
    if (zero.size() > fixed) {
      EXPECT_EQ(parse(zero), Drop::nd_bad_option);
    }
  }
}

TEST(rfc4861_7_1, a_multicast_target_is_dropped) {
  Buffer ns = message("neighbor_solicit"), na = message("neighbor_advert");
  ns[8] = na[8] = std::byte{0xff};
  EXPECT_EQ(NeighborSolicit::parse(view(ns)).error(), Drop::nd_bad_target);
  EXPECT_EQ(NeighborAdvert::parse(view(na)).error(), Drop::nd_bad_target);
}

TEST(rfc4861_8_1, a_redirect_leads_to_a_link_local_router_or_to_the_destination) {
  Buffer b = message("nd_redirect");
  b[8] = std::byte{0x20};
  EXPECT_EQ(NdRedirect::parse(view(b)).error(), Drop::icmp_bad_redirect);
  copy_bytes(MutBytes(b).subspan(8, 16), Bytes(b).subspan(24, 16));
  EXPECT_TRUE(NdRedirect::parse(view(b)));
  b[8] = b[24] = std::byte{0xff};
  EXPECT_EQ(NdRedirect::parse(view(b)).error(), Drop::icmp_bad_redirect);
}

// CVE-2020-16898: an RDNSS option of even length.
TEST(attack_a29, rdnss_of_even_length_is_ignored) {
  for (u8 units = 1; units < 10; ++units) {
    Buffer b(units * 8u);
    store_u8(b.data(), nd_option::rdnss);
    store_u8(b.data() + 1, units);
    const auto o = NdOptions::parse(b);
    ASSERT_TRUE(o);
    const auto d = NdDnsServers::parse(*o->begin());
    EXPECT_EQ(d.has_value(), units >= 3 && units % 2 == 1);
    if (d) {
      EXPECT_EQ(d->count(), (units - 1u) / 2);
    }
  }
}

TEST(nd_options, route_information_in_one_to_three_units) {
  const auto parse = [](std::string_view text) {
    const Buffer b = hex(text);
    return NdRouteInfo::parse(*NdOptions::parse(b)->begin());
  };
  EXPECT_EQ(parse("1801 00 00 00000001"), (NdRouteInfo{0, 0, 1, {}}));
  EXPECT_FALSE(parse("1801 08 00 00000001"));
  EXPECT_FALSE(parse("1802 41 00 00000001 fd00000000000000"));
  EXPECT_FALSE(parse("1802 40 10 00000001 fd00000000000000"));  // the reserved preference
  EXPECT_EQ(parse("1802 40 18 00000001 fd00000000000000")->preference, -1);
  EXPECT_FALSE(parse("1803 81 00 00000001 fd000000000000000000000000000000"));
}

TEST(nd_options, lengths_other_than_their_type_has_are_no_option) {
  const Buffer b = hex("0102 020000000001 0000000000000000 0502 0000 000005dc 0000000000000000 0303" + std::string(44, '0'));
  const auto o = NdOptions::parse(b);
  ASSERT_TRUE(o);
  EXPECT_FALSE(o->link_address(nd_option::source_link));
  EXPECT_FALSE(o->mtu());
  EXPECT_FALSE(NdPrefixInfo::parse(*o->find(nd_option::prefix_info)));
  EXPECT_FALSE(o->find(nd_option::nonce));
  Buffer nonce(8);
  emit_nonce(hex("010203040506"), nonce);
  EXPECT_EQ(to_hex(*NdOptions::parse(nonce)->nonce()), "010203040506");
}

TEST(nd_options, malformed_search_lists_end) {
  char name[255];
  for (const auto* text : {"40 61", "05 6162", "c0 0c", "01 61", ""}) {
    const Buffer b = hex(text);
    Bytes rest = b;
    EXPECT_FALSE(NdSearchList::next(rest, name)) << text;
    EXPECT_TRUE(rest.empty());
  }
  char small[2];
  const Buffer b = hex("03 616263 00");
  Bytes rest = b;
  EXPECT_FALSE(NdSearchList::next(rest, small));
}

TEST(nd_options, parse_of_emit_is_the_same) {
  Random r(19);
  for (int i = 0; i < test::property_rounds; ++i) {
    Buffer out(40);
    const NdPrefixInfo p{static_cast<u8>(r.below(129)), r.coin(), r.coin(), r.any<u32>(), r.any<u32>(), r.ip6()};
    usize n = emit(p, out);
    EXPECT_EQ(NdPrefixInfo::parse(*NdOptions::parse(Bytes(out).first(n))->begin()), p);
    NdRouteInfo route{static_cast<u8>(r.below(129)), static_cast<i8>(static_cast<int>(r.below(3)) - 1), r.any<u32>(), r.ip6()};
    route.prefix = Prefix{route.prefix, route.length}.masked().address.v6();
    n = emit(route, out);
    EXPECT_EQ(NdRouteInfo::parse(*NdOptions::parse(Bytes(out).first(n))->begin()), route);
  }
}

TEST(nd, parse_of_emit_is_the_same) {
  Random r(20);
  for (int i = 0; i < test::property_rounds; ++i) {
    Buffer out(16);
    RouterAdvert a{
        r.any<u8>(),  r.coin(),     r.coin(), static_cast<i8>(static_cast<int>(r.below(3)) - 1), static_cast<u16>(1 + r.below(9000)),
        r.any<u32>(), r.any<u32>(), {}};
    emit(a, out);
    const auto b = RouterAdvert::parse(view(out));
    ASSERT_TRUE(b);
    EXPECT_EQ(std::tie(a.hop_limit, a.managed, a.other, a.preference, a.lifetime_s, a.reachable_ms, a.retrans_ms),
              std::tie(b->hop_limit, b->managed, b->other, b->preference, b->lifetime_s, b->reachable_ms, b->retrans_ms));
  }
  Buffer out(16);
  emit(RouterAdvert{.preference = 1, .lifetime_s = 0}, out);
  EXPECT_EQ(RouterAdvert::parse(view(out))->preference, 0);  // RFC 4191 2.2
}

}  // namespace
}  // namespace weir::wire
