// What is counted of one connection: segments and octets each way, what was sent again, what held the sender back.
#include "tcp/counts.hpp"

#include "tcp/info.hpp"
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

struct tcp_counts_of_a_connection : testing::Test {
  void write(u32 n) { EXPECT_EQ(h.engine.send(p.conn, Harness::bytes(std::string(n, 'd')), 0, h.now).value_or(0), n); }
  [[nodiscard]] SendInfo info() {
    h.engine.context().set_now(h.now);
    return send_info(h.engine.context(), p.conn);
  }

  static constexpr u32 mss = 1'460;
  Harness h;
  Peer p{h, {.wscale = u8{4}, .window = 1'000'000}};
};

TEST_F(tcp_counts_of_a_connection, a_handshake_alone_makes_none) {
  p.open();
  EXPECT_EQ(h.tcb(p.conn).counts, 0u);
  EXPECT_EQ(h.engine.context().counted.live(), 0u);
}

TEST_F(tcp_counts_of_a_connection, segments_and_octets_each_way) {
  p.open();
  h.now = h.now + 1_s;
  write(3 * mss + 100);
  p.ack(p.acked + 3 * mss + 100);
  h.now = h.now + 2_s;
  p.data(500);
  const SendInfo i = info();
  EXPECT_EQ(i.counted.bytes_sent, 3 * mss + 100u);
  EXPECT_EQ(i.counted.data_segs_out, 4u);
  EXPECT_EQ(i.counted.segs_in, 4u) << "SYN, ACK, ACK, data";
  EXPECT_EQ(i.counted.data_segs_in, 1u);
  EXPECT_EQ(i.counted.retrans_bytes + i.counted.retrans_segs + i.counted.timeouts, 0u);
  EXPECT_EQ(i.last_data_out_ms, 2'000u);
  EXPECT_EQ(i.last_data_in_ms, 0u);
}

TEST_F(tcp_counts_of_a_connection, what_was_sent_again) {
  p.open();
  write(mss);
  while (h.count(Tcp::rto_expirations) < 2) h.pass(10_ms);
  const SendInfo i = info();
  EXPECT_EQ(i.counted.timeouts, 2u);
  EXPECT_GE(i.counted.retrans_segs, 2u);
  EXPECT_EQ(i.counted.retrans_bytes, u64{mss} * i.counted.retrans_segs);
  EXPECT_EQ(i.counted.bytes_sent, mss + i.counted.retrans_bytes);
  EXPECT_EQ(h.engine.info(p.conn).retransmitted, i.counted.retrans_segs);
}

TEST_F(tcp_counts_of_a_connection, fast_retransmits_and_the_delivery_rate) {
  p.open();
  const SeqNum first = p.acked;
  write(10 * mss);
  h.now = h.now + 100_ms;
  for (int k = 0; k < 3; ++k) p.ack();
  EXPECT_EQ(info().counted.fast_retransmits, 1u);
  EXPECT_EQ(info().counted.dup_acks_in, 3u);
  h.now = h.now + 100_ms;
  p.ack(first + 10 * mss);
  EXPECT_GT(info().delivery_rate, 0u);
  EXPECT_LT(info().delivery_rate, 10u * mss * 10) << "not more than all of it in a round trip";
}

TEST_F(tcp_counts_of_a_connection, what_holds_the_sender_back) {
  p.open();
  const SeqNum first = p.acked;
  write(mss);
  h.now = h.now + 40_ms;
  EXPECT_EQ(info().limited_us(Limit::path), 40'000u) << "it is on its way";
  Seg closed = p.make(F::ack);
  closed.ack = first + mss;
  closed.wnd = 0;
  h.inject(closed);
  EXPECT_EQ(info().limited_us(Limit::peer_window), 0u);
  h.now = h.now + 70_ms;
  EXPECT_EQ(info().limited_us(Limit::path), 40'000u) << "there was nothing to send";
  write(2 * mss);
  h.now = h.now + 30_ms;
  EXPECT_EQ(info().limited_us(Limit::peer_window), 30'000u);
  EXPECT_EQ(info().limited_us(Limit::path), 40'000u);
}

TEST_F(tcp_counts_of_a_connection, they_go_with_the_connection) {
  p.open();
  write(mss);
  EXPECT_EQ(h.engine.context().counted.live(), 1u);
  h.engine.abort(p.conn, h.now);
  h.engine.close(p.conn, h.now);
  EXPECT_EQ(h.engine.context().counted.live(), 0u);
}

}  // namespace
}  // namespace weir::tcp::test
