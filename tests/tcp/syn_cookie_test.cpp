// SYN cookies (RFC 4987 3.6): floods, the connections that come through them, and numbers that were not ours.
#include "tcp/syn_cookie.hpp"

#include <set>

#include "tcp/negotiate.hpp"
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

constexpr u32 backlog = 8;

struct Flooded {
  explicit Flooded(u8 mode = 1) : p(h) {
    h.sysctl.tcp_max_syn_backlog = backlog;
    h.sysctl.tcp_syncookies = mode;
  }
  // SYNs of as many sources; what was answered.
  u32 flood(u32 n) {
    const Endpoint genuine = h.peer;
    u32 answers = 0;
    for (u32 i = 0; i < n; ++i) {
      h.peer = {Ip4Addr{0xc000'0000 + next++}, 999, 0};
      h.inject({.seq = SeqNum{i}, .flags = F::syn, .options = options({.mss = u16{1460}})});
      answers += static_cast<u32>(h.sent().size());
    }
    h.peer = genuine;
    return answers;
  }
  Harness h;
  Peer p;
  u32 next = 0;
};

const wire::TcpOptionsOut all_options{.mss = u16{1460}, .wscale = u8{9}, .sack_permitted = true, .has_ts = true, .ts_val = 1'000};

Seg syn_ack_of(Harness& h, SeqNum irs, const wire::TcpOptionsOut& o, u16 flags = F::syn) {
  h.inject({.seq = irs, .flags = flags, .options = options(o)});
  const auto out = h.sent();
  EXPECT_EQ(out.size(), 1u);
  return out.empty() ? Seg{} : out[0];
}

Seg final_ack(const Seg& syn_ack, u32 ts = 1'010) {
  Seg s{.seq = syn_ack.ack, .ack = syn_ack.seq + 1, .flags = F::ack, .wnd = 100};
  const auto o = wire::parse_options(syn_ack.options);
  if (o && o->has_ts) s.options = options({.has_ts = true, .ts_val = ts, .ts_ecr = o->ts_val});
  return s;
}

TEST(syn_cookie, a_genuine_connection_gets_through_a_flood_whole) {
  Flooded f;
  EXPECT_EQ(f.flood(100'000), 100'000u);
  EXPECT_EQ(f.h.engine.half_open(), backlog);
  EXPECT_EQ(f.h.engine.connections(), 1u);  // the listener
  EXPECT_EQ(f.h.engine.context().table.size(), backlog);
  EXPECT_EQ(f.h.engine.context().half_open.end_index(), backlog + 1) << "no more entries than that were ever used";
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_sent), 100'000u - backlog);
  EXPECT_EQ(f.h.count(Tcp::half_open_drops), 0u);

  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, all_options, F::syn | F::ece | F::cwr);
  EXPECT_TRUE(syn_ack.has(F::ece));
  const auto got = wire::parse_options(syn_ack.options);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->has_ts && got->sack_permitted && got->wscale);
  EXPECT_EQ(got->ts_ecr, 1'000u);
  f.h.pass(300_ms);
  f.h.inject(final_ack(syn_ack));
  const auto c = f.h.engine.accept(f.p.listener, f.h.now);
  ASSERT_TRUE(c);
  const Info i = f.h.engine.info(*c);
  EXPECT_EQ(i.state, State::established);
  EXPECT_TRUE(i.timestamps && i.sack);
  EXPECT_EQ(i.snd_wscale, 9);
  EXPECT_EQ(i.rcv_wscale, *got->wscale);
  EXPECT_EQ(i.snd_wnd, 100u << 9);
  EXPECT_EQ(i.snd_mss, 1'460u - 12);
  EXPECT_EQ(i.cwnd, 10u * i.snd_mss);
  EXPECT_EQ(i.srtt_us, 0u) << "when the SYN-ACK left is not known";
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_received), 1u);
  EXPECT_EQ(f.h.engine.half_open(), backlog);
  EXPECT_EQ(f.h.tcb(*c).ecn, EcnState::on);
  // and it works, with timestamps that have gone on
  f.h.engine.set_user(*c, 9);
  ASSERT_TRUE(f.h.engine.send(*c, Harness::bytes("hello"), 0, f.h.now));
  const auto out = f.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].data, "hello");
  EXPECT_EQ(out[0].seq, syn_ack.seq + 1);
  EXPECT_GE(static_cast<i32>(wire::parse_options(out[0].options)->ts_val - got->ts_val), 300);
}

