#include "wire/ethernet.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/arp.hpp"
#include "wire/vlan.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

Buffer frame_of(u16 type_or_length, Bytes payload) {
  Buffer f(EthernetView::header_len + payload.size());
  emit(EthernetFields{MacAddr{{2, 0, 0, 0, 0, 2}}, MacAddr{{2, 0, 0, 0, 0, 1}}, type_or_length}, f);
  copy_bytes(MutBytes(f).subspan(EthernetView::header_len), payload);
  return f;
}

TEST(ethernet, reads_an_ethernet_2_frame) {
  const Buffer f = golden("tcp_syn");
  const auto e = EthernetView::parse(f);
  ASSERT_TRUE(e);
  EXPECT_EQ(to_string(e->dst()), "02:00:00:00:00:02");
  EXPECT_EQ(to_string(e->src()), "02:00:00:00:00:01");
  EXPECT_EQ(e->type(), ethertype::ipv4);
  EXPECT_EQ(e->payload_offset(), 14u);
  EXPECT_EQ(e->payload().size(), f.size() - 14);
}

TEST(ethernet, parse_of_emit_is_the_same) {
  Random r(3);
  for (int i = 0; i < test::property_rounds; ++i) {
    const EthernetFields f{r.mac(), r.mac(), static_cast<u16>(ethertype::min + r.below(0x10000 - ethertype::min))};
    const Buffer payload = r.bytes(r.below(64));
    const Buffer frame = frame_of(f.type, payload);
    Buffer out = frame;
    EXPECT_EQ(emit(f, out), 14u);
    const auto e = EthernetView::parse(out);
    ASSERT_TRUE(e);
    EXPECT_EQ(e->fields(), f);
    EXPECT_TRUE(same_bytes(e->payload(), payload));
  }
}

//= rfc1122#2.3.3 L08, L09
TEST(ethernet, rfc1042_snap_gives_its_ethertype_and_no_padding) {
  const auto f = golden("udp4_snap");
  const auto e = EthernetView::parse(f);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->type(), ethertype::ipv4);
  EXPECT_EQ(e->payload_offset(), 22u);
  EXPECT_EQ(e->payload().size(), load_be16(f.data() + 12) - 8u);
  Buffer out(EthernetView::snap_header_len);
  EXPECT_EQ(emit_snap(e->fields(), static_cast<u16>(e->payload().size()), out), 22u);
  EXPECT_TRUE(same_bytes(out, Bytes(f).first(22)));
}

TEST(ethernet, llc_without_snap_has_no_ethertype) {
  const auto f = golden("stp");
  const auto e = EthernetView::parse(f);
  ASSERT_TRUE(e);
  EXPECT_FALSE(e->has_ethertype());
  EXPECT_EQ(e->payload().size(), 38u);
  // SNAP of another organisation is not an EtherType either.
  const auto other = frame_of(46, hex("aaaa03 00000c 2000" + std::string(38 * 2, '0')));
  EXPECT_FALSE(EthernetView::parse(other)->has_ethertype());
}

TEST(attack_a01, every_runt_length_is_refused) {
  const auto f = golden("tcp_syn");
  for (usize n = 0; n < 14; ++n) EXPECT_EQ(EthernetView::parse(Bytes(f).first(n)).error(), Drop::eth_truncated) << n;
  EXPECT_TRUE(EthernetView::parse(Bytes(f).first(14)));
}

TEST(attack_a01, a_length_field_never_reaches_beyond_the_frame) {
  for (u32 value = 0; value < 0x600; ++value)
    for (const usize have : {usize{0}, usize{2}, usize{3}, usize{7}, usize{8}, usize{46}, usize{1500}}) {
      for (const auto* llc : {"424203",
                              "aaaa03000000"
                              "0800",
                              "aaaa030000000100", "aaaa03"}) {
        Buffer payload = hex(llc);
        payload.resize(have);
        const Buffer f = frame_of(static_cast<u16>(value), payload);
        const auto e = EthernetView::parse(f);
        const bool may_pass = value >= 3 && value <= 1500 && value <= have;
        ASSERT_TRUE(may_pass || !e) << value << ' ' << have;
        if (!e) {
          EXPECT_EQ(e.error(), Drop::eth_bad_length);
          continue;
        }
        EXPECT_LE(e->payload_offset() + e->payload().size(), f.size());
        EXPECT_TRUE(e->type() == 0 || e->type() >= ethertype::min);
      }
    }
}

