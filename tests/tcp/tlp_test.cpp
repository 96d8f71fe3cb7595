// Tail loss probes: RFC 8985 7. The round trip is 40 ms.
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

using Numbers = std::vector<u32>;

struct tcp_tlp : SackFlight {
  tcp_tlp() { tcb().rto_us = 1'000'000; }
  void probe() {
    const u64 before = h.count(Tcp::tail_loss_probes);
    for (int i = 0; i < 500 && h.count(Tcp::tail_loss_probes) == before; ++i) h.pass(1_ms);
    ASSERT_EQ(h.count(Tcp::tail_loss_probes), before + 1);
  }
};

TEST_F(tcp_tlp, after_two_round_trips_the_last_segment_is_sent_again) {
  //= rfc8985#7.2 SHLD-8
  //= rfc8985#7.3 MUST-11
  flight(10);
  h.pass(78_ms);
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(8_ms);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].seq, at(9));
  EXPECT_EQ(out[0].len, mss);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 1u);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
}

TEST_F(tcp_tlp, a_lone_segment_has_the_time_of_a_delayed_ack_more) {
  //= rfc8985#7.2 SHLD-9
  flight(1);
  h.pass(275_ms);
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(10_ms);
  EXPECT_EQ(numbers(), Numbers{0});
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 1u);
}

TEST_F(tcp_tlp, never_later_than_the_timeout) {
  //= rfc8985#7.2 SHLD-10
  tcb().rto_us = 60'000;
  flight(10);
  h.pass(70_ms);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 0u);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 1u);
}

TEST_F(tcp_tlp, new_data_is_the_better_probe_even_beyond_cwnd) {
  //= rfc8985#7.3 MUST-10
  flight(10, 5);
  probe();
  EXPECT_EQ(numbers(), Numbers{10});
  EXPECT_EQ(h.count(Tcp::retrans_segs), 0u);
}

TEST_F(tcp_tlp, new_data_that_the_peer_has_no_room_for_is_not_sent) {
  //= rfc8985#7.3 MUST-10, MUST-11
  p.window(10 * mss);
  p.ack();
  flight(10);
  write(5);
  EXPECT_EQ(numbers(), Numbers{});
  probe();
  EXPECT_EQ(numbers(), Numbers{9});
}

TEST_F(tcp_tlp, one_probe_a_flight_and_then_the_timeout_counted_from_it) {
  //= rfc8985#7.3 MUST-12, MUST-13
  flight(10);
  probe();
  numbers();
  h.pass(980_ms);
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(40_ms);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 1u);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 1u);
}

TEST_F(tcp_tlp, an_ack_of_new_data_begins_the_time_anew) {
  flight(10);
  h.pass(70_ms);
  p.ack(at(2));
  numbers();
  h.pass(70_ms);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 0u);
  h.pass(30_ms);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 1u);
}

TEST_F(tcp_tlp, no_probe_where_something_has_arrived_out_of_order_or_is_being_repaired) {
  //= rfc8985#7.2 MUST-9
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 10)});
  numbers();
  p.sack({block(5, 10)}, at(1));
  h.pass(900_ms);
  EXPECT_EQ(h.count(Tcp::tail_loss_probes), 0u);
}

TEST_F(tcp_tlp, no_probe_without_sack_or_where_the_netns_says_so) {
  //= rfc8985#7.2 MUST-9
  for (const bool sack : {false, true}) {
    Harness other;
    if (sack) other.sysctl.tcp_early_retrans = 0;
    Peer q(other, {.sack = sack, .rtt = rtt});
    q.open();
    other.tcb(q.conn).rto_us = 1'000'000;
    ASSERT_TRUE(other.engine.send(q.conn, Harness::bytes(std::string(10 * mss, 'd')), 0, other.now));
    other.sent();
    other.pass(950_ms);
    EXPECT_TRUE(other.sent().empty());
    EXPECT_EQ(other.count(Tcp::tail_loss_probes), 0u);
  }
}

// 7.4.2: the probe was the only copy that came. Nobody tells of it, but what lies beyond it is acknowledged without a D-SACK.
TEST_F(tcp_tlp, a_loss_that_the_probe_has_repaired_cuts_the_window) {
  //= rfc8985#7.4.2 MUST-14
  //= rfc8985#9.3 MUST-17
  flight(10);
  probe();
  h.pass(rtt);
  p.ack(at(10));
  EXPECT_EQ(h.count(Tcp::tail_losses), 0u) << "not known yet";
  write(5);
  h.sent();
  const u32 cwnd = info().cwnd;
  h.pass(rtt);
  p.ack(at(12));
  EXPECT_EQ(h.count(Tcp::tail_losses), 1u);
  EXPECT_LT(info().ssthresh, cwnd);
  EXPECT_EQ(tcb().path, Path::cwr);
}

TEST_F(tcp_tlp, both_copies_came_says_a_d_sack) {
  //= rfc8985#7.4.2 MUST-15
  flight(10);
  probe();
  p.ack(at(10));
  p.sack({block(9, 10)});
  EXPECT_EQ(h.count(Tcp::dsacks_in), 1u);
  write(5);
  h.sent();
  p.ack(at(12));
  EXPECT_EQ(h.count(Tcp::tail_losses), 0u);
  EXPECT_EQ(tcb().path, Path::open);
}

TEST_F(tcp_tlp, both_copies_came_says_a_duplicate_ack_where_the_peer_has_no_d_sack) {
  //= rfc8985#7.4.2 MUST-16
  flight(10);
  probe();
  p.ack(at(10));
  write(5);
  h.sent();
  p.ack();
  p.ack(at(12));
  EXPECT_EQ(h.count(Tcp::tail_losses), 0u);
}

TEST_F(tcp_tlp, a_probe_of_new_data_is_no_loss) {
  flight(10, 5);
  probe();
  h.pass(rtt);
  p.ack(at(11));
  h.sent();
  p.ack(at(13));
  EXPECT_EQ(h.count(Tcp::tail_losses), 0u);
}

}  // namespace
}  // namespace weir::tcp::test
