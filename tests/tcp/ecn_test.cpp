// Explicit congestion notification, segment by segment: RFC 3168 6.1.
#include "tcp/ecn.hpp"
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

constexpr u16 offer = F::ece | F::cwr;

struct tcp_ecn : SackFlight {
  tcp_ecn() : SackFlight({.wscale = u8{3}, .window = 500'000, .sack = true, .syn_flags = offer, .rtt = rtt}) {}
  void echo(std::optional<SeqNum> a = {}) {
    if (a) p.acked = *a;
    p.say(p.make(F::ack | F::ece));
  }
  // A data segment in order, marked or not; the flags of the ACK that it draws, at the latest when delayed ACKs leave.
  u16 answer(u8 ecn, u16 more = 0) {
    Seg s = p.make(static_cast<u16>(F::ack | F::psh | more), 100);
    s.ecn = ecn;
    h.inject(s);
    p.next += 100;
    h.pass(50_ms);
    const auto out = h.sent();
    EXPECT_FALSE(out.empty());
    return out.empty() ? u16{0} : out.back().flags;
  }
};

TEST(tcp_ecn_setup, an_offer_is_answered_by_ece_alone) {
  //= rfc3168#6.1.1 MUST-1, MUST-2, MUST-3, MUST-4
  //= rfc3168#5 SHLD-2
  for (const u8 setting : {u8{0}, u8{1}, u8{2}})
    for (const u16 flags : {u16{0}, u16{F::ece}, u16{F::cwr}, offer}) {
      Harness h;
      h.sysctl.tcp_ecn = setting;
      Peer p(h, {.syn_flags = flags});
      p.open();
      const bool taken = setting != 0 && flags == offer;
      EXPECT_EQ(p.syn_ack.has(F::ece), taken) << int{setting} << ' ' << flags;
      EXPECT_FALSE(p.syn_ack.has(F::cwr));
      EXPECT_EQ(p.syn_ack.ecn, ecn::not_ect);
      ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes("x"), 0, h.now));
      EXPECT_EQ(h.sent().at(0).ecn, taken ? ecn::ect0 : ecn::not_ect);
    }
}

TEST(tcp_ecn_setup, our_offer_is_both_flags_and_taken_by_ece_alone) {
  //= rfc3168#6.1.1 MUST-1, MUST-2, SHLD-1
  for (const u16 answer : {u16{0}, u16{F::ece}, u16{F::cwr}, offer}) {
    Harness h;
    h.sysctl.tcp_ecn = 1;
    const u32 c = *h.engine.open(Harness::ns, h.here.addr.family(), 1);
    ASSERT_TRUE(h.engine.bind(c, {h.here.addr, h.here.port, 0}, h.now));
    static_cast<void>(h.engine.connect(c, h.peer, h.now));
    const Seg syn = h.sent().at(0);
    EXPECT_TRUE(syn.has(F::syn | offer));
    EXPECT_EQ(syn.ecn, ecn::not_ect);
    h.inject({.seq = SeqNum{9}, .ack = syn.seq + 1, .flags = static_cast<u16>(F::syn | F::ack | answer)});
    const auto ack = h.sent();
    ASSERT_EQ(ack.size(), 1u);
    EXPECT_EQ(ack[0].ecn, ecn::not_ect) << "a pure ACK";
    ASSERT_TRUE(h.engine.send(c, Harness::bytes("x"), 0, h.now));
    EXPECT_EQ(h.sent().at(0).ecn, answer == F::ece ? ecn::ect0 : ecn::not_ect) << answer;
  }
}

TEST(tcp_ecn_setup, who_only_accepts_does_not_offer) {
  Harness h;
  h.sysctl.tcp_ecn = 2;
  const u32 c = *h.engine.open(Harness::ns, h.here.addr.family(), 1);
  static_cast<void>(h.engine.connect(c, h.peer, h.now));
  EXPECT_EQ(h.sent().at(0).flags & offer, 0);
}

TEST_F(tcp_ecn, a_mark_is_echoed_on_every_ack_until_cwr) {
  //= rfc3168#6.1.3 MUST-10, MUST-11
  EXPECT_EQ(answer(ecn::ect0) & F::ece, 0);
  EXPECT_NE(answer(ecn::ce) & F::ece, 0);
  for (int i = 0; i < 5; ++i) EXPECT_NE(answer(ecn::ect0) & F::ece, 0) << i;
  EXPECT_EQ(answer(ecn::ect0, F::cwr) & F::ece, 0);
  EXPECT_EQ(answer(ecn::ect0) & F::ece, 0);
  EXPECT_NE(answer(ecn::ce, F::cwr) & F::ece, 0) << "marked again on its way";
}