TEST(syn_cookie, without_timestamps_there_are_no_options) {
  Flooded f(2);
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, {.mss = u16{1400}, .wscale = u8{9}, .sack_permitted = true});
  const auto got = wire::parse_options(syn_ack.options);
  ASSERT_TRUE(got && got->mss);
  EXPECT_FALSE(got->wscale || got->sack_permitted || got->has_ts);
  EXPECT_EQ(f.h.engine.half_open(), 0u);
  f.h.inject(final_ack(syn_ack));
  const Info i = f.h.engine.info(f.h.engine.accept(f.p.listener, f.h.now).value());
  EXPECT_EQ(i.snd_mss, 1'360u) << "the largest class that the peer takes";
  EXPECT_EQ(i.snd_wnd, 100u);
  EXPECT_FALSE(i.timestamps || i.sack);
}

TEST(syn_cookie, data_may_come_with_the_ack_that_opens) {
  Flooded f(2);
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, all_options);
  Seg first = final_ack(syn_ack);
  first.data = "question";
  f.h.inject(first);
  const u32 c = f.h.engine.accept(f.p.listener, f.h.now).value();
  EXPECT_EQ(f.h.engine.info(c).rx_bytes, 8u);
  EXPECT_EQ(f.h.sent().at(0).ack, first.seq + 8);
}

TEST(syn_cookie, modes) {
  Flooded never(0);
  EXPECT_EQ(never.flood(backlog + 5), backlog);
  EXPECT_EQ(never.h.dropped(Drop::tcp_half_open_limit), 5u);
  EXPECT_EQ(never.h.count(Tcp::half_open_drops), 5u);
  EXPECT_EQ(never.h.count(Tcp::syn_cookies_sent), 0u);
  Flooded pressed(1);
  EXPECT_EQ(pressed.flood(backlog + 5), backlog + 5);
  EXPECT_EQ(pressed.h.count(Tcp::syn_cookies_sent), 5u);
  Flooded always(2);
  EXPECT_EQ(always.flood(5), 5u);
  EXPECT_EQ(always.h.count(Tcp::syn_cookies_sent), 5u);
  EXPECT_EQ(always.h.engine.half_open(), 0u);
}

// A cookie made now, looked at after `later`, while the flood goes on or not.
enum class Fate { opened, reset };
Fate fate(Duration later, bool flood_goes_on, void (*spoil)(Seg&) = nullptr) {
  Flooded f(2);
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, {.mss = u16{1460}});
  const Instant end = f.h.now + later;
  while (f.h.now < end) {
    f.h.pass(std::min(10_s, end - f.h.now));
    if (flood_goes_on) f.flood(1);
  }
  Seg ack = final_ack(syn_ack);
  if (spoil != nullptr) spoil(ack);
  f.h.inject(ack);
  if (f.h.engine.accept(f.p.listener, f.h.now)) return Fate::opened;
  const auto out = f.h.sent();
  EXPECT_EQ(out.size(), 1u);
  EXPECT_TRUE(!out.empty() && out[0].flags == F::rst && out[0].seq == ack.ack);
  return Fate::reset;
}

TEST(syn_cookie, an_old_one_is_worth_nothing) {
  EXPECT_EQ(fate(1_s, false), Fate::opened);
  EXPECT_EQ(fate(60_s, false), Fate::opened) << "good for one slot at least";
  EXPECT_EQ(fate(60_s, true), Fate::opened);
  EXPECT_EQ(fate(129_s, false), Fate::reset);
  EXPECT_EQ(fate(129_s, true), Fate::reset);
  for (int minutes = 3; minutes <= 10; ++minutes) EXPECT_EQ(fate(Duration::seconds(60 * minutes), true), Fate::reset) << minutes;
}

