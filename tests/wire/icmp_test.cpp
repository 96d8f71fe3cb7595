#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/quoted.hpp"
#include "wire/udp.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;

Buffer payload4(std::string_view name) {
  const Buffer f = golden(name);
  const Bytes p = Ipv4View::parse(Bytes(f).subspan(14))->payload();
  return {p.begin(), p.end()};
}

Buffer payload6(std::string_view name) {
  const Buffer f = golden(name);
  const Bytes p = Ipv6View::parse(Bytes(f).subspan(14))->payload();
  return {p.begin(), p.end()};
}

TEST(icmp4, golden_echo) {
  const auto b = payload4("icmp_echo");
  const auto m = Icmp4View::parse(b);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->checksum_ok());
  EXPECT_EQ(m->fields(), Icmp4Fields::echo(false, 7, 1));
  EXPECT_EQ(m->id(), 7);
  EXPECT_EQ(m->seq(), 1);
  EXPECT_EQ(m->body().size(), 32u);
  EXPECT_FALSE(m->is_error());
  Buffer out(b.size());
  EXPECT_EQ(emit(m->fields(), m->body(), out), b.size());
  EXPECT_EQ(out, b);
}

TEST(icmp4, golden_fragmentation_needed) {
  const auto b = payload4("icmp_frag_needed");
  const auto m = Icmp4View::parse(b);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->checksum_ok());
  EXPECT_TRUE(m->is_error());
  EXPECT_EQ(m->next_hop_mtu(), 1400);
  EXPECT_EQ(m->fields(), Icmp4Fields::too_big(1400));
  const auto q = parse_quoted4(m->quote());
  ASSERT_TRUE(q);
  EXPECT_EQ(to_string(q->src), "10.0.0.1");
  EXPECT_EQ(to_string(q->dst), "10.0.0.2");
  EXPECT_EQ(q->protocol, proto::tcp);
  EXPECT_EQ(q->src_port(), 40000);
  EXPECT_EQ(q->dst_port(), 80);
  EXPECT_EQ(q->tcp_seq(), SeqNum{2});
  EXPECT_EQ(q->total_length, 1500);  // of the packet that was sent
  EXPECT_EQ(q->transport.size(), 8u);
}

TEST(icmp4, golden_timestamp) {
  const auto b = payload4("icmp_timestamp");
  const auto m = Icmp4View::parse(b);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->originate_ms(), 43'200'000u);
  EXPECT_EQ(m->transmit_ms(), 0u);
  EXPECT_EQ(Icmp4View::parse(Bytes(b).first(19)).error(), Drop::icmp_truncated);
}

TEST(icmp4, fields_of_each_error) {
  EXPECT_EQ(Icmp4Fields::redirect(icmp4::redirect_host, Ip4Addr{0x0a000001}).rest, 0x0a000001u);
  EXPECT_EQ(Icmp4Fields::parameter_problem(20).rest, 20u << 24);
  Buffer out(8);
  emit(Icmp4Fields::parameter_problem(21), {}, out);
  EXPECT_EQ(Icmp4View::parse(out)->pointer(), 21);
  emit(Icmp4Fields::redirect(icmp4::redirect_host, Ip4Addr{0x0a000001}), {}, out);
  EXPECT_EQ(Icmp4View::parse(out)->gateway(), Ip4Addr{0x0a000001});
}

TEST(icmp4, parse_of_emit_is_the_same) {
  Random r(11);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Icmp4Fields f{r.any<u8>(), r.any<u8>(), r.any<u32>()};
    const Buffer body = r.bytes(12 + r.below(100));
    Buffer out(8 + body.size());
    EXPECT_EQ(emit(f, body, out), out.size());
    const auto m = Icmp4View::parse(out);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->fields(), f);
    EXPECT_TRUE(m->checksum_ok());
    EXPECT_TRUE(same_bytes(m->body(), body));
    out[r.below(out.size())] ^= std::byte{0x10};
    EXPECT_FALSE(Icmp4View::parse(out)->checksum_ok());
  }
}

