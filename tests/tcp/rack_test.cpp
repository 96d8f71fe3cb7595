// RACK: which segments are taken for lost, and when (RFC 8985 6.2). The round trip is 40 ms, a quarter of it the reordering window.
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

using Numbers = std::vector<u32>;

struct tcp_rack : SackFlight {
  // One flight of ten of which the last arrives first: none lost, but reordering has been seen.
  void reorder_once() {
    flight(10);
    h.pass(rtt);
    p.sack({block(9, 10)});
    p.ack(at(10));
    first = at(10);
    EXPECT_EQ(h.count(Tcp::retrans_segs), 0u);
    EXPECT_EQ(tcb().path, Path::open);
  }
  // Ten in flight, the last is told of: how long, in ms, until the rest is taken for lost.
  i64 patience() {
    flight(10);
    h.pass(rtt);
    p.sack({block(9, 10)});
    const u64 before = h.count(Tcp::fast_retransmits);
    i64 ms = 0;
    for (; ms < 150 && h.count(Tcp::fast_retransmits) == before; ++ms) h.pass(1_ms);
    p.ack(at(10));
    h.sent();
    first = at(10);
    EXPECT_EQ(tcb().path, Path::open);
    return ms;
  }
  // The peer has got a segment before `first` twice: one more round in which that is so.
  void came_twice() {
    flight(2);
    p.sack({{first - mss, first}});
    h.pass(rtt);
    p.ack(at(2));
    first = at(2);
  }
};

TEST_F(tcp_rack, what_was_sent_before_one_that_has_arrived_is_lost_when_the_window_for_reordering_is_over) {
  //= rfc8985#6.2 MUST-3, SHLD-3, MUST-7, SHLD-6
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 6)});
  EXPECT_EQ(info().timer, Timer::reorder);
  h.pass(8_ms);
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(4_ms);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
  EXPECT_EQ(numbers().at(0), 0u);
  EXPECT_EQ(sender().board.missing(), 5 * mss) << "what was sent at the same time and lies beyond is not judged";
}

TEST_F(tcp_rack, what_arrives_within_the_window_was_not_lost) {
  //= rfc8985#6.2 SHLD-3
  flight(10);
  h.pass(rtt);
  p.sack({block(9, 10)});
  h.pass(7_ms);
  p.ack(at(10));
  h.pass(300_ms);
  EXPECT_EQ(h.count(Tcp::retrans_segs), 0u);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 0u);
}

TEST_F(tcp_rack, three_that_have_arrived_leave_no_doubt_until_reordering_was_seen) {
  //= rfc8985#6.2 SHLD-2
  //= rfc6675#4 MUST-3
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 7)});
  EXPECT_EQ(numbers(), Numbers{});
  p.sack({block(5, 8)});
  const Numbers out = numbers();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0], 0u);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
}

TEST_F(tcp_rack, once_reordering_was_seen_three_are_no_proof) {
  //= rfc8985#6.2 MUST-5, SHLD-2
  reorder_once();
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 10)});
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(8_ms);
  EXPECT_EQ(numbers(), Numbers{});
  h.pass(4_ms);
  EXPECT_EQ(numbers().at(0), 0u);
}

TEST_F(tcp_rack, a_copy_that_arrives_late_is_no_reordering) {
  //= rfc8985#6.2 MUST-5
  flight(10);
  h.pass(rtt);
  p.sack({block(2, 10)});
  h.pass(5_ms);
  p.sack({block(2, 10)});
  EXPECT_EQ(numbers().size(), 2u);
  h.pass(rtt);
  p.ack(at(10));
  EXPECT_FALSE(sender().rack.reordered);
}

// ACKs were lost: one brings two blocks that are new, in the order that the receiver must give them, the newer one first.
TEST_F(tcp_rack, the_order_of_blocks_in_an_ack_is_no_reordering) {
  //= rfc8985#6.2 MUST-5
  flight(10);
  h.pass(rtt);
  p.sack({block(6, 7), block(3, 4)});
  EXPECT_FALSE(sender().rack.reordered);
  p.sack({block(8, 9), block(6, 7), block(3, 4)});
  const Numbers out = numbers();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0], 0u) << "three have arrived, in order";
}

