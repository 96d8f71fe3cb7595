// What a sender makes of SACK blocks: RFC 2018 5 and 8, and blocks that cannot be (RFC 2018 has no word for them: they do nothing).
#include "tests/tcp/sack_flight.hpp"

namespace weir::tcp::test {
namespace {

struct tcp_sack_sender : SackFlight {};

TEST_F(tcp_sack_sender, blocks_that_cannot_be_do_nothing) {
  flight(10);
  p.ack(at(2));
  h.pass(10_ms);
  const wire::SackBlock impossible[] = {
      {at(10), at(11)},        // never sent
      {at(9), at(10) + 1},     // ends beyond what was sent
      {at(1), at(4)},          // begins before what is acknowledged
      {at(8), at(5)},          // the wrong way round
      {at(5), at(5)},          // empty
      {at(5) + 0x8000'0000u, at(6) + 0x8000'0000u},
      {at(2) - 1, at(10)},     // all but one byte is in flight
  };
  u64 n = 0;
  for (const auto& b : impossible) {
    p.sack({b});
    EXPECT_EQ(h.count(Tcp::sack_discarded), ++n);
    EXPECT_EQ(sender().board.sacked(), 0u) << n;
    EXPECT_EQ(h.count(Tcp::dsacks_in), 0u) << n;
  }
  EXPECT_EQ(numbers(), std::vector<u32>{});
  EXPECT_EQ(tcb().path, Path::open);
  p.sack({block(10, 12), block(5, 6), block(1, 9)});
  EXPECT_EQ(sender().board.sacked(), mss) << "the one between them counts";
}

TEST_F(tcp_sack_sender, without_permission_blocks_are_no_option) {
  Harness other;
  Peer q(other);
  q.open();
  ASSERT_TRUE(other.engine.send(q.conn, Harness::bytes(std::string(10 * mss, 'd')), 0, other.now));
  other.sent();
  q.sack({{q.acked + 5 * mss, q.acked + 10 * mss}});
  EXPECT_EQ(other.count(Tcp::fast_retransmits), 0u);
  EXPECT_TRUE(other.sent().empty());
}

TEST_F(tcp_sack_sender, only_what_is_missing_is_sent_again_lowest_first) {
  //= rfc2018#5 SHLD-4, SHLD-5
  //= rfc6675#4 MUST-1
  //= rfc6675#5 MUST-6
  flight(10);
  h.pass(rtt);
  p.sack({block(6, 10), block(2, 4)});
  std::vector<u32> again = numbers();
  ASSERT_FALSE(again.empty());
  for (u32 i = 0; i < 20 && again.size() < 4; ++i) {
    h.pass(rtt);
    p.ack(at(again.back() == 0 ? 1 : again.back() == 1 ? 4 : again.back() + 1));
    for (const u32 k : numbers()) again.push_back(k);
  }
  EXPECT_EQ(again, (std::vector<u32>{0, 1, 4, 5}));
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
}

TEST_F(tcp_sack_sender, a_timeout_sends_what_is_oldest_and_keeps_in_mind_what_has_arrived) {
  //= rfc2018#8 MUST-7
  //= rfc6675#5.1 SHLD-1
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 10)});
  numbers();
  h.sysctl.tcp_frto = false;
  time_out();
  EXPECT_EQ(numbers(), (std::vector<u32>{0})) << "the left edge first";
  EXPECT_EQ(h.count(Tcp::sack_reneged), 0u);
  EXPECT_EQ(sender().board.sacked(), 5 * mss);
  for (u32 i = 1; i < 5; ++i) p.sack({block(5, 10)}, at(i));
  for (const u32 k : numbers()) EXPECT_LT(k, 5u) << "has arrived";
}

// The peer acknowledges up to a block that it had told of, and not the block: it has thrown it away.
TEST_F(tcp_sack_sender, what_the_peer_has_thrown_away_is_sent_again_after_a_timeout) {
  //= rfc2018#8 MUST-6, MUST-7
  flight(10);
  h.pass(rtt);
  p.sack({block(5, 10)});
  h.pass(rtt);
  p.ack(at(5));
  EXPECT_EQ(sender().board.sacked(), 5 * mss);
  numbers();
  time_out();
  EXPECT_EQ(h.count(Tcp::sack_reneged), 1u);
  EXPECT_EQ(sender().board.sacked(), 0u);
  EXPECT_EQ(numbers(), (std::vector<u32>{5}));
  p.ack(at(6));
  EXPECT_EQ(numbers(), (std::vector<u32>{6, 7}));
  p.ack(at(8));
  EXPECT_EQ(numbers(), (std::vector<u32>{8, 9}));
  p.ack(at(10));
  EXPECT_EQ(info().flight, 0u);
}

}  // namespace
}  // namespace weir::tcp::test