TEST(icmp4, rfc4884_length_cuts_extensions_off_the_quote) {
  Buffer b(8 + 136);
  emit(Icmp4Fields{icmp4::time_exceeded, 0, 32u << 16}, Bytes(b).subspan(8), b);
  EXPECT_EQ(Icmp4View::parse(b)->quote().size(), 128u);
  emit(Icmp4Fields{icmp4::time_exceeded, 0, 200u << 16}, Bytes(b).subspan(8), b);  // a lie
  EXPECT_EQ(Icmp4View::parse(b)->quote().size(), 136u);
  emit(Icmp4Fields{icmp4::redirect, 0, 32u << 16}, Bytes(b).subspan(8), b);  // an address, not a length
  EXPECT_EQ(Icmp4View::parse(b)->quote().size(), 136u);
}

TEST(icmp6, golden_packet_too_big) {
  const auto b = payload6("icmp6_too_big");
  const auto m = Icmp6View::parse(b);
  ASSERT_TRUE(m);
  const auto src = *Ip6Addr::parse("fd00::ffff"), dst = *Ip6Addr::parse("fd00::1");
  EXPECT_TRUE(m->checksum_ok(src, dst));
  EXPECT_FALSE(m->checksum_ok(dst, dst));
  EXPECT_EQ(m->mtu(), 1280u);
  const auto q = parse_quoted6(m->quote());
  ASSERT_TRUE(q);
  EXPECT_EQ(q->protocol, proto::tcp);
  EXPECT_EQ(q->dst_port(), 443);
  EXPECT_EQ(q->transport_at, 40);
  Buffer out(b.size());
  EXPECT_EQ(emit(m->fields(), m->body(), src, dst, out), b.size());
  EXPECT_EQ(out, b);
}

TEST(icmp6, parse_of_emit_is_the_same) {
  Random r(12);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Icmp6Fields f{r.any<u8>(), r.any<u8>(), r.any<u32>()};
    const Buffer body = r.bytes(r.below(100));
    const Ip6Addr src = r.ip6(), dst = r.ip6();
    Buffer out(8 + body.size());
    emit(f, body, src, dst, out);
    const auto m = Icmp6View::parse(out);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->fields(), f);
    EXPECT_TRUE(m->checksum_ok(src, dst));
    EXPECT_EQ(m->is_error(), f.type < 128);
    out[r.below(out.size())] ^= std::byte{0x10};
    EXPECT_FALSE(Icmp6View::parse(out)->checksum_ok(src, dst));
  }
}

TEST(icmp, seven_bytes_are_no_message) {
  EXPECT_EQ(Icmp4View::parse(Buffer(7)).error(), Drop::icmp_truncated);
  EXPECT_EQ(Icmp6View::parse(Buffer(7)).error(), Drop::icmp_truncated);
}

// RFC 4884's unit is 8 bytes in ICMPv6.
TEST(icmp6, rfc4884_length_cuts_extensions_off_the_quote) {
  Buffer b(8 + 140);
  emit(Icmp6Fields{icmp6::unreachable, 0, 16u << 24}, Bytes(b).subspan(8), Ip6Addr{}, Ip6Addr{}, b);
  EXPECT_EQ(Icmp6View::parse(b)->quote().size(), 128u);
}

TEST(quoted, a_quote_cut_at_every_length) {
  const auto f4 = golden("tcp_syn");
  const auto f6 = golden("ip6_dest_udp");
  for (usize n = 0; n + 14 <= f4.size(); ++n) {
    const auto q = parse_quoted4(Bytes(f4).subspan(14, n));
    ASSERT_EQ(q.has_value(), n >= 28) << n;
    if (!q) {
      EXPECT_EQ(q.error(), Drop::icmp_bad_embedded);
    }
  }
  for (usize n = 0; n + 14 <= f6.size(); ++n) {
    const auto q = parse_quoted6(Bytes(f6).subspan(14, n));
    // With less than the whole of the options header, the walk stops at it.
    ASSERT_EQ(q.has_value(), n == 48 ? false : n >= 56) << n;
    if (q) {
      EXPECT_EQ(q->protocol, proto::udp);
    }
  }
}