TEST(syn_cookie, nothing_of_it_can_be_changed) {
  EXPECT_EQ(fate(1_s, true, [](Seg& s) { s.ack += 1; }), Fate::reset);
  EXPECT_EQ(fate(1_s, true, [](Seg& s) { s.seq += 1; }), Fate::reset);
  EXPECT_EQ(fate(1_s, true, [](Seg& s) { s.ack = SeqNum{((s.ack.raw - 1) ^ 0x1000'0000) + 1}; }), Fate::reset) << "the MSS";
  EXPECT_EQ(fate(1_s, true, [](Seg& s) { s.ack = SeqNum{((s.ack.raw - 1) ^ 0x8000'0000) + 1}; }), Fate::reset) << "the slot";
  Flooded f(2);
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, all_options);
  const Endpoint genuine = f.h.peer;
  f.h.peer.port += 1;
  f.h.inject(final_ack(syn_ack));
  f.h.peer = genuine;
  f.h.peer.addr = Ip4Addr{0x0a00'0003};
  f.h.inject(final_ack(syn_ack));
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_failed), 2u);
  f.h.peer = genuine;
  Seg ack = final_ack(syn_ack);  // an echo that we have never sent
  ack.options = options({.has_ts = true, .ts_val = 1'010, .ts_ecr = wire::parse_options(syn_ack.options)->ts_val + 1'000});
  f.h.inject(ack);
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_failed), 3u);
  EXPECT_EQ(f.h.engine.accept(f.p.listener, f.h.now).error(), Errc::would_block);
  f.h.inject(final_ack(syn_ack));
  EXPECT_TRUE(f.h.engine.accept(f.p.listener, f.h.now));
}

TEST(syn_cookie, only_a_listener_that_has_sent_some_takes_them) {
  Flooded f(1);
  const SeqNum any{123'456};
  f.h.inject({.seq = SeqNum{1}, .ack = any, .flags = F::ack});
  EXPECT_EQ(f.h.sent().size(), 1u);
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_failed), 0u) << "it was not looked at";
  // Another listener's cookie: the ports are part of it, and that one has sent none.
  f.h.sysctl.tcp_syncookies = 2;
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, {.mss = u16{1460}});
  f.h.here.port = 81;
  f.p.listen();
  f.h.inject(final_ack(syn_ack));
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_failed), 0u);
  EXPECT_EQ(f.h.engine.accept(f.p.listener, f.h.now).error(), Errc::would_block);
}

TEST(syn_cookie, guesses_come_through_as_often_as_chance_has_it) {
  // A45. 16 numbers of 2^32 are right for a flow: of 2^20 guesses 1/256 of one is expected; two would be a one in 131,000 accident.
  Flooded f(2);
  f.flood(1);
  u64 state = 1;
  for (u32 i = 0; i < 1u << 20; ++i) {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    f.h.inject({.seq = SeqNum{78}, .ack = SeqNum{static_cast<u32>(state >> 32)}, .flags = F::ack});
    f.h.out.clear(f.h.pool);
  }
  EXPECT_EQ(f.h.count(Tcp::syn_cookies_failed) + f.h.count(Tcp::syn_cookies_received), 1u << 20);
  EXPECT_LE(f.h.count(Tcp::syn_cookies_received), 1u);
}

TEST(syn_cookie, a_full_accept_queue_keeps_who_came_with_a_cookie) {
  Flooded f(2);
  ASSERT_TRUE(f.h.engine.listen(f.p.listener, 0, f.h.now));  // room for one
  const Seg first = syn_ack_of(f.h, SeqNum{77}, all_options);
  f.h.peer.port += 1;
  const Seg second = syn_ack_of(f.h, SeqNum{77}, all_options);
  f.h.peer.port -= 1;
  f.h.inject(final_ack(first));
  f.h.peer.port += 1;
  f.h.inject(final_ack(second));
  EXPECT_EQ(f.h.count(Tcp::listen_overflows), 1u);
  EXPECT_EQ(f.h.engine.half_open(), 1u);
  EXPECT_TRUE(f.h.engine.accept(f.p.listener, f.h.now));
  f.h.sent();
  f.h.pass(1_s);  // nobody has to say anything: the SYN-ACK is sent again
  const auto again = f.h.sent();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].has(F::syn | F::ack));
  EXPECT_EQ(again[0].seq, second.seq);
  f.h.inject(final_ack(second, 2'000));
  EXPECT_TRUE(f.h.engine.accept(f.p.listener, f.h.now));
}

TEST(syn_cookie, when_both_queues_are_full_it_is_as_if_the_ack_were_lost) {
  Flooded f(1);
  ASSERT_TRUE(f.h.engine.listen(f.p.listener, 0, f.h.now));
  EXPECT_EQ(f.flood(backlog), backlog);
  const Seg first = syn_ack_of(f.h, SeqNum{77}, all_options);
  f.h.inject(final_ack(first));
  f.h.peer.port += 1;
  const Seg second = syn_ack_of(f.h, SeqNum{77}, all_options);
  f.h.inject(final_ack(second));
  EXPECT_EQ(f.h.engine.half_open(), backlog);
  EXPECT_EQ(f.h.sent().size(), 0u);
  EXPECT_TRUE(f.h.engine.accept(f.p.listener, f.h.now));
  Seg data = final_ack(second);
  data.data = "once more";
  f.h.inject(data);  // its retransmission opens
  EXPECT_EQ(f.h.engine.info(f.h.engine.accept(f.p.listener, f.h.now).value()).rx_bytes, 9u);
}

TEST(syn_cookie, numbers_look_like_any_other_initial_sequence_number) {
  Flooded f(2);
  std::set<u32> heads;
  for (u16 i = 0; i < 400; ++i) {
    f.h.peer.port = static_cast<u16>(10'000 + i);
    heads.insert(syn_ack_of(f.h, SeqNum{77}, {.mss = u16{1460}}).seq.raw >> 28);
  }
  EXPECT_EQ(heads.size(), 16u);
}

TEST(syn_cookie, classes_never_exceed_what_the_peer_takes) {
  for (u32 mss = 48; mss <= 0xffff; ++mss) ASSERT_LE(syn_cookie::mss_classes[syn_cookie::mss_class(static_cast<u16>(mss))], mss);
  EXPECT_EQ(syn_cookie::mss_class(0), 0);
  EXPECT_EQ(syn_cookie::mss_classes[syn_cookie::mss_class(536)], 536);
  EXPECT_EQ(syn_cookie::mss_classes[syn_cookie::mss_class(1'220)], 1'220);
  EXPECT_EQ(syn_cookie::mss_classes[syn_cookie::mss_class(1'460)], 1'460);
}

TEST(syn_cookie, the_stamp_is_never_ahead_of_the_clock_and_hardly_behind) {
  for (const u32 clock : {0u, 1u, 63u, 64u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu})
    for (u8 scale = 0; scale <= 15; ++scale)
      for (const bool on : {false, true}) {
        const syn_cookie::Offered o{scale, on, !on};
        const u32 s = syn_cookie::stamp(clock, o);
        EXPECT_LE(clock - s, 64u);
        EXPECT_EQ(syn_cookie::unstamp(s), o);
      }
}

TEST(syn_cookie, both_families) {
  Flooded f(2);
  f.h.here = {*IpAddr::parse("fd00::1"), 80, 0};
  f.h.peer = {*IpAddr::parse("fd00::2"), 4'000, 0};
  f.h.here.port = 82;
  f.p.listen();
  const Seg syn_ack = syn_ack_of(f.h, SeqNum{77}, {.has_ts = true, .ts_val = 5});
  f.h.inject(final_ack(syn_ack));
  const auto c = f.h.engine.accept(f.p.listener, f.h.now);
  ASSERT_TRUE(c);
  EXPECT_EQ(f.h.engine.info(*c).snd_mss, 1'220u - 12) << "what IPv6 takes where nothing was said";
}

}  // namespace
}  // namespace weir::tcp::test
