// IGMP and MLD.
#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_ext.hpp"
#include "wire/mld.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

Buffer igmp_of(std::string_view name) {
  const Buffer f = golden(name);
  const Bytes p = Ipv4View::parse(Bytes(f).subspan(14))->payload();
  return {p.begin(), p.end()};
}

TEST(rfc3376_4_1_1, the_float_of_times) {
  EXPECT_EQ(decode_float<8>(0), 0u);
  EXPECT_EQ(decode_float<8>(127), 127u);
  EXPECT_EQ(decode_float<8>(128), 128u);
  EXPECT_EQ(decode_float<8>(255), 31'744u);
  EXPECT_EQ(decode_float<16>(32'767), 32'767u);
  EXPECT_EQ(decode_float<16>(0x8000), 32'768u);
  EXPECT_EQ(decode_float<16>(0xffff), 8'387'584u);
  for (u32 code = 0; code < 256; ++code) EXPECT_EQ(encode_float<8>(decode_float<8>(code)), code);
  for (u32 code = 0; code < 65'536; ++code) EXPECT_EQ(encode_float<16>(decode_float<16>(code)), code);
  for (u32 v = 0; v < 40'000; ++v) EXPECT_LE(decode_float<8>(encode_float<8>(v)), v);
}

TEST(igmp, golden_v3_report) {
  const auto b = igmp_of("igmp3_report");
  const auto m = IgmpView::parse(b);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->checksum_ok());
  const auto r = IgmpReport::parse(*m);
  ASSERT_TRUE(r);
  ASSERT_EQ(r->records.count(), 1);
  r->records.for_each([](const GroupRecord<Ip4Addr>& record) {
    EXPECT_EQ(record.type, 4);
    EXPECT_EQ(to_string(record.group), "239.1.2.3");
    EXPECT_EQ(record.source_count(), 0u);
  });
  const GroupRecordFields<Ip4Addr> record{GroupRecordType::change_to_exclude, *Ip4Addr::parse("239.1.2.3"), {}};
  Buffer out(b.size());
  EXPECT_EQ(emit_igmp3_report({&record, 1}, out), b.size());
  EXPECT_EQ(out, b);
}

TEST(igmp, golden_v2_query) {
  const auto b = igmp_of("igmp2_query");
  const auto q = IgmpQuery::parse(*IgmpView::parse(b));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->version, 2);
  EXPECT_EQ(q->max_response_ms, 10'000u);
  EXPECT_TRUE(q->group.is_any());
  Buffer out(b.size());
  EXPECT_EQ(emit(*q, out), b.size());
  EXPECT_EQ(out, b);
}

TEST(igmp, versions_of_a_query_by_length) {
  const auto version = [](std::string_view text) -> int {
    const Buffer b = hex(text);
    const auto q = IgmpQuery::parse(*IgmpView::parse(b));
    return q ? q->version : -1;
  };
  EXPECT_EQ(version("1100 0000 00000000"), 1);
  EXPECT_EQ(version("1101 0000 00000000"), 2);
  EXPECT_EQ(version("1101 0000 00000000 00"), -1);
  EXPECT_EQ(version("1101 0000 00000000 000000"), -1);
  EXPECT_EQ(version("1101 0000 00000000 00000000"), 3);
  EXPECT_EQ(version("1101 0000 00000000 00000001"), -1);  // one source, none there
}

TEST(igmp, parse_of_emit_is_the_same) {
  Random r(21);
  for (int i = 0; i < 2'000; ++i) {
    const Buffer sources = r.bytes(r.below(20) * 4);
    const IgmpQuery q{3,
                      decode_float<8>(static_cast<u32>(r.below(256))) * 100,
                      r.ip4(),
                      r.coin(),
                      static_cast<u8>(r.below(8)),
                      decode_float<8>(static_cast<u32>(r.below(256))),
                      sources};
    Buffer out(12 + sources.size());
    EXPECT_EQ(emit(q, out), out.size());
    const auto m = IgmpView::parse(out);
    EXPECT_TRUE(m->checksum_ok());
    const auto p = IgmpQuery::parse(*m);
    ASSERT_TRUE(p);
    EXPECT_EQ(std::tie(p->version, p->max_response_ms, p->group, p->suppress, p->robustness, p->interval_s),
              std::tie(q.version, q.max_response_ms, q.group, q.suppress, q.robustness, q.interval_s));
    EXPECT_TRUE(same_bytes(p->sources, sources));
  }
  Buffer out(8);
  emit_igmp(igmp::v2_leave, Ip4Addr{0xe0000105}, out);
  EXPECT_TRUE(IgmpView::parse(out)->checksum_ok());
  EXPECT_EQ(IgmpView::parse(out)->group(), Ip4Addr{0xe0000105});
}

TEST(mld, golden_v2_report) {
  const Buffer f = golden("mld2_report");
  const auto v = Ipv6View::parse(Bytes(f).subspan(14));
  const auto chain = walk_extensions(*v);
  ASSERT_TRUE(chain);
  EXPECT_TRUE(chain->has_router_alert);
  const Bytes b = v->packet().subspan(chain->offset);
  const auto m = Icmp6View::parse(b);
  EXPECT_TRUE(m->checksum_ok(v->src(), v->dst()));
  const auto r = MldReport::parse(*m);
  ASSERT_TRUE(r);
  const GroupRecordFields<Ip6Addr> record{GroupRecordType::change_to_exclude, *Ip6Addr::parse("ff02::1:ff00:1"), {}};
  Buffer out(b.size());
  EXPECT_EQ(emit_mld2_report({&record, 1}, out), b.size());
  set_transport_checksum(MutBytes(out), Icmp6View::checksum_at, v->src(), v->dst(), proto::icmp6);
  EXPECT_TRUE(same_bytes(out, b));
}

TEST(mld, versions_of_a_query_by_length) {
  for (usize n = 8; n < 64; ++n) {
    Buffer b(n);
    store_u8(b.data(), icmp6::mld_query);
    const auto q = MldQuery::parse(*Icmp6View::parse(b));
    EXPECT_EQ(q.has_value(), n == 24 || n >= 28) << n;
    if (q) {
      EXPECT_EQ(q->version, n == 24 ? 1 : 2);
    }
    if (n < 28) continue;
    store_be16(b.data() + 26, 2);
    EXPECT_EQ(MldQuery::parse(*Icmp6View::parse(b)).has_value(), n >= 60) << n;
  }
}

TEST(mld, parse_of_emit_is_the_same) {
  Random r(22);
  for (int i = 0; i < 2'000; ++i) {
    const Buffer sources = r.bytes(r.below(5) * 16);
    const MldQuery q{2,
                     decode_float<16>(static_cast<u32>(r.below(65'536))),
                     r.ip6(),
                     r.coin(),
                     static_cast<u8>(r.below(8)),
                     decode_float<8>(static_cast<u32>(r.below(256))),
                     sources};
    Buffer out(28 + sources.size());
    EXPECT_EQ(emit(q, out), out.size());
    const auto p = MldQuery::parse(*Icmp6View::parse(out));
    ASSERT_TRUE(p);
    EXPECT_EQ(std::tie(p->version, p->max_response_ms, p->group, p->suppress, p->robustness, p->interval_s),
              std::tie(q.version, q.max_response_ms, q.group, q.suppress, q.robustness, q.interval_s));
    EXPECT_TRUE(same_bytes(p->sources, sources));
  }
  Buffer out(24);
  emit_mld1(icmp6::mld1_done, Ip6Addr::all_routers(), out);
  EXPECT_EQ(Mld1Message::parse(*Icmp6View::parse(out))->group, Ip6Addr::all_routers());
}

// Source counts and auxiliary lengths that lie.
TEST(attack_a32, records_that_reach_beyond_the_report) {
  Random r(23);
  for (int i = 0; i < test::property_rounds; ++i) {
    Buffer b = r.bytes(8 + r.below(200));
    store_u8(b.data(), icmp6::mld2_report);
    store_be16(b.data() + 6, static_cast<u16>(r.below(6)));
    for (usize at = 8; at + 4 <= b.size(); at += 4)
      if (r.coin()) store_be32(b.data() + at, static_cast<u32>(r.below(4) << 16 | r.below(3)));
    const auto walk = [&](const auto& report) {
      if (!report) return;
      u32 seen = 0;
      report->records.for_each([&](const auto& record) {
        ++seen;
        ASSERT_LE(record.sources.data() + record.sources.size(), b.data() + b.size());
      });
      ASSERT_EQ(seen, report->records.count());
    };
    walk(MldReport::parse(*Icmp6View::parse(b)));
    store_u8(b.data(), igmp::v3_report);
    walk(IgmpReport::parse(*IgmpView::parse(b)));
  }
}

}  // namespace
}  // namespace weir::wire