TEST(quoted, a_later_fragment_has_no_ports) {
  const auto f = golden("ip4_fragment");
  const auto q = parse_quoted4(Bytes(f).subspan(14));
  ASSERT_TRUE(q);
  EXPECT_TRUE(q->is_fragment);
  EXPECT_FALSE(q->first_fragment);
}

TEST(attack_a40, random_quotes_stay_inside) {
  Random r(13);
  for (int i = 0; i < test::property_rounds; ++i) {
    Buffer b = r.bytes(r.below(100));
    if (!b.empty()) b[0] = static_cast<std::byte>(r.coin() ? 0x45 + r.below(3) : 0x60);
    for (const auto& q : {parse_quoted4(b), parse_quoted6(b)})
      if (q) {
        ASSERT_GE(q->transport.size(), 8u);
        ASSERT_LE(q->transport.data() + q->transport.size(), b.data() + b.size());
      }
  }
}

TEST(udp, golden_datagrams_and_their_checksums) {
  const auto b = payload4("udp4");
  const auto u = UdpView::parse(b);
  ASSERT_TRUE(u);
  EXPECT_EQ(u->fields(), (UdpFields{5000, 53, 5}));
  const Ip4Addr src{0x0a000001}, dst{0x0a000002};
  EXPECT_TRUE(transport_checksum_ok(u->datagram(), src, dst, proto::udp));
  EXPECT_TRUE(transport_checksum_ok(u->datagram(), IpAddr{src}, IpAddr{dst}, proto::udp));
  Buffer out = b;
  emit(u->fields(), out);
  EXPECT_FALSE(UdpView::parse(out)->has_checksum());
  set_transport_checksum(MutBytes(out), UdpView::checksum_at, src, dst, proto::udp);
  EXPECT_EQ(out, b);
}

TEST(udp, parse_of_emit_is_the_same) {
  Random r(14);
  for (int i = 0; i < test::property_rounds; ++i) {
    const UdpFields f{r.any<u16>(), r.any<u16>(), static_cast<u16>(r.below(100))};
    Buffer out(8u + f.payload_len + r.below(10));
    emit(f, out);
    const auto u = UdpView::parse(out);
    ASSERT_TRUE(u);
    EXPECT_EQ(u->fields(), f);
    EXPECT_EQ(u->payload().size(), f.payload_len);
  }
}

TEST(udp, a_sum_of_zero_is_sent_as_all_ones) {
  const Ip4Addr src{0x0a000001}, dst{0x0a000002};
  for (u32 v = 0; v < 0x10000; ++v) {
    Buffer out(10);
    emit(UdpFields{1, 2, 2}, out);
    store_be16(out.data() + 8, static_cast<u16>(v));
    set_transport_checksum(MutBytes(out), UdpView::checksum_at, src, dst, proto::udp);
    ASSERT_TRUE(UdpView::parse(out)->has_checksum());
    ASSERT_TRUE(transport_checksum_ok(Bytes(out), src, dst, proto::udp));
  }
}

TEST(attack_a42, udp_length_lies) {
  Buffer b(64);
  for (usize size = 0; size <= b.size(); ++size)
    for (u32 len = 0; len <= 80; ++len) {
      store_be16(b.data() + 4, static_cast<u16>(len));
      const auto u = UdpView::parse(Bytes(b).first(size));
      const Drop expected = size < 8 ? Drop::udp_truncated : len < 8 || len > size ? Drop::udp_bad_length : Drop::none;
      ASSERT_EQ(u ? Drop::none : u.error(), expected);
      if (u) {
        ASSERT_EQ(u->payload().size(), len - 8);  // trailing bytes are not delivered
      }
    }
  store_be16(b.data() + 4, 65'535);
  EXPECT_EQ(UdpView::parse(b).error(), Drop::udp_bad_length);
}

}  // namespace
}  // namespace weir::wire
