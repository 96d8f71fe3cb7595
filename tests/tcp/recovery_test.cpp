// Loss recovery without SACK, beyond a single loss: RFC 6582 3.2 (its timer, and when duplicate ACKs count), what a timeout does.
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

constexpr u32 mss = 1'460, flight = 10 * mss;

u32 bytes(const std::vector<Seg>& out) {
  u32 n = 0;
  for (const Seg& s : out) n += s.len;
  return n;
}

// A connection with a full window in flight, and so much to send.
struct tcp_recovery_of_a_flight : testing::Test {
  tcp_recovery_of_a_flight() {
    h.sysctl.tcp_congestion_control = static_cast<u8>(cc::Kind::reno);
    p.open();
    h.tcb(p.conn).rto_us = 300'000;
    write(100 * mss);
    first = p.acked;
    EXPECT_EQ(bytes(h.sent()), flight);
  }
  void write(u32 n) { EXPECT_EQ(h.engine.send(p.conn, Harness::bytes(std::string(n, 'd')), 0, h.now).value_or(0), n); }
  void duplicates(int n) {
    for (int i = 0; i < n; ++i) p.ack();
  }
  // The timer expires: the oldest segment is sent again.
  void time_out() {
    const u64 before = h.count(Tcp::rto_expirations);
    while (h.count(Tcp::rto_expirations) == before) h.pass(10_ms);
    const auto out = h.sent();
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].seq, p.acked);
    EXPECT_EQ(out[0].len, mss);
  }
  [[nodiscard]] Info info() { return h.engine.info(p.conn); }

  Harness h;
  Peer p{h, {.wscale = u8{4}, .window = 1'000'000}};
  SeqNum first;
};

TEST_F(tcp_recovery_of_a_flight, the_timer_runs_on_after_the_first_partial_ack) {
  //= rfc6582#3.2 SHLD-2
  duplicates(3);
  h.pass(200_ms);
  p.ack(first + 2 * mss);  // the first partial one: the timer begins anew
  for (u32 i = 3; i <= 4; ++i) {
    h.pass(140_ms);
    EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
    p.ack(first + i * mss);
  }
  h.pass(40_ms);
  EXPECT_EQ(h.count(Tcp::partial_acks), 3u);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 1u) << "a loss per round trip is repaired more slowly than by slow start";
  EXPECT_EQ(info().cwnd, mss);
  EXPECT_EQ(info().ssthresh, flight / 2) << "cut once for one flight, without what limited transmit has added";
}

TEST_F(tcp_recovery_of_a_flight, the_end_of_fast_recovery_begins_the_timer_anew) {
  duplicates(3);
  h.pass(200_ms);
  p.ack(first + 2 * mss);
  h.pass(200_ms);
  p.ack(h.tcb(p.conn).recover);
  h.sent();
  h.pass(200_ms);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
  h.pass(200_ms);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 1u);
}

TEST_F(tcp_recovery_of_a_flight, duplicate_acks_where_fast_recovery_ended_are_of_another_loss) {
  duplicates(3);
  h.sent();
  p.ack(h.tcb(p.conn).recover);
  ASSERT_GE(bytes(h.sent()), 2 * mss);
  duplicates(3);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 2u);
}

TEST_F(tcp_recovery_of_a_flight, duplicate_acks_of_what_a_timeout_sent_again_are_no_loss) {
  //= rfc6582#3.2 MUST-1
  h.sysctl.tcp_frto = false;  // it would find the timeout needless
  time_out();
  p.ack(first + 2 * mss);  // the rest had arrived, which is not known yet: it is sent again
  EXPECT_GE(h.sent().size(), 1u);
  p.ack(first + flight);
  const u32 cwnd = info().cwnd, ssthresh = info().ssthresh;
  EXPECT_GE(h.sent().size(), 1u);
  duplicates(5);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 0u);
  EXPECT_EQ(info().cwnd, cwnd);
  EXPECT_EQ(info().ssthresh, ssthresh);
  p.ack(first + flight + mss);  // beyond what the timeout was about
  duplicates(3);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
}

TEST_F(tcp_recovery_of_a_flight, a_timeout_after_progress_cuts_what_slow_start_may_reach_once_more) {
  time_out();
  EXPECT_EQ(info().ssthresh, flight / 2);
  time_out();
  EXPECT_EQ(info().ssthresh, flight / 2) << "the same segment again";
  for (u32 i = 0; i < 3; ++i) p.ack(p.acked + mss);
  EXPECT_EQ(info().cwnd, 4 * mss);
  h.sent();
  time_out();
  EXPECT_EQ(info().ssthresh, 2 * mss);
  EXPECT_EQ(info().cwnd, mss);
}

TEST_F(tcp_recovery_of_a_flight, an_ack_that_jumps_after_a_timeout_lets_no_burst_out) {
  //= rfc6582#3.2 SHLD-1
  h.tcb(p.conn).cwnd = 60 * mss;
  p.ack(first + mss);
  h.sent();
  EXPECT_GT(info().flight, 55 * mss);
  write(400 * mss);
  time_out();
  h.tcb(p.conn).cwnd = 60 * mss;  // as if half of it had been repaired by slow start
  p.ack(p.acked + mss);
  h.sent();
  p.ack(p.acked + info().flight);
  EXPECT_LE(bytes(h.sent()), 10 * mss);
  EXPECT_LE(info().cwnd, 10 * mss);
}

// What was sent again is listed for RACK, which takes it off: without SACK nobody would, so it is not.
TEST_F(tcp_recovery_of_a_flight, without_sack_no_list_of_retransmissions_grows) {
  for (int i = 0; i < 50; ++i) {
    duplicates(3);
    p.ack(h.tcb(p.conn).snd_nxt);
    h.sent();
    static_cast<void>(h.engine.send(p.conn, Harness::bytes(std::string(40 * mss, 'd')), 0, h.now));  // as much as there is room for
    h.sent();
  }
  EXPECT_GE(h.count(Tcp::fast_retransmits), 40u);
  EXPECT_TRUE(h.engine.context().senders[h.tcb(p.conn).sender].resent.empty());
}

// The peer had it all the time, its ACK was lost: what it echoes now is the first copy's, sent a time-out ago and more.
TEST(tcp_recovery, an_echo_from_before_the_retransmission_is_no_measure_of_the_round_trip) {
  for (const bool of_the_copy : {false, true}) {
    Harness h;
    Peer p(h, {.timestamps = true});
    p.open();
    ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes(std::string(100, 'd')), 0, h.now));
    p.theirs = wire::parse_options(h.sent().at(0).options)->ts_val;
    const u32 srtt = h.engine.info(p.conn).srtt_us;
    while (h.count(Tcp::rto_expirations) < 3) h.pass(10_ms);
    const auto again = h.sent();
    ASSERT_EQ(again.size(), 3u);
    if (of_the_copy) p.theirs = wire::parse_options(again[2].options)->ts_val;
    h.pass(30_ms);
    p.ack(p.acked + 100);
    EXPECT_EQ(h.engine.info(p.conn).backoff, of_the_copy ? 0 : 3);
    EXPECT_LE(h.engine.info(p.conn).srtt_us, of_the_copy ? 40'000u : srtt);
  }
}

}  // namespace
}  // namespace weir::tcp::test
