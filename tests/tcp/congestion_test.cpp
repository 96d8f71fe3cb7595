// Windows and timers by their numbers: RFC 5681 3.1, 3.2, 4.1; RFC 3042; RFC 6298 2, 3, 5.
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

using Numbers = std::vector<u32>;

struct tcp_congestion : SackFlight {
  tcp_congestion() : SackFlight({.wscale = u8{3}, .window = 500'000, .rtt = rtt}) {}
};

TEST_F(tcp_congestion, slow_start_adds_what_is_acknowledged_and_stops_at_ssthresh) {
  //= rfc5681#3.1 SHLD-1, SHLD-2
  tcb().ssthresh = 13 * mss;
  flight(10, 60);
  p.ack(at(1));
  EXPECT_EQ(info().cwnd, 11 * mss);
  p.ack(at(2));
  EXPECT_EQ(info().cwnd, 12 * mss);
  p.ack(at(4));
  EXPECT_EQ(info().cwnd, 13 * mss);
}

TEST_F(tcp_congestion, above_ssthresh_a_window_of_acks_adds_one_segment) {
  //= rfc5681#3.1 MUST-4
  tcb().ssthresh = 10 * mss;
  flight(10, 60);
  for (u32 i = 1; i < 10; ++i) {
    p.ack(at(i));
    EXPECT_EQ(info().cwnd, 10 * mss) << i;
  }
  p.ack(at(10));
  EXPECT_EQ(info().cwnd, 11 * mss);
  for (u32 i = 11; i <= 20; ++i) p.ack(at(i));
  EXPECT_EQ(info().cwnd, 11 * mss);
  p.ack(at(21));
  EXPECT_EQ(info().cwnd, 12 * mss);
}

TEST_F(tcp_congestion, a_window_that_is_not_used_does_not_grow) {
  //= rfc7661#4.1 MUST-1
  tcb().cwnd = 20 * mss;
  write(5);
  for (u32 i = 1; i <= 5; ++i) p.ack(at(i));
  EXPECT_EQ(info().cwnd, 20 * mss);
}

TEST_F(tcp_congestion, after_a_loss_ssthresh_is_half_of_the_flight_but_two_segments_at_least) {
  //= rfc5681#3.1 MUST-5, MUST-7
  //= rfc5681#3.2 MUST-9, MUST-10
  tcb().cwnd = 4 * mss;
  write(4);
  numbers();
  for (int i = 0; i < 3; ++i) p.ack();
  EXPECT_EQ(numbers(), Numbers{0});
  EXPECT_EQ(info().ssthresh, 2 * mss);
  p.ack(at(4));
  EXPECT_EQ(info().cwnd, 2 * mss);
  first = at(4);
  tcb().cwnd = 3 * mss;
  flight(3);
  time_out();
  EXPECT_EQ(info().ssthresh, 2 * mss) << "not one and a half";
  EXPECT_EQ(info().cwnd, mss);
}

// RFC 3042 2: at most two, and no third before the retransmission.
TEST_F(tcp_congestion, the_first_two_duplicates_let_one_new_segment_out_each_and_the_window_stays) {
  //= rfc3042#2 SHLD-1, MUST-2, MUST-3
  //= rfc5681#3.2 SHLD-5, SHLD-6, MUST-8
  flight(10, 60);
  p.ack();
  EXPECT_EQ(numbers(), Numbers{10});
  p.ack();
  EXPECT_EQ(numbers(), Numbers{11});
  EXPECT_EQ(info().cwnd, 10 * mss);
  EXPECT_EQ(h.count(Tcp::limited_transmits), 2u);
  p.ack();
  EXPECT_EQ(numbers(), Numbers{0});
  EXPECT_EQ(info().ssthresh, 5 * mss) << "of what cwnd let out";
}

TEST_F(tcp_congestion, limited_transmit_stays_within_the_window_of_the_peer) {
  //= rfc3042#2 MUST-1
  //= rfc5681#3 MUST-1
  p.window(10 * mss);
  p.ack();
  flight(10, 60);
  p.ack();
  p.ack();
  EXPECT_EQ(numbers(), Numbers{});
}

// RFC 5681 2: data, another window, or nothing in flight make it no duplicate.
TEST_F(tcp_congestion, what_is_no_duplicate_ack_is_not_counted_as_one) {
  //= rfc5681#2 MUST-13
  flight(10, 60);
  for (u32 i = 0; i < 5; ++i) {
    p.window(480'000 - i * 16'000);
    p.ack();
    p.data(100);
  }
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 0u);
  EXPECT_EQ(h.count(Tcp::dup_acks_in), 0u);
  for (const Seg& s : h.sent()) EXPECT_EQ(s.len, 0u);
}

TEST_F(tcp_congestion, after_an_idle_time_no_more_than_the_initial_window_leaves_at_once) {
  //= rfc5681#4.1 SHLD-8
  for (const bool on : {true, false}) {
    h.sysctl.tcp_slow_start_after_idle = on;
    tcb().cwnd = 60 * mss;
    h.pass(30_s);
    write(60);
    const u32 n = static_cast<u32>(numbers().size());
    EXPECT_EQ(n, on ? 10u : 60u);
    for (u32 i = 0; i < 200 && info().flight != 0; ++i) p.ack(tcb().snd_nxt);
    h.sent();
    ASSERT_EQ(info().unsent, 0u);
    first = p.acked;
  }
}

TEST_F(tcp_congestion, a_small_window_does_not_grow_by_idleness) {
  tcb().cwnd = 4 * mss;
  h.pass(30_s);
  write(20);
  EXPECT_EQ(numbers().size(), 4u);
}

TEST_F(tcp_congestion, the_initial_window_follows_the_segment_size) {
  //= rfc5681#3.1 MUST-2
  for (const auto& [size, bytes] : std::vector<std::pair<u16, u32>>{{536, 5'360}, {1'460, 14'600}}) {
    Harness other;
    Peer q(other, {.mss = size});
    q.open();
    EXPECT_EQ(other.engine.info(q.conn).cwnd, bytes);
  }
}

// -- RFC 6298
struct tcp_rto : SackFlight {
  tcp_rto() : SackFlight({.wscale = u8{3}, .window = 500'000, .rtt = 400_ms}) {}
  void sample(Duration d) {
    write(1);
    h.pass(d);
    ASSERT_EQ(h.count(Tcp::rto_expirations), 0u);
    p.ack(at(1));
    first = at(1);
    h.sent();
  }
};

TEST_F(tcp_rto, the_first_measurement_is_the_mean_and_half_of_it_the_deviation) {
  //= rfc6298#2 MUST-1
  EXPECT_EQ(info().srtt_us, 400'000u);
  EXPECT_EQ(info().rttvar_us, 200'000u);
  EXPECT_EQ(info().rto_us, 1'200'000u);
}

TEST_F(tcp_rto, later_ones_count_an_eighth_and_a_quarter_the_deviation_first) {
  //= rfc6298#2 MUST-2, MUST-3
  sample(480_ms);
  EXPECT_EQ(info().rttvar_us, 170'000u) << "3/4 of 200 and 1/4 of 80: from the mean before this one";
  EXPECT_EQ(info().srtt_us, 410'000u);
  EXPECT_EQ(info().rto_us, 410'000u + 4 * 170'000u);
}

TEST_F(tcp_rto, it_stays_between_the_bounds) {
  //= rfc6298#2.5 MAY-1
  h.sysctl.tcp_rto_min_ms = 1'000;
  for (int i = 0; i < 60; ++i) sample(10_ms);
  EXPECT_EQ(info().rto_us, 1'000'000u);
  h.sysctl.tcp_rto_max_ms = 60'000;
  tcb().rto_us = 60'000'000;
  sample(50_s);
  EXPECT_LE(info().rto_us, 60'000'000u);
  EXPECT_GE(info().rto_us, 7'000'000u);
}

TEST_F(tcp_rto, a_steady_path_keeps_a_floor_under_the_deviation) {
  //= rfc6298#2 MUST-3
  for (int i = 0; i < 60; ++i) sample(400_ms);
  EXPECT_LT(info().rttvar_us, 1'000u);
  EXPECT_EQ(info().rto_us, info().srtt_us + 200'000u);
}

TEST_F(tcp_rto, the_timer_runs_while_something_is_in_flight_and_each_new_ack_restarts_it) {
  //= rfc6298#5.1 MUST-6
  //= rfc6298#5.2 MUST-7
  //= rfc6298#5.3 MUST-8
  EXPECT_EQ(info().timer, Timer::none);
  write(3);
  EXPECT_EQ(info().timer, Timer::retransmit);
  h.pass(1_s);
  write(1);  // does not restart it
  p.ack(at(1));
  h.pass(1_s);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u) << "1.2 s after the ACK, or nearly";
  p.ack(at(4));
  EXPECT_EQ(info().timer, Timer::none);
  h.pass(60_s);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
}

TEST_F(tcp_rto, more_data_does_not_restart_it) {
  //= rfc6298#5.1 MUST-6
  write(1);
  h.pass(1_s);
  write(1);
  h.pass(250_ms);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 1u);
}

TEST_F(tcp_rto, on_expiry_the_earliest_is_sent_and_the_time_doubles_up_to_its_bound) {
  //= rfc6298#5.4 MUST-9
  //= rfc6298#5.5 MUST-10
  //= rfc6298#5.6 MUST-11
  //= rfc6298#2.5 MAY-1
  write(3);
  numbers();
  Duration last{};
  for (int i = 0; i < 8; ++i) {
    const Instant before = h.now;
    time_out();
    EXPECT_EQ(numbers(), Numbers{0});
    const Duration gap = h.now - before;
    if (i > 0 && i < 6) {
      EXPECT_NEAR(gap.s(), 2 * last.s(), 0.03) << i;
    }
    EXPECT_LE(gap, 120_s + 10_ms);
    last = gap;
    if (i == 5) h.sysctl.tcp_rto_max_ms = 30'000;
    if (i == 7) {
      EXPECT_NEAR(gap.s(), 30, 0.03);
    }
  }
}

// Karn: of two copies none is timed, and the back-off stays until something was sent once.
TEST_F(tcp_rto, what_was_sent_twice_is_not_timed) {
  //= rfc6298#3 MUST-4
  write(1);
  time_out();
  const u32 srtt = info().srtt_us, backoff = info().backoff;
  EXPECT_EQ(backoff, 1u);
  h.pass(20_ms);
  p.ack(at(1));
  EXPECT_EQ(info().srtt_us, srtt);
  EXPECT_EQ(info().backoff, 1u);
}

}  // namespace
}  // namespace weir::tcp::test
