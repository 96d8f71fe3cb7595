#include "wire/ipv6.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

// An IPv6 packet with these bytes behind its header.
Buffer packet_of(u8 next_header, std::string_view payload_hex) {
  const Buffer payload = hex(payload_hex);
  Buffer b(Ipv6View::header_len + payload.size());
  emit(Ipv6Fields{.payload_len = static_cast<u16>(payload.size()), .next_header = next_header, .dst = Ip6Addr::loopback()}, b);
  copy_bytes(MutBytes(b).subspan(Ipv6View::header_len), payload);
  return b;
}

Result<Ip6Chain, Ip6Problem> walk(const Buffer& b, const Ip6Limits& limits = {}, Ip6Walk how = Ip6Walk::host) {
  return walk_extensions(*Ipv6View::parse(b), limits, how);
}

const std::string udp_header = "1b58 1b59 0008 0000";

TEST(ipv6, golden_header) {
  const auto f = golden("tcp6_syn");
  const auto v = Ipv6View::parse(Bytes(f).subspan(14));
  ASSERT_TRUE(v);
  const Ipv6Fields expected{0, 0x12345, 40, proto::tcp, 64, *Ip6Addr::parse("fd00::1"), *Ip6Addr::parse("fd00::2")};
  EXPECT_EQ(v->fields(), expected);
  Buffer out(40);
  emit(expected, out);
  EXPECT_TRUE(same_bytes(out, Bytes(f).subspan(14, 40)));
}

TEST(ipv6, parse_of_emit_is_the_same) {
  Random r(8);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Ipv6Fields f{r.any<u8>(), static_cast<u32>(r.below(1u << 20)), static_cast<u16>(r.below(200)), r.any<u8>(), r.any<u8>(), r.ip6(),
                       r.ip6()};
    Buffer out(40u + f.payload_len + r.below(20));
    emit(f, out);
    const auto v = Ipv6View::parse(out);
    ASSERT_TRUE(v);
    EXPECT_EQ(v->fields(), f);
    EXPECT_EQ(v->payload().size(), f.payload_len);
  }
}

TEST(attack_a08, ipv6_lengths_and_versions) {
  Buffer b(100);
  for (usize size = 0; size <= b.size(); ++size)
    for (u32 len = 0; len < 80; ++len)
      for (u32 version = 0; version < 16; ++version) {
        store_u8(b.data(), static_cast<u8>(version << 4));
        store_be16(b.data() + 4, static_cast<u16>(len));
        const auto v = Ipv6View::parse(Bytes(b).first(size));
        const Drop expected = size == 0         ? Drop::ip6_truncated
                              : version != 6    ? Drop::ip6_bad_version
                              : size < 40       ? Drop::ip6_truncated
                              : 40 + len > size ? Drop::ip6_bad_payload_length
                                                : Drop::none;
        ASSERT_EQ(v ? Drop::none : v.error(), expected);
        if (v) {
          ASSERT_EQ(v->payload().size(), len);
        }
      }
}

TEST(ipv6_ext, no_extension_header) {
  const auto c = walk(packet_of(proto::udp, udp_header));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->protocol, proto::udp);
  EXPECT_EQ(c->offset, 40);
  EXPECT_EQ(c->protocol_at, 6);
  EXPECT_EQ(c->headers, 0);
}

TEST(ipv6_ext, every_header_once) {
  const auto b = packet_of(proto::hop_by_hop,
                           "3c00 0502 1234 0100"  // hop-by-hop: router alert 0x1234, PadN
                           "2b00 0104 00000000"   // destination: PadN
                           "2c00 0400 00000000"   // routing type 4, no segments left
                           "3c00 0000 0000beef"   // fragment: atomic
                           "1100 0104 00000000" +
                               udp_header);
  const auto c = walk(b);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->protocol, proto::udp);
  EXPECT_EQ(c->offset, 80);
  EXPECT_EQ(c->protocol_at, 72);
  EXPECT_EQ(c->headers, 5);
  EXPECT_TRUE(c->has_hop_by_hop && c->has_destination && c->has_routing && c->has_fragment && c->has_router_alert);
  EXPECT_EQ(c->router_alert, 0x1234);
  EXPECT_EQ(c->fragment_at, 64);
  EXPECT_EQ(c->fragment_named_at, 56);
  EXPECT_EQ(c->fragment.id, 0xbeefu);
  EXPECT_FALSE(c->needs_reassembly());
  const auto t = find_transport(*Ipv6View::parse(b));
  EXPECT_EQ(t.protocol, c->protocol);
  EXPECT_EQ(t.offset, c->offset);
  EXPECT_EQ(t.headers, c->headers);
}

