// Proportional rate reduction (RFC 9937 6): how much leaves for how much arrives, and where the window ends.
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

struct tcp_prr : SackFlight {
  u32 out() { return bytes_of(h.sent()); }
};

// One of twenty is lost: Reno halves, so one segment leaves for two that arrive.
TEST_F(tcp_prr, above_ssthresh_what_leaves_is_in_proportion_to_what_arrives) {
  //= rfc9937#6.1 MUST-1
  //= rfc9937#6.2 MUST-2
  flight(20, 40);
  h.pass(rtt);
  u32 sent = 0;
  for (u32 arrived = 3; arrived < 20; ++arrived) {
    p.sack({block(1, 1 + arrived)});
    sent += out();
    const u32 due = arrived * mss / 2;
    EXPECT_GE(sent + mss, due) << arrived;
    EXPECT_LE(sent, in_flight(tcb(), sender()) > 10 * mss ? std::max(due, mss) : 10 * mss) << arrived;
  }
  EXPECT_EQ(info().ssthresh, 10 * mss);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
  h.pass(rtt);
  const SeqNum recover = tcb().recover;
  p.ack(recover);
  EXPECT_EQ(tcb().path, Path::open);
  EXPECT_EQ(info().cwnd, 10 * mss) << "ends at ssthresh";
}

// Fifteen of twenty: less than ssthresh is in flight at once. What arrived may leave; while losses are found no more than that.
TEST_F(tcp_prr, below_ssthresh_it_is_packet_conservation_where_losses_are_found_and_slow_start_where_not) {
  //= rfc9937#6.2 MUST-3, MUST-4
  flight(20, 40);
  h.pass(rtt);
  p.sack({block(15, 20)});
  EXPECT_EQ(info().ssthresh, 10 * mss);
  EXPECT_EQ(out(), 5 * mss) << "five have arrived";
  h.pass(rtt);
  p.sack({block(15, 20)}, at(1));
  EXPECT_EQ(out(), 2 * mss) << "one has, SND.UNA moves, and nothing more is missing";
  p.sack({block(2, 3), block(15, 20)});
  EXPECT_EQ(out(), mss) << "SND.UNA does not move";
}

TEST_F(tcp_prr, below_ssthresh_no_more_is_in_flight_than_ssthresh) {
  //= rfc9937#6.2 MUST-5
  flight(20, 40);
  h.pass(rtt);
  p.sack({block(15, 20)});
  out();
  for (u32 i = 1; i < 15; ++i) {
    h.pass(5_ms);
    p.sack({block(15, 20)}, at(i));
    out();
    EXPECT_LE(in_flight(tcb(), sender()), 10 * mss) << i;
  }
  h.pass(rtt);
  p.ack(tcb().recover);
  EXPECT_EQ(info().cwnd, 10 * mss);
}

TEST_F(tcp_prr, the_first_retransmission_leaves_in_any_case) {
  flight(20, 40);
  h.pass(rtt);
  p.sack({block(19, 20)});
  EXPECT_EQ(out(), mss) << "new data in its place (limited transmit)";
  h.pass(12_ms);  // the reordering window is over: no ACK comes with that
  EXPECT_GE(h.count(Tcp::retrans_segs), 1u);
}

// RFC 5681 3.2, RFC 6675 5: one reduction for all losses of one window.
TEST_F(tcp_prr, several_losses_of_one_window_cut_it_once) {
  //= rfc5681#4.3 SHLD-7
  //= rfc6675#5 MUST-5
  //= rfc2018#5 MUST-8
  flight(20, 40);
  h.pass(rtt);
  p.sack({block(1, 5)});
  const u32 ssthresh = info().ssthresh;
  EXPECT_EQ(ssthresh, 10 * mss);
  p.sack({block(6, 11), block(1, 5)});
  p.sack({block(12, 20), block(6, 11), block(1, 5)});
  h.pass(rtt);
  p.sack({block(12, 20), block(6, 11)}, at(5));
  EXPECT_EQ(info().ssthresh, ssthresh);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
  p.ack(tcb().recover);
  EXPECT_EQ(info().cwnd, ssthresh);
}

}  // namespace
}  // namespace weir::tcp::test
