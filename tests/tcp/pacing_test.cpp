// Pacing: SO_MAX_PACING_RATE is a rate over any time, in pieces of about a millisecond, and nothing is held back without it.
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

constexpr u32 mss = 1'460;

u32 bytes(const std::vector<Seg>& out) {
  u32 n = 0;
  for (const Seg& s : out) n += s.len;
  return n;
}

struct tcp_pacing : testing::Test {
  tcp_pacing() { p.open(); }
  void limit(i64 bytes_per_second) { ASSERT_TRUE(h.engine.set_option(p.conn, Option::max_pacing_rate, bytes_per_second, h.now)); }
  void write(u32 n) { EXPECT_EQ(h.engine.send(p.conn, Harness::bytes(std::string(n, 'd')), 0, h.now).value_or(0), n); }
  Harness h;
  Peer p{h};
};

TEST_F(tcp_pacing, segments_leave_one_by_one_at_the_rate) {
  limit(100 * mss);
  write(10 * mss);
  EXPECT_EQ(bytes(h.sent()), mss) << "the first goes at once";
  for (u32 i = 1; i < 10; ++i) {
    h.pass(9_ms + 999_us);
    EXPECT_EQ(bytes(h.sent()), 0u) << i;
    h.pass(1_us);
    EXPECT_EQ(bytes(h.sent()), mss) << i;
  }
}

TEST_F(tcp_pacing, at_a_high_rate_a_piece_is_what_a_millisecond_takes) {
  limit(4'000 * mss);
  write(10 * mss);
  const auto first = h.sent();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].len, 4 * mss);
  h.pass(1_ms);
  EXPECT_EQ(bytes(h.sent()), 4 * mss);
}

TEST_F(tcp_pacing, time_that_was_not_used_is_no_credit) {
  limit(100 * mss);
  write(mss);
  p.ack(p.acked + bytes(h.sent()));
  h.pass(1_s);
  write(5 * mss);
  EXPECT_EQ(bytes(h.sent()), mss);
}

TEST_F(tcp_pacing, what_is_sent_again_is_paced_too) {
  limit(100 * mss);
  write(10 * mss);
  h.pass(100_ms);
  ASSERT_EQ(bytes(h.sent()), 10 * mss);
  const u64 before = h.count(Tcp::rto_expirations);
  while (h.count(Tcp::rto_expirations) == before) h.pass(1_ms);
  h.sent();
  p.ack(p.acked + mss);
  h.pass(9_ms);
  EXPECT_LE(bytes(h.sent()), mss);
}

TEST_F(tcp_pacing, without_a_rate_the_window_goes_at_once) {
  write(10 * mss);
  EXPECT_EQ(bytes(h.sent()), 10 * mss);
}

TEST_F(tcp_pacing, a_connection_that_ends_while_it_waits_is_forgotten) {
  limit(10 * mss);
  write(5 * mss);
  h.sent();
  h.engine.abort(p.conn, h.now);
  h.sent();
  h.pass(1_s);
  EXPECT_TRUE(h.sent().empty());
}

}  // namespace
}  // namespace weir::tcp::test