TEST(attack_a01, zero_to_four_vlan_tags_cut_at_every_length) {
  for (int tags = 0; tags <= 4; ++tags) {
    std::string text = "020000000002 020000000001";
    for (int i = 0; i < tags; ++i) text += i % 2 == 0 ? "88a8 2005" : "8100 0007";
    const Buffer whole = hex(text + "0800 00112233");
    for (usize n = 0; n <= whole.size(); ++n) {
      const Bytes f = Bytes(whole).first(n);
      const auto e = EthernetView::parse(f);
      if (!e) continue;
      u16 type = e->type();
      Bytes payload = e->payload();
      int seen = 0;
      for (; is_vlan_type(type); ++seen) {
        const auto v = VlanView::parse(type, payload);
        if (!v) {
          EXPECT_EQ(v.error(), Drop::vlan_truncated);
          break;
        }
        EXPECT_EQ(v->tag().tpid, type);
        EXPECT_EQ(v->vlan_id(), seen % 2 == 0 ? 5 : 7);
        EXPECT_EQ(v->priority(), seen % 2 == 0 ? 1 : 0);
        type = v->type();
        payload = v->payload();
      }
      if (n == whole.size()) {
        EXPECT_EQ(seen, tags);
        EXPECT_EQ(payload.size(), 4u);
      }
    }
  }
}

TEST(vlan, reads_what_it_writes) {
  for (const u16 tpid : {ethertype::vlan, ethertype::qinq})
    for (u32 tci = 0; tci < 0x10000; tci += 7) {
      const VlanTag made = VlanTag::make(tci & 0xfff, static_cast<u8>(tci >> 13), (tci & 0x1000) != 0, tpid);
      EXPECT_EQ(made.tci, tci);
      Buffer out(4);
      emit(made, ethertype::ipv6, out);
      const auto v = VlanView::parse(tpid, out);
      ASSERT_TRUE(v);
      EXPECT_EQ(v->tag(), made);
      EXPECT_EQ(v->type(), ethertype::ipv6);
      EXPECT_EQ(v->dei(), (tci & 0x1000) != 0);
    }
}

TEST(vlan, golden_frames) {
  const auto f = golden("udp4_qinq");
  const auto e = EthernetView::parse(f);
  ASSERT_TRUE(e);
  const auto outer = VlanView::parse(*e);
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->tag(), (VlanTag{ethertype::qinq, 5}));
  const auto inner = VlanView::parse(outer->type(), outer->payload());
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->vlan_id(), 100);
  EXPECT_TRUE(inner->dei());
  EXPECT_EQ(inner->type(), ethertype::ipv4);
}

TEST(arp, golden_request_and_reply) {
  const auto f = golden("arp_request");
  const auto a = ArpView::parse(EthernetView::parse(f)->payload());  // with the frame's padding behind it
  ASSERT_TRUE(a);
  const ArpFields expected{ArpOp::request, MacAddr{{2, 0, 0, 0, 0, 1}}, Ip4Addr{0x0a000001}, MacAddr{}, Ip4Addr{0x0a000002}};
  EXPECT_EQ(a->fields(), expected);
  EXPECT_FALSE(a->is_probe());
  Buffer out(ArpView::len);
  EXPECT_EQ(emit(expected, out), 28u);
  EXPECT_TRUE(same_bytes(out, Bytes(f).subspan(14, 28)));
  EXPECT_EQ(ArpView::parse(EthernetView::parse(golden("arp_reply"))->payload())->op(), ArpOp::reply);
}

TEST(arp, parse_of_emit_is_the_same) {
  Random r(4);
  for (int i = 0; i < test::property_rounds; ++i) {
    const ArpFields f{r.coin() ? ArpOp::request : ArpOp::reply, r.mac(), r.ip4(), r.mac(), r.ip4()};
    Buffer out(ArpView::len);
    emit(f, out);
    EXPECT_EQ(ArpView::parse(out)->fields(), f);
  }
}

TEST(attack_a06, malformed_arp_is_refused_by_its_types_and_lengths) {
  Buffer packet(ArpView::len);
  emit(ArpFields{}, packet);
  for (usize at = 0; at < 8; ++at)
    for (u32 value = 0; value < 256; ++value) {
      Buffer p = packet;
      p[at] = static_cast<std::byte>(value);
      const bool is_same = p == packet;
      const bool is_reply = at == 7 && value == 2;
      const auto a = ArpView::parse(p);
      EXPECT_EQ(a ? Drop::none : a.error(), is_same || is_reply ? Drop::none : Drop::arp_bad_type) << at << ' ' << value;
    }
  for (usize n = 0; n < ArpView::len; ++n) EXPECT_EQ(ArpView::parse(Bytes(packet).first(n)).error(), Drop::arp_truncated);
}

}  // namespace
}  // namespace weir::wire
