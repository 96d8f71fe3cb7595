// Retransmissions that were needless: F-RTO (RFC 5682 2.1, 3.1), Eifel (RFC 3522 3.2), D-SACK (RFC 3708), and what is put back (RFC 4015 3).
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

using Numbers = std::vector<u32>;

struct tcp_frto_with_sack : SackFlight {
  explicit tcp_frto_with_sack(PeerOptions o = {.wscale = u8{3}, .window = 500'000, .sack = true, .rtt = rtt}) : SackFlight(o) {
    h.sysctl.tcp_early_retrans = 0;
    flight(10, 20);
    time_out();
    EXPECT_EQ(numbers(), Numbers{0});
    EXPECT_EQ(info().cwnd, mss);
    EXPECT_EQ(info().ssthresh, 5 * mss);
    h.pass(10_ms);
  }
  void expect_needless() {
    EXPECT_EQ(h.count(Tcp::spurious_timeouts), 1u);
    EXPECT_EQ(h.count(Tcp::undone), 1u);
    EXPECT_GE(info().cwnd, 10 * mss);
    EXPECT_GT(info().ssthresh, 10 * mss);
    EXPECT_EQ(h.count(Tcp::retrans_segs), 1u) << "nothing more was sent again";
  }
  void expect_genuine() {
    EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
    EXPECT_EQ(h.count(Tcp::undone), 0u);
    EXPECT_LE(info().cwnd, 3 * mss);
    EXPECT_EQ(info().ssthresh, 5 * mss);
    EXPECT_EQ(tcb().path, Path::loss);
  }
};

struct tcp_frto : tcp_frto_with_sack {
  tcp_frto() : tcp_frto_with_sack({.wscale = u8{3}, .window = 500'000, .rtt = rtt}) {}
};

TEST_F(tcp_frto, two_acks_that_advance_mean_that_the_timeout_was_needless) {
  //= rfc5682#2.1 SHLD-1, SHLD-2, SHLD-3
  //= rfc5682#4 MAY-1
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{10, 11})) << "new data is tried before anything is sent again";
  p.ack(at(2));
  expect_needless();
}

TEST_F(tcp_frto, a_duplicate_ack_after_the_first_means_that_it_was_not) {
  //= rfc5682#2.1 MUST-4
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{10, 11}));
  p.ack();
  expect_genuine();
  p.ack(at(2));
  const Numbers out = numbers();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
  EXPECT_LT(out[0], 10u) << "the rest is sent again";
}

TEST_F(tcp_frto, a_duplicate_ack_at_once_too) {
  //= rfc5682#2.1 MUST-2
  p.ack();
  expect_genuine();
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  p.ack(at(2));
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
}

TEST_F(tcp_frto, everything_acknowledged_at_once_proves_nothing) {
  //= rfc5682#2.1 MUST-3
  p.ack(at(10));
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
  EXPECT_EQ(info().ssthresh, 5 * mss);
  EXPECT_LE(info().cwnd, 10 * mss);
}

TEST_F(tcp_frto, a_second_timeout_of_the_same_segment_is_not_questioned) {
  //= rfc5682#2.1 MUST-1
  //= rfc5681#3.1 MUST-6
  time_out();
  EXPECT_EQ(numbers(), Numbers{0});
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  p.ack(at(2));
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
}

TEST_F(tcp_frto_with_sack, what_was_sent_once_and_before_the_timeout_has_arrived) {
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{10, 11}));
  p.ack(at(2));
  expect_needless();
}

TEST_F(tcp_frto_with_sack, so_it_has_if_a_block_says_so) {
  //= rfc5682#3.1 SHLD-4
  p.ack(at(1));
  numbers();
  p.sack({block(3, 4)});
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 1u);
  EXPECT_GE(info().cwnd, 10 * mss);
}

// All of the flight was lost. The new data that was tried has arrived: that it was sent once says nothing of the timeout.
TEST_F(tcp_frto_with_sack, the_arrival_of_what_was_sent_after_the_timeout_means_that_it_was_genuine) {
  //= rfc5682#3.1 MUST-5
  p.ack(at(1));
  EXPECT_EQ(numbers(), (Numbers{10, 11}));
  h.pass(rtt);
  p.sack({block(10, 11)});
  expect_genuine();
  const Numbers out = numbers();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0], 1u);
  p.sack({block(10, 12)});
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
}

