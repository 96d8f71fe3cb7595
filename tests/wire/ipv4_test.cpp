#include "wire/ipv4.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/ipv4_options.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

Bytes l3(const Buffer& frame) { return Bytes(frame).subspan(14); }

TEST(ipv4, golden_header) {
  const auto f = golden("tcp_data");
  const auto v = Ipv4View::parse(l3(f));
  ASSERT_TRUE(v);
  EXPECT_TRUE(v->checksum_ok());
  EXPECT_EQ(v->tos(), 2);
  EXPECT_EQ(v->dscp(), 0);
  EXPECT_EQ(v->ecn(), 2);
  EXPECT_EQ(v->total_length(), 70);
  EXPECT_EQ(v->id(), 0x1234);
  EXPECT_TRUE(v->dont_fragment());
  EXPECT_FALSE(v->is_fragment());
  EXPECT_EQ(v->ttl(), 64);
  EXPECT_EQ(v->protocol(), proto::tcp);
  EXPECT_EQ(to_string(v->src()), "10.0.0.1");
  EXPECT_EQ(to_string(v->dst()), "10.0.0.2");
  EXPECT_TRUE(v->options().empty());
  Buffer out(20);
  EXPECT_EQ(emit(v->fields(), out), 20u);
  EXPECT_TRUE(same_bytes(out, v->header()));  // the checksum too
}

TEST(ipv4, golden_fragment) {
  const auto f = golden("ip4_fragment");
  const auto v = Ipv4View::parse(l3(f));
  ASSERT_TRUE(v);
  EXPECT_TRUE(v->is_fragment());
  EXPECT_TRUE(v->more_fragments());
  EXPECT_EQ(v->fragment_offset(), 1480);
}

TEST(ipv4, parse_of_emit_is_the_same) {
  Random r(5);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Buffer options = r.bytes(r.below(11) * 4);
    const Ipv4Fields f{r.any<u8>(),  static_cast<u16>(r.below(1000)),
                       r.any<u16>(), r.coin(),
                       r.coin(),     static_cast<u16>(r.below(8192) * 8),
                       r.any<u8>(),  r.any<u8>(),
                       r.ip4(),      r.ip4(),
                       options};
    Buffer out(f.header_len() + f.payload_len);
    EXPECT_EQ(emit(f, out), f.header_len());
    const auto v = Ipv4View::parse(out);
    ASSERT_TRUE(v);
    EXPECT_EQ(v->fields(), f);
    EXPECT_TRUE(v->checksum_ok());
    out[r.below(f.header_len())] ^= static_cast<std::byte>(1 << r.below(8));
    const auto broken = Ipv4View::parse(out);
    EXPECT_FALSE(broken && broken->header_len() == f.header_len() && broken->checksum_ok());
  }
}

TEST(ipv4, options_are_padded_with_zeros) {
  const Buffer options = hex("94040000 07");
  const Ipv4Fields f{.options = options};
  Buffer out(60, std::byte{0xaa});
  EXPECT_EQ(emit(f, out), 28u);
  EXPECT_EQ(test::to_hex(Bytes(out).subspan(20, 9)), "9404000007000000aa");
}

TEST(ipv4, the_first_slice_of_a_longer_packet_is_enough) {
  Buffer out(40);
  emit(Ipv4Fields{.payload_len = 3000}, out);
  EXPECT_EQ(Ipv4View::parse(out).error(), Drop::ip4_bad_total_length);
  const auto v = Ipv4View::parse(out, 3020);
  ASSERT_TRUE(v);
  EXPECT_EQ(v->payload().size(), 20u);
  EXPECT_EQ(v->payload_len(), 3000u);
  EXPECT_EQ(Ipv4View::parse(out, 3019).error(), Drop::ip4_bad_total_length);
}