TEST_F(tcp_rack, by_time_and_not_by_number) {
  //= rfc8985#5.1 MUST-1
  //= rfc8985#6.2 MUST-7
  reorder_once();
  h.tcb(p.conn).cwnd = 10 * mss;
  write(5);
  h.pass(30_ms);
  write(5);
  h.sent();
  h.pass(10_ms);
  p.sack({block(4, 5)});  // what was sent later is not in question, whatever becomes of the first five
  h.pass(12_ms);
  const Numbers again = numbers();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0], 0u);
  EXPECT_EQ(sender().board.missing(), 4 * mss);
}

TEST_F(tcp_rack, a_retransmission_that_is_lost_is_sent_again_when_a_later_one_has_arrived) {
  //= rfc8985#6.2 MUST-8
  flight(10, 20);
  h.pass(rtt);
  p.sack({block(3, 10)});
  Numbers again = numbers();
  ASSERT_EQ(again.at(0), 0u);
  h.pass(5_ms);
  p.sack({block(3, 10)});
  h.pass(rtt);
  for (const u32 k : numbers()) again.push_back(k);
  ASSERT_GE(again.size(), 2u);
  const u32 last = again.back();
  ASSERT_GE(last, 1u);
  p.sack({block(last, last + 1), block(3, 10)});  // arrived, and what was sent before it has not
  h.pass(50_ms);
  const Numbers more = numbers();
  EXPECT_NE(std::find(more.begin(), more.end(), 0u), more.end());
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
}

// Sooner than the shortest round trip ever: it is the original that has arrived, and tells nothing of when the copy was sent.
TEST_F(tcp_rack, a_copy_that_is_acknowledged_too_soon_tells_nothing) {
  //= rfc8985#6.2 MUST-4
  flight(10);
  h.pass(rtt);
  p.sack({block(7, 10)});
  ASSERT_EQ(h.count(Tcp::fast_retransmits), 1u);
  const u32 sent_at = sender().rack.xmit_us;
  h.pass(5_ms);
  p.sack({block(7, 10)}, at(1));
  EXPECT_EQ(sender().rack.xmit_us, sent_at);
  h.pass(rtt);
  p.sack({block(7, 10)}, at(2));
  EXPECT_GT(sender().rack.xmit_us, sent_at) << "this one may be";
}

TEST_F(tcp_rack, each_round_with_a_duplicate_widens_the_window_up_to_a_round_trip) {
  //= rfc8985#6.2 SHLD-4, MUST-6
  //= rfc2883#5 SHLD-2
  reorder_once();
  EXPECT_NEAR(static_cast<double>(patience()), 10, 2);
  came_twice();
  EXPECT_NEAR(static_cast<double>(patience()), 20, 2);
  came_twice();
  EXPECT_NEAR(static_cast<double>(patience()), 30, 2);
  for (int i = 0; i < 5; ++i) came_twice();
  EXPECT_LE(patience(), info().srtt_us / 1'000 + 2);
}

TEST_F(tcp_rack, duplicates_of_one_round_widen_it_once) {
  //= rfc8985#6.2 SHLD-4
  //= rfc2883#5 SHLD-2
  reorder_once();
  flight(10);
  for (u32 i = 0; i < 4; ++i) p.sack({{first - (i + 1) * mss, first - i * mss}});
  EXPECT_EQ(h.count(Tcp::dsacks_in), 4u);
  h.pass(rtt);
  p.ack(at(10));
  first = at(10);
  EXPECT_NEAR(static_cast<double>(patience()), 20, 2);
}

TEST_F(tcp_rack, sixteen_recoveries_without_a_duplicate_narrow_it_again) {
  //= rfc8985#6.2 SHLD-5
  reorder_once();
  came_twice();
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(static_cast<double>(patience()), 20, 3) << i;
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 16u);
  EXPECT_NEAR(static_cast<double>(patience()), 10, 3);
}

TEST_F(tcp_rack, a_timeout_takes_the_oldest_for_lost_and_of_the_others_only_what_is_old_enough) {
  h.sysctl.tcp_early_retrans = 0;
  h.sysctl.tcp_frto = false;
  h.tcb(p.conn).cwnd = 20 * mss;
  write(5);
  h.pass(200_ms);
  write(5);
  h.sent();
  time_out();
  EXPECT_EQ(numbers().at(0), 0u);
  EXPECT_TRUE(sender().board.missing() == 5 * mss || sender().board.missing() == 10 * mss);
}

}  // namespace
}  // namespace weir::tcp::test