struct tcp_eifel : SackFlight {
  explicit tcp_eifel(const Origin& from = Origin::of_environment())
      : SackFlight({.wscale = u8{3}, .timestamps = true, .window = 500'000, .sack = true, .rtt = rtt}, from), size(tcb().snd_mss) {
    h.sysctl.tcp_frto = false;
    h.sysctl.tcp_early_retrans = 0;
    tcb().cwnd = 10 * size;
    EXPECT_TRUE(h.engine.send(p.conn, Harness::bytes(std::string(10 * size, 'd')), 0, h.now));
    const auto out = h.sent();
    EXPECT_EQ(bytes_of(out), 10 * size);
    p.theirs = original = wire::parse_options(out.at(0).options)->ts_val;
    cwnd = info().cwnd;
    ssthresh = info().ssthresh;
    h.pass(rtt);
  }
  u32 copy_stamp() {
    const auto out = h.sent();
    EXPECT_FALSE(out.empty());
    return out.empty() ? 0 : wire::parse_options(out[0].options)->ts_val;
  }
  void fast_retransmit() {
    p.sack({{first + 7 * size, first + 10 * size}});
    ASSERT_EQ(h.count(Tcp::fast_retransmits), 1u);
    copy = copy_stamp();
    EXPECT_NE(copy, original);
    EXPECT_LT(info().ssthresh, cwnd);
    h.pass(5_ms);
  }
  u32 size, original = 0, copy = 0, cwnd = 0, ssthresh = 0;
};

TEST_F(tcp_eifel, an_echo_from_before_a_fast_retransmission_puts_the_window_back) {
  //= rfc3522#3.2 eifel
  //= rfc4015#3 response
  fast_retransmit();
  p.sack({{first + 7 * size, first + 10 * size}}, first + size);
  EXPECT_EQ(h.count(Tcp::undone), 1u);
  EXPECT_GE(info().cwnd, cwnd);
  EXPECT_EQ(info().ssthresh, ssthresh);
}

TEST_F(tcp_eifel, an_echo_of_the_retransmission_does_not) {
  fast_retransmit();
  p.theirs = copy;
  h.pass(rtt);
  p.sack({{first + 7 * size, first + 10 * size}}, first + size);
  EXPECT_EQ(h.count(Tcp::undone), 0u);
  EXPECT_LT(info().ssthresh, cwnd);
}

TEST_F(tcp_eifel, an_echo_from_before_a_timeout_puts_the_window_back) {
  //= rfc3522#3.2 eifel
  time_out();
  copy = copy_stamp();
  p.ack(first + size);
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 1u);
  EXPECT_GE(info().cwnd, cwnd);
  EXPECT_EQ(info().ssthresh, ssthresh);
}

TEST_F(tcp_eifel, an_echo_of_what_the_timeout_sent_does_not) {
  time_out();
  p.theirs = copy_stamp();
  h.pass(rtt);
  p.ack(first + size);
  EXPECT_EQ(h.count(Tcp::spurious_timeouts), 0u);
  EXPECT_LE(info().cwnd, 2 * size);
}

// The first thing that arrives is a copy that proves nothing of when it was sent: RACK knows no time yet, and must not take 0 for one.
struct tcp_eifel_at_other_clocks : tcp_eifel {
  tcp_eifel_at_other_clocks() : tcp_eifel({.clock_ms = 3'000'000}) {}
};

TEST_F(tcp_eifel_at_other_clocks, what_is_put_back_stays) {
  time_out();
  copy = copy_stamp();
  p.ack(first + size);
  EXPECT_EQ(h.count(Tcp::undone), 1u);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 0u);
  EXPECT_GE(info().cwnd, cwnd);
}

struct tcp_dsack_undo : SackFlight {
  tcp_dsack_undo() {
    flight(10);
    h.pass(rtt);
    p.sack({block(2, 10)});
    again = numbers();
    h.pass(rtt);
    p.sack({block(2, 10)});
    EXPECT_EQ(info().ssthresh, 5 * mss);
  }
  Numbers again;
};

TEST_F(tcp_dsack_undo, if_all_that_was_sent_again_came_twice_the_window_is_put_back) {
  //= rfc3708#2 d-sack
  p.ack(at(10));
  for (const u32 k : numbers()) again.push_back(k);
  ASSERT_EQ(again, (Numbers{0, 1}));
  p.sack({block(0, 1)});
  EXPECT_EQ(h.count(Tcp::undone), 0u) << "one of two";
  EXPECT_LE(info().cwnd, 5 * mss);
  p.sack({block(1, 2)});
  EXPECT_EQ(h.count(Tcp::undone), 1u);
  EXPECT_GE(info().cwnd, 10 * mss);
  EXPECT_GT(info().ssthresh, 10 * mss);
}

}  // namespace
}  // namespace weir::tcp::test
