#include "wire/tcp.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp_options.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;
using test::to_hex;

Buffer segment(std::string_view name) {
  const Buffer f = golden(name);
  const Bytes p = Ipv4View::parse(Bytes(f).subspan(14))->payload();
  return {p.begin(), p.end()};
}

std::string emitted(const TcpOptionsOut& o, OptionProfile profile = OptionProfile::linux_) {
  Buffer out(40, std::byte{0xaa});
  const usize n = emit_options(out, o, profile);
  EXPECT_EQ(n % 4, 0u);
  for (usize i = n; i < out.size(); ++i) EXPECT_EQ(out[i], std::byte{0xaa});
  return to_hex(Bytes(out).first(n));
}

TEST(tcp, golden_syn) {
  const auto b = segment("tcp_syn");
  const auto t = TcpView::parse(b);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->src_port(), 40000);
  EXPECT_EQ(t->dst_port(), 80);
  EXPECT_EQ(t->seq(), SeqNum{1});
  EXPECT_TRUE(t->flags().only(TcpFlags::syn));
  EXPECT_EQ(t->window(), 64240);
  EXPECT_EQ(t->header_len(), 40u);
  EXPECT_TRUE(t->payload().empty());
  EXPECT_TRUE(transport_checksum_ok(t->segment(), Ip4Addr{0x0a000001}, Ip4Addr{0x0a000002}, proto::tcp));
  const auto o = parse_options(t->options());
  ASSERT_TRUE(o);
  EXPECT_EQ(o->mss, 1460);
  EXPECT_EQ(o->wscale, 7);
  EXPECT_TRUE(o->sack_permitted && o->has_ts);
  EXPECT_EQ(o->ts_val, 1000u);
  Buffer out(b.size());
  EXPECT_EQ(emit(t->fields(), out), 40u);
  set_transport_checksum(MutBytes(out), TcpView::checksum_at, Ip4Addr{0x0a000001}, Ip4Addr{0x0a000002}, proto::tcp);
  EXPECT_EQ(out, b);
}

TEST(tcp, golden_data_and_sack) {
  const auto data = segment("tcp_data");
  const auto t = TcpView::parse(data);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->payload().size(), 18u);
  EXPECT_TRUE(t->flags().has(TcpFlags::psh | TcpFlags::ack));
  TcpOptions fast;
  EXPECT_TRUE(parse_ts_only(t->options(), fast));
  EXPECT_EQ(parse_options(t->options()), parse_options_slow(t->options()));
  EXPECT_EQ(fast.ts_ecr, 5u);
  const auto sack = segment("tcp_sack");
  const auto o = parse_options(TcpView::parse(sack)->options());
  ASSERT_TRUE(o);
  ASSERT_EQ(o->sack_blocks().size(), 2u);
  EXPECT_EQ(o->sack[0], (SackBlock{{1549}, {2997}}));
  EXPECT_EQ(o->sack[1], (SackBlock{{4445}, {5893}}));
}

TEST(tcp, golden_accecn_and_fast_open) {
  const auto b = segment("tcp_accecn_syn");
  const auto t = TcpView::parse(b);
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->flags().only(TcpFlags::syn | TcpFlags::ece | TcpFlags::cwr | TcpFlags::ae));
  EXPECT_EQ(parse_options(t->options())->accecn, (AccEcnOption{tcp_option::accecn0, 3, 1, 0, 1}));
  const auto f = segment("tcp_fast_open");
  const auto v = TcpView::parse(f);
  const auto o = parse_options(v->options());
  EXPECT_EQ(to_hex(o->fast_open.of(v->options())), "0001020304050607");
}

TEST(tcp, parse_of_emit_is_the_same) {
  Random r(15);
  for (int i = 0; i < test::property_rounds; ++i) {
    const Buffer options = r.bytes(r.below(11) * 4);
    const TcpFields f{r.any<u16>(), r.any<u16>(), {r.any<u32>()}, {r.any<u32>()}, {static_cast<u16>(r.below(512))},
                      r.any<u16>(), r.any<u16>(), options};
    const usize payload = r.below(50);
    Buffer out(20 + options.size() + payload);
    EXPECT_EQ(emit(f, out), 20 + options.size());
    const auto t = TcpView::parse(out);
    ASSERT_TRUE(t);
    EXPECT_EQ(t->fields(), f);
    EXPECT_EQ(t->reserved(), 0);
    EXPECT_EQ(t->payload().size(), payload);
  }
}