TEST_F(tcp_ecn, the_window_is_cut_once_for_what_was_in_flight) {
  //= rfc3168#6.1.2 MUST-5, MUST-6
  flight(10, 60);
  h.pass(rtt);
  echo(at(1));
  EXPECT_EQ(info().ssthresh, 5 * mss);
  const u64 once = h.count(Tcp::mark_reductions);
  EXPECT_EQ(once, 1u);
  for (u32 i = 2; i <= 10; ++i) echo(at(i));
  EXPECT_EQ(h.count(Tcp::mark_reductions), 1u);
  EXPECT_EQ(info().ssthresh, 5 * mss);
  h.pass(rtt);
  p.ack(tcb().snd_nxt);
  EXPECT_EQ(tcb().path, Path::open);
  EXPECT_EQ(info().cwnd, 5 * mss);
  h.pass(rtt);
  echo(tcb().snd_nxt);
  EXPECT_EQ(h.count(Tcp::mark_reductions), 2u) << "a new window, a new mark";
}

TEST_F(tcp_ecn, cwr_is_on_the_first_new_segment_after_a_reduction_and_on_no_other) {
  //= rfc3168#6.1.2 MUST-7
  flight(10, 60);
  h.pass(rtt);
  echo(at(1));
  for (u32 i = 2; i <= 10; ++i) p.ack(at(i));
  const auto out = h.sent();
  ASSERT_GE(out.size(), 2u);
  for (usize i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].has(F::cwr), i == 0) << i;
  EXPECT_EQ(out[0].seq, at(10));
}

TEST_F(tcp_ecn, a_loss_is_a_reduction_too_and_its_cwr_waits_for_new_data) {
  //= rfc3168#6.1.2 MUST-7, MUST-8
  //= rfc3168#6.1.5 MUST-13
  flight(10, 60);
  h.pass(rtt);
  p.sack({block(1, 5)});
  auto out = h.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0].seq, at(0));
  EXPECT_FALSE(out[0].has(F::cwr)) << "sent again";
  EXPECT_EQ(out[0].ecn, ecn::not_ect) << "sent again";
  h.pass(rtt);
  p.ack(at(10));
  out = h.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(out[0].has(F::cwr));
  EXPECT_EQ(out[0].ecn, ecn::ect0);
  echo();
  EXPECT_EQ(h.count(Tcp::ece_in), 1u);
}

TEST_F(tcp_ecn, a_timeout_is_a_reduction_too) {
  //= rfc3168#6.1.2 MUST-7
  h.sysctl.tcp_early_retrans = 0;
  flight(10, 60);
  time_out();
  EXPECT_EQ(h.sent().at(0).ecn, ecn::not_ect);
  p.ack(at(10));
  const auto out = h.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(out[0].has(F::cwr));
}

TEST_F(tcp_ecn, neither_acks_nor_probes_are_ect) {
  //= rfc3168#6.1.4 MUST-12
  //= rfc3168#6.1.6 MUST-14
  p.data(100);
  h.pass(50_ms);
  for (const Seg& s : h.sent()) EXPECT_EQ(s.ecn, ecn::not_ect);
  p.window(0);
  p.ack();
  write(1);
  h.pass(5_s);
  const auto probes = h.sent();
  ASSERT_FALSE(probes.empty());
  for (const Seg& s : probes) EXPECT_EQ(s.ecn, ecn::not_ect);
}

TEST_F(tcp_ecn, what_is_not_in_the_window_marks_nothing) {
  //= rfc3168#6.1.5 SHLD-3
  Seg s = p.make(F::ack, 100);
  s.seq = p.next + 40'000'000u;
  s.ecn = ecn::ce;
  h.inject(s);
  EXPECT_EQ(h.count(Tcp::ce_in), 0u);
  h.sent();
  EXPECT_EQ(answer(ecn::ect0) & F::ece, 0);
}

TEST(tcp_ecn_unused, without_agreement_marks_and_echoes_mean_nothing) {
  Harness h;
  Peer p(h);
  p.open();
  Seg s = p.make(F::ack, 100);
  s.ecn = ecn::ce;
  h.inject(s);
  p.next += 100;
  h.pass(50_ms);
  EXPECT_FALSE(h.sent().back().has(F::ece));
  ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes(std::string(14'600, 'd')), 0, h.now));
  h.sent();
  p.acked += 1'460;
  p.say(p.make(F::ack | F::ece));
  EXPECT_EQ(h.count(Tcp::mark_reductions), 0u);
}

}  // namespace
}  // namespace weir::tcp::test
