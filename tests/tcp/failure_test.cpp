// What becomes of data that gets no answer or no leave to go: R1 and R2, corking, pushes, urgent data of any length (RFC 9293
// 3.8.3, 3.8.5, 3.9.1.2).
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

u32 send(Harness& h, u32 c, usize n, u32 flags = 0) {
  return h.engine.send(c, Harness::bytes(std::string(n, 'd')), flags, h.now).value_or(0);
}

TEST(tcp_failure, after_r1_ip_doubts_the_path_and_the_user_may_know) {
  //= rfc9293#3.8.3 MUST-20
  //= rfc9293#3.8.3 SHLD-9, SHLD-10
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 100);
  h.sent();
  u32 again = 0;
  while (h.suspected == 0) {
    ASSERT_LT(again, 10u);
    h.now = h.engine.next_deadline();
    h.engine.advance(h.now, 10);
    again += static_cast<u32>(h.sent().size());
  }
  EXPECT_GE(again, 3u);
  EXPECT_EQ(h.engine.info(p.conn).state, State::established);
  EXPECT_EQ(*h.engine.get_option(p.conn, Option::error), ETIMEDOUT);
  p.ack(p.acked + 100);  // it was only slow
  EXPECT_EQ(*h.engine.get_option(p.conn, Option::error), 0);
}

TEST(tcp_failure, r2_is_at_least_100_s_and_set_per_connection_or_by_the_netns) {
  //= rfc9293#3.8.3 SHLD-11
  EXPECT_EQ(Sysctl{}.tcp_retries2, 15u);
  for (const u32 retries : {3u, 15u}) {
    Harness h;
    h.sysctl.tcp_retries2 = retries;
    Peer p(h);
    p.open();
    send(h, p.conn, 100);
    const Instant start = h.now;
    while (h.engine.info(p.conn).state == State::established) {
      h.now = h.engine.next_deadline();
      h.engine.advance(h.now, 10);
      h.sent();
    }
    EXPECT_EQ(h.now - start > 100_s, retries == 15);
  }
}

TEST(tcp_failure, what_is_corked_or_not_pushed_leaves_in_bounded_time) {
  //= rfc9293#3.9.1.2 MUST-60
  for (const bool cork : {false, true}) {
    Harness h;
    Peer p(h);
    p.open();
    ASSERT_TRUE(h.engine.set_option(p.conn, Option::cork, cork, h.now));
    send(h, p.conn, 10, SendFlags::more);
    EXPECT_EQ(h.sent().size(), 0u);
    h.pass(1_s);
    const auto out = h.sent();
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(out[0].len, 10u);
  }
}

TEST(tcp_failure, a_fast_retransmission_is_no_measure_of_the_round_trip) {
  //= rfc9293#3.8.1 MUST-18
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 14'600);
  h.sent();
  const u32 srtt = h.engine.info(p.conn).srtt_us;
  h.now = h.now + 70_ms;
  for (int i = 0; i < 3; ++i) p.ack();
  ASSERT_EQ(h.count(Tcp::fast_retransmits), 1u);
  h.now = h.now + 70_ms;
  p.ack(p.acked + 14'600);
  EXPECT_EQ(h.engine.info(p.conn).srtt_us, srtt);
}

TEST(tcp_failure, pushes_in_a_row_become_one) {
  //= rfc9293#3.9.1.2 SHLD-27
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 14'600);
  h.sent();
  for (int i = 0; i < 5; ++i) send(h, p.conn, 100);  // held back: cwnd is full
  p.ack(p.acked + 14'600);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].len, 500u);
  EXPECT_TRUE(out[0].has(F::psh));
}

TEST(tcp_failure, urgent_data_may_be_longer_than_a_pointer_can_say) {
  //= rfc9293#3.8.5 MUST-31
  Harness h(1, {.gso_bytes = 1'460});
  Peer p(h, {.wscale = u8{4}, .window = 400'000});
  p.open();
  p.ack();
  h.tcb(p.conn).cwnd = 400'000;
  ASSERT_EQ(send(h, p.conn, 150'000, SendFlags::oob), 150'000u);
  const SeqNum end = p.acked + 150'000;
  u32 marked = 0;
  for (const Seg& s : h.sent()) {
    EXPECT_TRUE(s.has(F::urg));
    EXPECT_EQ(s.up, std::min<u32>(end - s.seq, 0xffff));
    ++marked;
  }
  EXPECT_GT(marked, 100u);
  // And the other way: a pointer that moves on with every segment.
  u32 got = 0;
  for (int i = 0; i < 100; ++i) {
    Seg s = p.make(F::ack | F::urg, 1'000);
    s.up = 0xffff;
    p.say(s);
    p.next += 1'000;
    EXPECT_NE(h.engine.ready(p.conn) & Ready::priority, 0u);
    std::vector<char> in(2'000);
    got += h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now).value_or(0);
  }
  EXPECT_EQ(got, 100'000u);
}

}  // namespace
}  // namespace weir::tcp::test