TEST(ipv6_ext, esp_and_none_end_the_walk) {
  for (const u8 end : {proto::esp, proto::none, u8{253}}) {
    const auto c = walk(packet_of(end, "00000000 00000000"));
    ASSERT_TRUE(c);
    EXPECT_EQ(c->protocol, end);
    EXPECT_EQ(c->offset, 40);
  }
}

TEST(ipv6_ext, authentication_header_ends_the_walk_of_a_host_only) {
  const auto b = packet_of(proto::ah, "1104 0000 00000001 00000001 000102030405060708090a0b" + udp_header);
  EXPECT_EQ(walk(b)->protocol, proto::ah);
  const auto c = walk(b, {}, Ip6Walk::router);
  ASSERT_TRUE(c);
  EXPECT_TRUE(c->has_ah);
  EXPECT_EQ(c->protocol, proto::udp);
  EXPECT_EQ(c->offset, 64);
}

TEST(rfc8200_4_1, hop_by_hop_elsewhere_is_an_unrecognized_next_header) {
  const auto c = walk(packet_of(proto::destination, "0000 0104 00000000 1100 0104 00000000" + udp_header));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->protocol, proto::hop_by_hop);  // nobody handles it: Parameter Problem code 1 at protocol_at
  EXPECT_EQ(c->protocol_at, 40);
}

TEST(rfc8200_4_2, action_bits_of_unknown_options) {
  const struct {
    const char* option;
    Drop drop;
    bool report, even_to_multicast;
  } cases[] = {
      {"1e", Drop::none, false, false},
      {"5e", Drop::ip6_unknown_option, false, false},
      {"9e", Drop::ip6_unknown_option, true, true},
      {"de", Drop::ip6_unknown_option, true, false},
  };
  for (const u8 header : {proto::hop_by_hop, proto::destination})
    for (const auto& c : cases) {
      const auto w = walk(packet_of(header, "1100 0100" + std::string(c.option) + "02 0000" + udp_header));
      EXPECT_EQ(w ? Drop::none : w.error().drop, c.drop) << c.option;
      if (w) continue;
      EXPECT_EQ(w.error().report, c.report);
      EXPECT_EQ(w.error().even_to_multicast, c.even_to_multicast);
      EXPECT_EQ(w.error().code, c.report ? 2 : 0);
      EXPECT_EQ(w.error().pointer, c.report ? 44 : 0);
    }
}

//= rfc8504#5.3 N24
TEST(rfc8504_5_3, unknown_options_may_be_refused_silently) {
  const auto b = packet_of(proto::destination, "1100 1e04 00000000" + udp_header);
  EXPECT_TRUE(walk(b));
  const auto w = walk(b, {.allow_unknown = false});
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().drop, Drop::ip6_unknown_option);
  EXPECT_FALSE(w.error().report);
}

//= rfc8504#5.3 N22, N26, N28
TEST(attack_a24, padding_and_option_counts_are_limited) {
  const auto is_limited = [](const Buffer& b, const Ip6Limits& limits = {}) {
    const auto w = walk(b, limits);
    return !w && w.error().drop == Drop::ip6_extension_limit && !w.error().report;
  };
  // 6 bytes of Pad1 is what alignment needs; 7 and 8 in a row, or in one PadN.
  EXPECT_TRUE(walk(packet_of(proto::destination, "1100 000000000000" + udp_header)));
  EXPECT_TRUE(walk(packet_of(proto::destination, "1101 0000000000 00 00 1e05 0000000000" + udp_header)));
  EXPECT_TRUE(is_limited(packet_of(proto::destination, "1101 0000000000 00 00 00 1e04 00000000" + udp_header)));
  EXPECT_TRUE(is_limited(packet_of(proto::destination, "1101 010c 000000000000000000000000" + udp_header)));
  EXPECT_TRUE(is_limited(packet_of(proto::destination, "1101 0103000000 0102 0000 1e03 000000" + udp_header)));
  EXPECT_FALSE(is_limited(packet_of(proto::destination, "1101 010c 000000000000000000000000" + udp_header), {.max_padding = 14}));
  // Nine options.
  EXPECT_TRUE(walk(packet_of(proto::destination, "1102 1e00 1e00 1e00 1e00 1e00 1e00 1e00 1e06 000000000000" + udp_header)));
  EXPECT_TRUE(is_limited(packet_of(proto::destination, "1102 1e00 1e00 1e00 1e00 1e00 1e00 1e00 1e00 1e04 00000000" + udp_header)));
  // A header longer than the limit.
  const auto b = packet_of(proto::destination, "1102 1e14" + std::string(40, '0') + udp_header);
  EXPECT_TRUE(walk(b));
  EXPECT_TRUE(is_limited(b, {.max_options_len = 16}));
}