//= rfc1122#3.2.1.1 I10
// Only self-consistent packets pass; trailing bytes are ignored. RFC 1122 3.2.1.1-2.
TEST(attack_a08, every_ihl_with_sampled_total_and_frame_lengths) {
  Random r(6);
  std::vector<u32> totals{0, 1, 19, 20, 21, 59, 60, 61, 1513, 1514, 1515, 65534, 65535};
  for (int i = 0; i < 40; ++i) totals.push_back(static_cast<u32>(r.below(65536)));
  for (u32 n = 0; n <= 80; ++n) totals.push_back(n);
  for (u32 version : {0u, 4u, 5u, 6u, 15u})
    for (u32 ihl = 0; ihl < 16; ++ihl)
      for (usize size = 0; size <= 1514; size += size < 64 ? 1 : 29) {
        Buffer b(size, std::byte{0x5a});
        if (size > 0) b[0] = static_cast<std::byte>(version << 4 | ihl);
        for (const u32 total : totals) {
          if (size >= 4) store_be16(b.data() + 2, static_cast<u16>(total));
          const auto v = Ipv4View::parse(b);
          const usize header = ihl * 4;
          const Drop expected = size < 20                        ? Drop::ip4_truncated
                                : version != 4                   ? Drop::ip4_bad_version
                                : header < 20 || header > size   ? Drop::ip4_bad_header_length
                                : total < header || total > size ? Drop::ip4_bad_total_length
                                                                 : Drop::none;
          ASSERT_EQ(v ? Drop::none : v.error(), expected);
          if (!v) continue;
          ASSERT_EQ(v->header_len(), header);
          ASSERT_EQ(v->packet().size(), total);
          ASSERT_EQ(v->payload().size(), total - header);
          ASSERT_LE(v->payload().data() + v->payload().size(), b.data() + size);
        }
      }
}

TEST(ipv4_options, golden_options) {
  const auto f = golden("ip4_options");
  const auto v = Ipv4View::parse(l3(f));
  ASSERT_TRUE(v);
  EXPECT_TRUE(v->checksum_ok());
  const auto o = parse_ip4_options(v->options());
  ASSERT_TRUE(o);
  EXPECT_EQ(o->record_route, (Ip4OptionAt{0, 7}));
  EXPECT_EQ(o->timestamp, (Ip4OptionAt{7, 8}));
  EXPECT_EQ(o->source_route, (Ip4OptionAt{15, 7}));
  EXPECT_FALSE(o->strict);
  EXPECT_EQ(to_string(Ip4Addr::load(o->source_route.of(v->options()).data() + 3)), "10.9.9.9");
}

TEST(ipv4_options, router_alert_and_security) {
  const auto o = parse_ip4_options(hex("94040000 820b0000000000000000 00 00"));
  ASSERT_TRUE(o);
  EXPECT_TRUE(o->has_router_alert);
  EXPECT_EQ(o->security.len, 11);
}

//= rfc1122#3.2.1.8 I27
TEST(rfc1122_3_2_1_8, unknown_options_are_ignored) {
  for (u32 kind = 2; kind < 256; ++kind) {
    if (kind == 7 || kind == 68 || kind == 131 || kind == 137 || kind == 148 || kind == 130) continue;
    Buffer b = hex("00 06 01020304 01 00");
    b[0] = static_cast<std::byte>(kind);
    const auto o = parse_ip4_options(b);
    ASSERT_TRUE(o) << kind;
    EXPECT_TRUE(o->has_unknown);
  }
}

TEST(ipv4_options, a_problem_points_to_the_bad_byte) {
  const struct {
    const char* options;
    int pointer;
  } bad[] = {
      {"07", 20},  // no length
      {"01 01 01 07", 23},
      {"07 00 00 00", 21},  // length 0
      {"07 01 00 00", 21},
      {"01 07 08 04", 22},  // beyond the header
      {"07 03 03 00", 22},  // pointer before the first slot
      {"07 07 00 00000000 00", 22},
      {"07 07 09 00000000 00", 22},  // beyond the option
      {"07 07 06 00000000 00", 22},  // less than a slot of room
      {"07 02 00 00", 21},           // no pointer at all
      {"44 08 04 00 00000000", 22},
      {"44 08 05 02 00000000", 23},  // no such flag
      {"44 08 05 01 00000000", 22},  // half a slot
      {"44 03 05 00", 21},
      {"83 03 04 89 03 04 00 00", 23},  // a second source route
      {"83 07 ff 00000000 00", 22},
      {"94 03 00 00", 21},  // router alert is 4 bytes
      {"82 02 00 00", 21},
  };
  for (const auto& b : bad) {
    const auto o = parse_ip4_options(hex(b.options));
    ASSERT_FALSE(o) << b.options;
    EXPECT_EQ(o.error().drop, Drop::ip4_bad_option);
    EXPECT_EQ(o.error().pointer, b.pointer) << b.options;
  }
}