//= rfc9293#3.1 MUST-2, MUST-3
TEST(tcp, each_flipped_bit_breaks_the_checksum) {
  for (const usize payload : {usize{0}, usize{1}, usize{18}, usize{101}}) {
    Random r(16 + payload);
    const Ip6Addr src6 = r.ip6(), dst6 = r.ip6();
    Buffer b = r.bytes(20 + payload);
    set_transport_checksum(MutBytes(b), TcpView::checksum_at, src6, dst6, proto::tcp);
    ASSERT_TRUE(transport_checksum_ok(Bytes(b), src6, dst6, proto::tcp));
    for (usize bit = 0; bit < b.size() * 8; ++bit) {
      b[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      ASSERT_FALSE(transport_checksum_ok(Bytes(b), src6, dst6, proto::tcp)) << bit;
      b[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
    for (usize bit = 0; bit < 256; ++bit) {
      Ip6Addr src = src6, dst = dst6;
      u8& byte = bit < 128 ? src.b[bit / 8] : dst.b[bit / 8 - 16];
      byte = static_cast<u8>(byte ^ (1 << bit % 8));
      ASSERT_FALSE(transport_checksum_ok(Bytes(b), src, dst, proto::tcp)) << bit;
    }
  }
}

TEST(attack_a51, every_data_offset_and_length) {
  Buffer b(100);
  for (u32 words = 0; words < 16; ++words)
    for (usize size = 0; size <= b.size(); ++size) {
      store_u8(b.data() + 12, static_cast<u8>(words << 4 | 0xf));
      const auto t = TcpView::parse(Bytes(b).first(size));
      const Drop expected = size < 20 ? Drop::tcp_truncated : words < 5 || words * 4 > size ? Drop::tcp_bad_doff : Drop::none;
      ASSERT_EQ(t ? Drop::none : t.error(), expected);
      if (!t) continue;
      ASSERT_EQ(t->options().size(), words * 4 - 20);
      ASSERT_EQ(t->payload().size(), size - words * 4);
      ASSERT_EQ(t->reserved(), 7);
    }
}

// Every kind with every length, at the beginning and behind another option: no loop, no read beyond the options, and
// only lengths that cannot be are refused.
//= rfc9293#3.1 MUST-7
TEST(attack_a50, kinds_0_to_255_with_lengths_0_to_41) {
  for (const usize before : {usize{0}, usize{1}, usize{3}})
    for (u32 kind = 0; kind < 256; ++kind)
      for (u32 len = 0; len <= 41; ++len) {
        Buffer b(40, std::byte{1});
        b[before] = static_cast<std::byte>(kind);
        b[before + 1] = static_cast<std::byte>(len);
        const auto o = parse_options(b);
        const bool legal = kind < 2 || (len >= 2 && before + len <= 40);
        // Behind EOL or NOP the length is an option kind itself, whose length is the NOP's 1.
        const bool runs_into_padding = kind == 1 && len > 1;
        if (runs_into_padding) {
          ASSERT_FALSE(o);
          continue;
        }
        ASSERT_EQ(o.has_value(), legal) << kind << ' ' << len;
        if (!o) {
          ASSERT_EQ(o.error(), Drop::tcp_bad_option);
        }
      }
}

//= rfc9293#3.1 MUST-7
TEST(attack_a50, an_option_cut_by_the_end_of_the_header) {
  for (const auto* bad : {"01010102", "02", "0101080a", "020405b4 0303", "05", "03030702"})
    EXPECT_EQ(parse_options(hex(bad)).error(), Drop::tcp_bad_option) << bad;
}

TEST(attack_a50, random_options_end_and_stay_inside) {
  Random r(17);
  constexpr u8 kinds[] = {0, 1, 2, 3, 4, 5, 8, 19, 28, 29, 30, 34, 172, 174, 253, 254};
  for (int i = 0; i < test::property_rounds * 5; ++i) {
    Buffer b = r.bytes(r.below(11) * 4);
    for (usize at = 0; at + 1 < b.size(); at += 1 + r.below(12)) {
      store_u8(b.data() + at, kinds[r.below(16)]);
      store_u8(b.data() + at + 1, static_cast<u8>(r.below(20)));
    }
    const auto o = parse_options(b);
    if (!o) continue;
    for (const auto at : {o->fast_open, o->md5, o->ao}) ASSERT_LE(at.at + at.len, static_cast<int>(b.size()));
    ASSERT_LE(o->sack_n, 4);
  }
}

//= rfc9293#3.1 MUST-4
TEST(tcp_options, the_mandatory_ones_in_any_order_and_place) {
  for (const auto* text : {"020405b4", "01 020405b4 010101", "0101 020405b4 0000", "020405b4 00 ffffff", "0303 07 020405b4 00"}) {
    const auto o = parse_options(hex(text));
    ASSERT_TRUE(o) << text;
    EXPECT_EQ(o->mss, 1460) << text;
  }
  EXPECT_FALSE(parse_options(hex("00 020405b4 000000"))->mss);  // behind the end
  EXPECT_EQ(parse_options(Bytes{})->mss, std::nullopt);
}

//= rfc9293#3.1 MUST-6
TEST(tcp_options, unknown_ones_are_skipped) {
  for (u32 kind = 2; kind < 256; ++kind) {
    if (kind == 2) continue;
    Buffer b = hex("ff 07 0102030405 020405b4 01");
    b[0] = static_cast<std::byte>(kind);
    const auto o = parse_options(b);
    ASSERT_TRUE(o) << kind;
    EXPECT_EQ(o->mss, 1460) << kind;
  }
}

//= rfc9293#3.2 MUST-64
TEST(tcp_options, alignment_does_not_matter) {
  const Buffer options = hex("080a 00000007 00000009 0512 00000001 00000002 00000003 00000004 0204 05b4");
  for (usize shift = 0; shift < 8; ++shift) {
    Buffer b(shift, std::byte{1});
    b.insert(b.end(), options.begin(), options.end());
    const auto o = parse_options(b);
    ASSERT_TRUE(o);
    EXPECT_EQ(o->ts_val, 7u);
    EXPECT_EQ(o->ts_ecr, 9u);
    EXPECT_EQ(o->sack_n, 2);
    EXPECT_EQ(o->sack[1], (SackBlock{{3}, {4}}));
    EXPECT_EQ(o->mss, 1460);
  }
}

TEST(tcp_options, a_known_kind_of_the_wrong_length_is_ignored) {
  const auto o = parse_options(hex("0203 05 0304 0707 0403 00 0806 01020304 0509 01020304050607 1303 00 1c03 00 01"));
  ASSERT_TRUE(o);
  EXPECT_EQ(*o, TcpOptions{});
}

TEST(tcp_options, rare_kinds) {
  const Buffer b = hex("1c04 803c 1312 000102030405060708090a0b0c0d0e0f 1d06 0102 aabb 1e03 00 fe04 f989");
  const auto o = parse_options(b);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->user_timeout, 0x803c);
  EXPECT_EQ(o->md5, (TcpOptionAt{6, 16}));
  EXPECT_EQ(to_hex(o->ao.of(b)), "0102aabb");
  EXPECT_TRUE(o->has_mptcp);
  EXPECT_TRUE(o->fast_open && o->fast_open_experimental);
  EXPECT_EQ(o->fast_open.len, 0);
}

TEST(tcp_options, accecn_in_both_orders_and_cut_short) {
  EXPECT_EQ(parse_options(hex("ac0b 000001 000002 000003"))->accecn, (AccEcnOption{172, 3, 1, 2, 3}));
  EXPECT_EQ(parse_options(hex("ae0b 000003 000002 000001"))->accecn, (AccEcnOption{174, 3, 1, 2, 3}));
  EXPECT_EQ(parse_options(hex("ae05 000003"))->accecn, (AccEcnOption{174, 1, 0, 0, 3}));
  EXPECT_EQ(parse_options(hex("ac02"))->accecn, (AccEcnOption{172, 0, 0, 0, 0}));
  EXPECT_EQ(parse_options(hex("ac04 0000"))->accecn, AccEcnOption{});
}

TEST(tcp_options, fast_open_cookies_have_4_to_16_bytes) {
  for (usize n = 0; n <= 20; ++n) {
    Buffer b(2 + n);
    store_u8(b.data(), tcp_option::fast_open);
    store_u8(b.data() + 1, static_cast<u8>(b.size()));
    const bool legal = n == 0 || (n >= 4 && n <= 16 && n % 2 == 0);
    EXPECT_EQ(static_cast<bool>(parse_options(b)->fast_open), legal) << n;
  }
}

// The forms that the Linux profile is compared with byte for byte.
TEST(tcp_options, linux_order_and_padding) {
  EXPECT_EQ(emitted({.mss = 1460, .wscale = 8, .sack_permitted = true}),
            "020405b4"
            "01010402"
            "01030308");
  EXPECT_EQ(emitted({.mss = 1460, .wscale = 8, .sack_permitted = true, .has_ts = true, .ts_val = 1, .ts_ecr = 2}),
            "020405b4"
            "0402080a0000000100000002"
            "01030308");
  EXPECT_EQ(emitted({.mss = 1460, .wscale = 8}),
            "020405b4"
            "01030308");
  EXPECT_EQ(emitted({.mss = 1460, .sack_permitted = true}),
            "020405b4"
            "01010402");
  EXPECT_EQ(emitted({.mss = 1460, .wscale = 8, .has_ts = true, .ts_val = 1, .ts_ecr = 2}),
            "020405b4"
            "0101080a0000000100000002"
            "01030308");
  EXPECT_EQ(emitted({.has_ts = true, .ts_val = 1, .ts_ecr = 2}), "0101080a0000000100000002");
  const SackBlock blocks[] = {{{1}, {2}}, {{3}, {4}}};
  EXPECT_EQ(emitted({.has_ts = true, .ts_val = 1, .ts_ecr = 2, .sack = blocks}),
            "0101080a0000000100000002"
            "01010512"
            "00000001000000020000000300000004");
  EXPECT_EQ(emitted({.sack = std::span(blocks).first(1)}),
            "0101050a"
            "0000000100000002");
  EXPECT_EQ(emitted({.mss = 1460, .fast_open = Bytes{}}),
            "020405b4"
            "22020101");
  EXPECT_EQ(emitted({}), "");
}

//= rfc9293#3.1 MUST-69
TEST(tcp_options, freebsd_order_ends_with_zeros) {
  EXPECT_EQ(emitted({.mss = 1460, .wscale = 6, .sack_permitted = true, .has_ts = true, .ts_val = 1, .ts_ecr = 2}, OptionProfile::freebsd),
            "020405b4"
            "01030306"
            "0402080a0000000100000002");
  EXPECT_EQ(emitted({.mss = 1460, .sack_permitted = true}, OptionProfile::freebsd),
            "020405b4"
            "0402"
            "0000");
  EXPECT_EQ(emitted({.user_timeout = 5, .accecn = {172, 1, 7, 0, 0}}, OptionProfile::freebsd),
            "1c040005"
            "ac05000007"
            "000000");
}

TEST(tcp_options, as_many_sack_blocks_as_fit) {
  const SackBlock blocks[] = {{{1}, {2}}, {{3}, {4}}, {{5}, {6}}, {{7}, {8}}};
  EXPECT_EQ(emitted({.sack = blocks}).size(), 2 * 36u);
  EXPECT_EQ(emitted({.has_ts = true, .sack = blocks}).size(), 2 * 40u);  // three of them
  EXPECT_EQ(max_sack_blocks(0), 4);
  EXPECT_EQ(max_sack_blocks(12), 3);
  EXPECT_EQ(max_sack_blocks(28), 1);
  EXPECT_EQ(max_sack_blocks(32), 0);
  EXPECT_EQ(emitted({.has_ts = true, .sack = blocks, .md5 = Bytes(hex("000102030405060708090a0b0c0d0e0f"))}).size(), 2 * 32u);
}

//= rfc9293#3.1 MUST-68
// What is emitted, in either profile, is what a parser reads: every option but EOL and NOP has its length.
TEST(tcp_options, parse_of_emit_is_the_same) {
  Random r(18);
  for (int i = 0; i < test::property_rounds; ++i) {
    TcpOptions want;
    TcpOptionsOut out;
    std::array<SackBlock, 4> blocks;
    for (auto& b : blocks) b = {{r.any<u32>()}, {r.any<u32>()}};
    const Buffer cookie = r.bytes(4 + 2 * r.below(3));
    if (r.coin()) want.mss = out.mss = r.any<u16>();
    if (r.coin()) want.wscale = out.wscale = static_cast<u8>(r.below(15));
    if (r.coin()) want.sack_permitted = out.sack_permitted = true;
    if (r.coin()) {
      want.has_ts = out.has_ts = true;
      want.ts_val = out.ts_val = r.any<u32>();
      want.ts_ecr = out.ts_ecr = r.any<u32>();
    }
    const bool has_sack = r.below(4) == 0;
    if (has_sack) out.sack = std::span(blocks).first(1 + r.below(4));
    else if (r.below(4) == 0) out.fast_open = cookie;
    Buffer b(40);
    for (const auto profile : {OptionProfile::linux_, OptionProfile::freebsd}) {
      const usize n = emit_options(b, out, profile);
      ASSERT_EQ(n % 4, 0u);
      auto got = parse_options(Bytes(b).first(n));
      ASSERT_TRUE(got);
      for (usize k = 0; k < got->sack_n; ++k) EXPECT_EQ(got->sack[k], blocks[k]);
      EXPECT_EQ(got->fast_open ? to_hex(got->fast_open.of(b)) : "", out.fast_open ? to_hex(cookie) : "");
      got->sack_n = 0;
      got->sack = {};
      got->fast_open = {};
      EXPECT_EQ(*got, want);
    }
  }
}

TEST(tcp_flags, only_ignores_push) {
  EXPECT_TRUE(TcpFlags{TcpFlags::ack | TcpFlags::psh}.only(TcpFlags::ack));
  EXPECT_FALSE(TcpFlags{TcpFlags::ack | TcpFlags::fin}.only(TcpFlags::ack));
  EXPECT_TRUE(TcpFlags{TcpFlags::syn | TcpFlags::ack}.any(TcpFlags::ack | TcpFlags::rst));
  EXPECT_FALSE(TcpFlags{TcpFlags::ack}.has(TcpFlags::ack | TcpFlags::rst));
}

}  // namespace
}  // namespace weir::wire
