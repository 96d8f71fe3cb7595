// A50, A51, A53: options and lengths that lie (picoTCP CVE-2020-24337, uIP 13988, URGENT/11 12258, INFRA:HALT 35684,
// SACK/Smack CVE-2019-11479).
#include "tests/attacks/victim.hpp"

namespace weir::attacks {
namespace {

// An options area of 40 bytes that has one option of any kind and claimed length at `at`, NOPs before it, and as the rest
// bytes that look like options too.
std::vector<std::byte> liar(u8 kind, u8 len, usize at) {
  std::vector<std::byte> o(40, std::byte{1});
  for (usize i = at + 2; i < o.size(); ++i) o[i] = static_cast<std::byte>(i * 37 + kind);
  o[at] = std::byte{kind};
  if (at + 1 < o.size()) o[at + 1] = std::byte{len};
  return o;
}

TEST(attack_a50_option_lengths, no_kind_and_length_harms_an_established_connection) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    const u32 c = p.open();
    for (u32 kind = 0; kind < 256; ++kind) {
      for (u32 len = 0; len <= 41; ++len) {
        Seg s = p.make(F::ack | F::psh, 1);
        s.options = liar(static_cast<u8>(kind), static_cast<u8>(len), (kind + len) % 39);
        const auto r = h.hit(s);
        ASSERT_EQ(r.why, Drop::none);
        p.next += 1;
      }
      ASSERT_EQ(h.read(c).size(), 42u);  // the text of each is taken, in order
    }
    EXPECT_EQ(h.state(c), State::established);
    h.drain({c, p.listener});
  });
}

TEST(attack_a50_option_lengths, without_the_right_numbers_they_do_nothing_at_all) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.timestamps = true});
    const u32 c = p.open();
    const tcp::Tcb before = h.tcb(c);
    for (u32 kind = 0; kind < 256; ++kind) {
      for (u32 len = 0; len <= 41; ++len) {
        Seg s = p.make(F::ack, 1);
        s.seq = s.seq + 0x4000'0000u;
        s.options = liar(static_cast<u8>(kind), static_cast<u8>(len), len % 3);
        ASSERT_NE(h.hit(s).why, Drop::none);
      }
    }
    EXPECT_EQ(h.state(c), State::established);
    EXPECT_EQ(h.tcb(c).rcv_nxt, before.rcv_nxt);
    EXPECT_EQ(h.tcb(c).ts_recent, before.ts_recent);
    EXPECT_EQ(h.tcb(c).snd_mss, before.snd_mss);
    h.drain({c, p.listener});
  });
}

TEST(attack_a50_option_lengths, a_syn_with_any_of_them_is_answered_or_dropped_and_leaves_nothing) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    for (u32 kind = 0; kind < 256; ++kind) {
      for (u32 len = 0; len <= 41; ++len) {
        Seg s{.seq = p.next, .flags = F::syn, .options = liar(static_cast<u8>(kind), static_cast<u8>(len), len % 5)};
        const auto r = h.hit(s);
        ASSERT_EQ(r.replies.size(), r.why == Drop::none ? 1u : 0u);
        if (r.why != Drop::none) {
          ASSERT_EQ(r.why, Drop::tcp_bad_option);
          continue;
        }
        ASSERT_EQ(h.engine.half_open(), 1u);
        h.hit(Seg{.seq = p.next + 1, .flags = F::rst});
      }
    }
    EXPECT_EQ(h.engine.half_open(), 0u);
    h.drain({p.listener});
  });
}

// The packet with its first `keep` bytes of TCP, and the data offset said to be `words`; the checksum is right.
std::vector<std::byte> cut(const Victim& h, std::vector<std::byte> ip, usize header, usize keep, u8 words) {
  ip.resize(header + keep);
  if (keep > 12) ip[header + 12] = static_cast<std::byte>(words << 4);
  if (keep >= 18)
    wire::set_transport_checksum(MutBytes{ip}.subspan(header), wire::TcpView::checksum_at, h.peer.addr, h.here.addr, wire::proto::tcp);
  return ip;
}