// Each option with each length and pointer: what passes keeps every slot within the option.
TEST(attack_a09, every_length_and_pointer_of_the_routing_options) {
  for (const u8 kind : {ip4_option::record_route, ip4_option::timestamp, ip4_option::loose_source_route, ip4_option::strict_source_route})
    for (u32 len = 0; len <= 41; ++len)
      for (u32 pointer = 0; pointer < 256; ++pointer)
        for (const u32 flags : {0x00u, 0x01u, 0x03u, 0xf1u, 0x05u}) {
          Buffer b(40, std::byte{1});
          b[0] = static_cast<std::byte>(kind);
          b[1] = static_cast<std::byte>(len);
          b[2] = static_cast<std::byte>(pointer);
          b[3] = static_cast<std::byte>(flags);
          const auto o = parse_ip4_options(b);
          ASSERT_TRUE(!o || (len >= 3 && len <= 40));
          if (!o) {
            ASSERT_GE(o.error().pointer, 20);
            ASSERT_LE(o.error().pointer, 24);
            continue;
          }
          ASSERT_GE(pointer, 4u);
          ASSERT_LE(pointer, len + 1);
          const MutBytes option = MutBytes(b).first(len);
          if (kind == ip4_option::timestamp) record_timestamp(option, Ip4Addr{1}, 2);
          else record_route(option, Ip4Addr{1});
          for (usize i = std::max(len, 4u); i < b.size(); ++i) ASSERT_EQ(b[i], std::byte{1});
          const u32 slot = kind == ip4_option::timestamp && (flags & 0xf) != 0 ? 8 : 4;
          const bool is_room_whole_slots = (len + 1 - pointer) % slot == 0;
          ASSERT_TRUE(!is_room_whole_slots || parse_ip4_options(Bytes(b).first(len)));
        }
}

TEST(ipv4_options, record_route_fills_its_slots_and_stops) {
  Buffer b = hex("07 0b 04 00000000 00000000 00");
  EXPECT_TRUE(record_route(MutBytes(b).first(11), Ip4Addr{0x0a000001}));
  EXPECT_TRUE(record_route(MutBytes(b).first(11), Ip4Addr{0x0a000002}));
  EXPECT_FALSE(record_route(MutBytes(b).first(11), Ip4Addr{0x0a000003}));
  EXPECT_EQ(test::to_hex(b), "070b0c0a0000010a00000200");
}

TEST(ipv4_options, timestamps_count_their_overflow) {
  Buffer b = hex("44 0c 05 01 00000000 00000000");
  EXPECT_TRUE(record_timestamp(b, Ip4Addr{0x0a000001}, 0x01020304));
  EXPECT_EQ(test::to_hex(b), "440c0d010a00000101020304");
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(record_timestamp(b, Ip4Addr{0x0a000001}, 0));
  EXPECT_EQ(load_u8(b.data() + 3), 0xf1);
  EXPECT_FALSE(record_timestamp(b, Ip4Addr{0x0a000001}, 0));
  Buffer named = hex("44 0c 05 03 0a000009 00000000");
  EXPECT_TRUE(record_timestamp(named, Ip4Addr{0x0a000001}, 7));  // not ours to stamp
  EXPECT_EQ(test::to_hex(named), "440c05030a00000900000000");
  EXPECT_TRUE(record_timestamp(named, Ip4Addr{0x0a000009}, 7));
  EXPECT_EQ(test::to_hex(named), "440c0d030a00000900000007");
}

TEST(ipv4_options, only_copied_options_go_into_later_fragments) {
  Buffer out(40);
  const Buffer all = hex("07 07 04 00000000 01 83 07 04 0a090909 94 04 0000 00 00");
  const usize n = copied_ip4_options(all, out);
  EXPECT_EQ(test::to_hex(Bytes(out).first(n)), "8307040a09090994040000");
}

TEST(ipv4_options, random_bytes_end) {
  Random r(7);
  for (int i = 0; i < test::property_rounds; ++i) {
    Buffer b = r.bytes(r.below(41));
    for (auto& v : b)
      if (r.below(3) == 0) v = static_cast<std::byte>(r.below(12));
    (void)parse_ip4_options(b);
    for_each_ip4_option(b, [&](u8, Bytes o) { EXPECT_LE(o.data() + o.size(), b.data() + b.size()); });
  }
}

}  // namespace
}  // namespace weir::wire