TEST(attack_a24, a_jumbo_option_in_a_small_frame_is_an_unknown_option) {
  const auto w = walk(packet_of(proto::hop_by_hop, "1100 c204 00010000" + udp_header));
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().drop, Drop::ip6_unknown_option);
  EXPECT_EQ(w.error().code, 2);
  EXPECT_EQ(w.error().pointer, 42);
}

TEST(attack_a23, a_long_chain_stops_at_the_limit) {
  std::string chain;
  for (int i = 0; i < 179; ++i) chain += "3c00 0104 00000000";
  const auto b = packet_of(proto::destination, chain + "1100 0104 00000000" + udp_header);
  const auto w = walk(b);
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().drop, Drop::ip6_extension_limit);
  EXPECT_FALSE(w.error().report);
  EXPECT_EQ(walk(b, {.max_headers = 255})->protocol, proto::udp);
  EXPECT_EQ(find_transport(*Ipv6View::parse(b)).headers, 8);
}

TEST(attack_a23, lengths_that_reach_beyond_the_packet) {
  for (const u8 header : {proto::hop_by_hop, proto::destination, proto::routing}) {
    const auto w = walk(packet_of(header, "11ff 0104 00000000" + udp_header));
    ASSERT_FALSE(w);
    EXPECT_EQ(w.error().drop, Drop::ip6_bad_extension);
    EXPECT_EQ(w.error().pointer, 41);
    const auto empty = walk(packet_of(header, ""));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().drop, Drop::ip6_bad_extension);
    EXPECT_FALSE(empty.error().report);
  }
  const auto option = walk(packet_of(proto::destination, "1100 1e05 00000000" + udp_header));
  ASSERT_FALSE(option);
  EXPECT_EQ(option.error().pointer, 43);
}