TEST(attack_a51_data_offset, below_5_or_beyond_the_segment_is_dropped_unread) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    const u32 c = p.open();
    const usize header = place.v6 ? 40 : 20;
    for (usize keep = 0; keep <= 64; ++keep) {
      for (u8 words = 0; words < 16; ++words) {
        const auto packet = cut(h, h.frame(p.make(F::ack, 44)), header, keep, words);
        const Drop want = keep < 20 ? Drop::tcp_truncated : words < 5 || words * 4u > keep ? Drop::tcp_bad_doff : Drop::none;
        const auto r = h.hit(packet);
        ASSERT_EQ(r.why, want) << keep << " bytes, data offset " << int{words};
        if (want == Drop::none) {
          p.next += static_cast<u32>(keep - words * 4u);
          h.read(c);
        }
      }
    }
    EXPECT_EQ(h.state(c), State::established);
    EXPECT_EQ(h.tcb(c).rcv_nxt, p.next);
    h.drain({c, p.listener});
  });
}

// What a peer gets that announced this MSS, as payload plus options, and how many segments the first flight is.
void tiny_mss(const Place& place, u16 mss, bool timestamps, bool active) {
  SCOPED_TRACE(testing::Message() << "mss " << mss << " ts " << timestamps << " active " << active);
  Victim h(place);
  Peer p(h, {.mss = mss, .timestamps = timestamps});
  u32 c = 0;
  if (active) {
    c = *h.engine.open(Harness::ns, h.here.addr.family(), 5);
    static_cast<void>(h.engine.connect(c, h.peer, h.now));
    h.here.port = h.engine.local(c).port;
    const Seg syn = h.sent().at(0);
    wire::TcpOptionsOut o{.mss = mss};
    if (timestamps) o.has_ts = true, o.ts_val = 1;
    h.hit(Seg{.seq = p.next, .ack = syn.seq + 1, .flags = F::syn | F::ack, .options = tcp::test::options(o)});
    ASSERT_EQ(h.state(c), State::established);
  } else {
    c = p.open();
  }
  const u32 floor = 48, path = place.v6 ? 1440 : 1460;
  const u32 most = std::min<u32>(std::max<u32>(mss, floor), path);
  const u32 payload = h.engine.info(c).snd_mss;
  EXPECT_EQ(payload + (timestamps ? 12u : 0u), most);
  h.write(c, 14'600);
  u32 segments = 0;
  for (const Seg& s : h.sent()) {
    EXPECT_LE(s.gso.size, payload);
    segments += std::max<u32>(s.gso.segments, 1);
  }
  EXPECT_LE(segments, 10u);  // the initial window is counted in segments: no flood of tiny ones
  if (!timestamps) {
    EXPECT_LE((14'600 + payload - 1) / payload, 31 * 10u);  // at most some 30 times the normal number
  }
  h.drain({c, p.listener});
}

TEST(attack_a53_mss_and_window_scale, tiny_and_huge_segment_sizes_are_bounded) {
  everywhere([](const Place& place) {
    for (const u32 mss : {0u, 1u, 8u, 47u, 48u, 88u, 535u, 536u, 65'535u})
      for (const bool ts : {false, true})
        for (const bool active : {false, true}) tiny_mss(place, static_cast<u16>(mss), ts, active);
  });
}

TEST(attack_a53_mss_and_window_scale, a_shift_above_14_is_14) {
  //= rfc7323#2.3 MUST-5
  everywhere([](const Place& place) {
    for (const u8 shift : {u8{14}, u8{15}, u8{31}, u8{32}, u8{255}}) {
      Victim h(place);
      Peer p(h);
      const auto r = h.hit(Seg{.seq = p.next, .flags = F::syn, .options = tcp::test::options({.mss = u16{1460}, .wscale = shift})});
      ASSERT_EQ(r.replies.size(), 1u);
      h.hit(Seg{.seq = p.next + 1, .ack = r.replies[0].seq + 1, .flags = F::ack, .wnd = 0xffff});
      const u32 c = *h.engine.accept(p.listener, h.now);
      EXPECT_EQ(h.engine.info(c).snd_wscale, 14);
      EXPECT_EQ(h.engine.info(c).snd_wnd, 0xffffu << 14);
      h.drain({c, p.listener});
    }
  });
}

}  // namespace
}  // namespace weir::attacks