TEST(attack_a23, a_raised_limit_does_not_wrap_the_offset) {
  Buffer b(65'535 + 40);
  emit(Ipv6Fields{.payload_len = 65'535, .next_header = proto::routing}, b);
  for (usize at = 40; at + 2048 <= b.size(); at += 2048) {
    store_u8(b.data() + at, proto::routing);
    store_u8(b.data() + at + 1, 255);
  }
  store_u8(b.data() + 63'528, proto::routing);
  store_u8(b.data() + 63'529, 254);  // ends at 65,568
  const auto w = walk(b, {.max_headers = 255});
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().drop, Drop::ip6_extension_limit);
  EXPECT_LE(find_transport(*Ipv6View::parse(b), 255).offset, b.size());
}

//= rfc8504#5.2 N15
TEST(attack_a25, rh0_with_segments_left_is_a_parameter_problem) {
  const std::string rh0 = "1102 00 01 00000000 fd000000000000000000000000000009";
  const auto w = walk(packet_of(proto::routing, rh0 + udp_header));
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().drop, Drop::ip6_routing_header);
  EXPECT_TRUE(w.error().report);
  EXPECT_EQ(w.error().code, 0);
  EXPECT_EQ(w.error().pointer, 42);  // RFC 8200 4.4: the Routing Type
  std::string done = rh0;
  done.replace(done.find("00 01"), 5, "00 00");
  EXPECT_TRUE(walk(packet_of(proto::routing, done + udp_header)));
}

TEST(attack_a22, a_first_fragment_without_the_whole_chain) {
  const auto is_incomplete = [](const Buffer& b) {
    const auto w = walk(b);
    return !w && w.error().drop == Drop::frag_tiny && w.error().report && w.error().code == 3 && w.error().pointer == 0;
  };
  EXPECT_TRUE(is_incomplete(packet_of(proto::fragment, "0600 0001 0000beef 0000000000000000")));  // 8 bytes of TCP
  EXPECT_TRUE(is_incomplete(packet_of(proto::fragment, "3c00 0001 0000beef")));                   // no header at all
  EXPECT_TRUE(is_incomplete(packet_of(proto::fragment, "3c00 0001 0000beef 1102 0104 00000000")));  // cut in the options
  const auto whole = walk(packet_of(proto::fragment, "1100 0001 0000beef" + udp_header));
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->needs_reassembly());
  EXPECT_EQ(whole->offset, 48);
  EXPECT_EQ(whole->protocol, proto::udp);
}

TEST(ipv6_ext, a_later_fragment_has_data_and_no_headers) {
  const auto c = walk(packet_of(proto::fragment, "3c00 05a9 0000beef ffffffffffffffff"));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->protocol, proto::destination);
  EXPECT_EQ(c->offset, 48);
  EXPECT_EQ(c->fragment.offset, 0x5a8);
  EXPECT_TRUE(c->fragment.more);
  EXPECT_TRUE(c->needs_reassembly());
}

TEST(ipv6_ext, options_behind_a_fragment_header_wait_for_reassembly) {
  EXPECT_TRUE(walk(packet_of(proto::fragment, "3c00 0001 0000beef 1100 de04 00000000" + udp_header)));
  EXPECT_FALSE(walk(packet_of(proto::fragment, "3c00 0000 0000beef 1100 de04 00000000" + udp_header)));  // atomic
}

TEST(ipv6_ext, a_router_acts_upon_hop_by_hop_options_only) {
  const auto b = packet_of(proto::destination, "1100 de04 00000000" + udp_header);
  EXPECT_FALSE(walk(b));
  EXPECT_EQ(walk(b, {}, Ip6Walk::router)->protocol, proto::udp);
  EXPECT_FALSE(walk(packet_of(proto::hop_by_hop, "1100 de04 00000000" + udp_header), {}, Ip6Walk::router));
  EXPECT_TRUE(walk(packet_of(proto::destination, "11ff 0104 00000000"), {}, Ip6Walk::router));
}

TEST(ipv6_ext, fragment_header_parse_of_emit_is_the_same) {
  Random r(9);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Ip6FragmentFields f{r.any<u8>(), static_cast<u16>(r.below(8192) * 8), r.coin(), r.any<u32>()};
    Buffer out(8);
    emit(f, out);
    EXPECT_EQ(Ip6FragmentFields::load(out.data()), f);
  }
}

TEST(ipv6_ext, random_chains_stay_inside_the_packet) {
  Random r(10);
  constexpr u8 kinds[] = {0, 43, 44, 50, 51, 59, 60, 60, 6, 17, 58};
  for (int i = 0; i < test::property_rounds * 5; ++i) {
    Buffer b = r.bytes(40 + r.below(120));
    emit(Ipv6Fields{.payload_len = static_cast<u16>(b.size() - 40), .next_header = kinds[r.below(11)]}, b);
    for (usize at = 40; at + 8 <= b.size(); at += 8)
      if (r.below(4) != 0) {
        store_u8(b.data() + at, kinds[r.below(11)]);
        store_u8(b.data() + at + 1, static_cast<u8>(r.below(3)));
      }
    const auto v = Ipv6View::parse(b);
    ASSERT_TRUE(v);
    for (const auto how : {Ip6Walk::host, Ip6Walk::router}) {
      const auto c = walk_extensions(*v, {}, how);
      if (c) {
        ASSERT_LE(c->offset, b.size());
        ASSERT_LE(c->headers, 8);
        ASSERT_EQ(load_u8(b.data() + c->protocol_at), c->protocol);
      } else {
        ASSERT_LT(c.error().pointer, b.size());
      }
    }
    ASSERT_LE(find_transport(*v).offset, b.size());
  }
}

}  // namespace
}  // namespace weir::wire
