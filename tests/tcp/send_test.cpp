// What is sent and when: Nagle, silly windows, probes, retransmission, keepalive (RFC 9293 3.7.4, 3.8; RFC 6298, 5681, 6582).
#include <cstdlib>

#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

u32 send(Harness& h, u32 c, usize n) { return h.engine.send(c, Harness::bytes(std::string(n, 'd')), 0, h.now).value_or(0); }

u32 bytes(const std::vector<Seg>& out) {
  u32 n = 0;
  for (const Seg& s : out) n += s.len;
  return n;
}

// Times, in ms, at which something is sent during the next `d`.
std::vector<i64> times(Harness& h, Duration d) {
  std::vector<i64> at;
  const Instant start = h.now, end = h.now + d;
  while (h.engine.next_deadline() <= end) {
    h.now = std::max(h.now, h.engine.next_deadline());
    h.engine.advance(h.now, 100);
    if (!h.sent().empty()) at.push_back((h.now - start).ms());
  }
  h.now = end;
  return at;
}

TEST(tcp_send, a_small_segment_waits_for_the_acknowledgment_of_the_last_small_one) {
  //= rfc9293#3.7.4 SHLD-7
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 10);
  EXPECT_EQ(bytes(h.sent()), 10u);
  send(h, p.conn, 10);
  send(h, p.conn, 10);
  EXPECT_EQ(h.sent().size(), 0u);
  p.ack(p.acked + 10);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].len, 20u);
}

TEST(tcp_send, no_delay_sends_at_once) {
  //= rfc9293#3.7.4 MUST-17
  Harness h;
  Peer p(h);
  p.open();
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::no_delay, 1, h.now));
  for (int i = 0; i < 5; ++i) {
    send(h, p.conn, 1);
    EXPECT_EQ(bytes(h.sent()), 1u);
  }
}

TEST(tcp_send, the_last_segment_of_a_write_is_pushed) {
  //= rfc9293#3.9.1.2 MUST-61
  //= rfc9293#3.9.1.2 SHLD-28
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 3'000);
  const auto out = h.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(out.back().has(F::psh));
  EXPECT_EQ(out[0].gso.size, 1460u);
  EXPECT_EQ(bytes(out), 3'000u);
}

TEST(tcp_send, ten_segments_are_the_initial_window) {
  //= rfc5681#3.1 MUST-2
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 100'000);
  EXPECT_EQ(bytes(h.sent()), 14'600u);
}

TEST(tcp_send, a_lost_syn_ack_makes_the_initial_window_one_segment_and_the_rto_3_s) {
  //= rfc5681#3.1 MUST-3
  //= rfc6298#5.7 MUST-12
  Harness h;
  Peer p(h);
  h.inject({.seq = p.next, .flags = F::syn, .options = options({.mss = u16{1460}})});
  const Seg first = h.sent().at(0);
  h.pass(1_s);
  EXPECT_EQ(h.sent().size(), 1u);
  p.next += 1;
  p.acked = first.seq + 1;
  p.ack();
  const u32 c = *h.engine.accept(p.listener, h.now);
  send(h, c, 100'000);
  EXPECT_EQ(bytes(h.sent()), 1460u);
  EXPECT_EQ(h.engine.info(c).rto_us, 3'000'000u);
}

TEST(tcp_send, the_window_is_a_number_without_a_sign) {
  //= rfc9293#3.1 MUST-1, REC-1
  Harness h;
  Peer p(h, {.wscale = u8{14}, .window = 0x3fff'c000});
  p.open();
  p.ack();
  EXPECT_EQ(h.engine.info(p.conn).snd_wnd, 0x3fff'c000u);
  send(h, p.conn, 5'000);
  EXPECT_EQ(bytes(h.sent()), 5'000u);
}

TEST(tcp_send, a_closed_window_is_probed_for_ever_with_growing_gaps_and_opens) {
  //= rfc9293#3.8.6.1 MUST-36
  //= rfc9293#3.8.6.1 MUST-37
  //= rfc9293#3.8.6.1 SHLD-29
  //= rfc9293#3.8.6.1 SHLD-30
  //= rfc9293#3.8.6 MUST-35
  Harness h;
  Peer p(h, {.window = 0});
  p.open();
  send(h, p.conn, 1'000);
  EXPECT_EQ(h.sent().size(), 0u);
  std::vector<i64> gaps;
  Instant last = h.now;
  const Instant end = h.now + 24_s * 3'600;
  while (h.now < end) {
    h.now = h.engine.next_deadline();
    h.engine.advance(h.now, 100);
    for (const Seg& s : h.sent()) {
      EXPECT_EQ(s.len, 0u);
      EXPECT_EQ(s.seq, p.acked - 1);
      gaps.push_back((h.now - last).ms());
      last = h.now;
      p.ack();  // still no window
    }
  }
  ASSERT_GT(gaps.size(), 700u);
  const i64 expected[] = {200, 400, 800, 1'600, 3'200, 6'400, 12'800, 25'600, 51'200, 102'400, 120'000, 120'000};
  for (usize i = 0; i < std::size(expected); ++i) EXPECT_LE(std::abs(gaps[i] - expected[i]), 2) << i;
  EXPECT_EQ(h.engine.info(p.conn).state, State::established);
  p.window(65'535);
  p.ack();
  EXPECT_EQ(bytes(h.sent()), 1'000u);
}

TEST(tcp_send, a_lost_window_update_is_recovered_by_a_probe) {
  Harness h;
  Peer p(h, {.window = 2'920});
  p.open();
  send(h, p.conn, 6'920);
  EXPECT_EQ(bytes(h.sent()), 2'920u);
  p.window(0);
  p.ack(p.acked + 2'920);
  EXPECT_EQ(times(h, 250_ms).size(), 1u);
  p.window(8'000);  // the update itself was lost; this is the answer to the probe
  p.ack();
  EXPECT_EQ(bytes(h.sent()), 4'000u);
}

TEST(tcp_send, a_peer_that_shrinks_its_window_is_survived) {
  //= rfc9293#3.8.6 MUST-34
  //= rfc9293#3.8.6 SHLD-15
  //= rfc9293#3.8.6 SHLD-16
  //= rfc9293#3.8.6 SHLD-17
  Harness h;
  Peer p(h, {.window = 8'760});
  p.open();
  send(h, p.conn, 20'000);
  EXPECT_EQ(bytes(h.sent()), 8'760u);
  p.window(3'000);
  p.ack(p.acked + 1'460);  // the right edge is 4,300 bytes further left than it was
  EXPECT_EQ(h.sent().size(), 0u);
  for (int i = 0; i < 40; ++i) {  // what lies within the window is sent again; the connection does not die
    times(h, 1_s);
    p.ack();
  }
  EXPECT_EQ(h.engine.info(p.conn).state, State::established);
  p.window(30'000);
  p.ack(p.acked + 7'300);
  EXPECT_GT(bytes(h.sent()), 0u);
}

TEST(tcp_send, no_silly_segment_into_a_small_opening) {
  //= rfc9293#3.8.6.2.1 MUST-38
  Harness h;
  Peer p(h, {.window = 20'000});
  p.open();
  send(h, p.conn, 100'000);
  const u32 sent = bytes(h.sent());
  p.window(0);
  p.ack(p.acked + sent);
  for (u32 w = 1; w < 1'460; w += 200) {
    p.window(w);
    p.ack();
    EXPECT_EQ(h.sent().size(), 0u) << w;
  }
  p.window(1'460);
  p.ack();
  EXPECT_EQ(bytes(h.sent()), 1'460u);
}

TEST(tcp_send, what_the_window_holds_back_goes_after_the_override_timeout) {
  Harness h;
  Peer p(h, {.window = 20'000});
  p.open();
  send(h, p.conn, 50'000);
  const u32 sent = bytes(h.sent());
  p.window(500);
  p.ack(p.acked + sent);
  EXPECT_EQ(h.sent().size(), 0u);
  h.pass(250_ms);
  EXPECT_EQ(bytes(h.sent()), 500u);
}

TEST(tcp_send, the_rto_backs_off_and_stays_backed_off_until_a_clean_sample) {
  //= rfc9293#3.8.1 MUST-18
  //= rfc9293#3.8.2 MUST-19
  Harness h;
  h.sysctl.tcp_mtu_probing = 0;  // the segments keep their size
  Peer p(h);
  p.open();
  h.tcb(p.conn).rto_us = 200'000;
  send(h, p.conn, 1'000);
  h.sent();
  const auto at = times(h, 7_s);
  ASSERT_EQ(at.size(), 5u);
  const i64 expected[] = {200, 600, 1'400, 3'000, 6'200};
  for (usize i = 0; i < at.size(); ++i) EXPECT_LE(std::abs(at[i] - expected[i]), 2);
  const u32 srtt = h.engine.info(p.conn).srtt_us;
  p.ack(p.acked + 1'000);  // which of the copies? no sample, and no end of the back-off
  EXPECT_EQ(h.engine.info(p.conn).srtt_us, srtt);
  EXPECT_EQ(h.engine.info(p.conn).backoff, 5u);
  send(h, p.conn, 1'000);
  h.sent();
  h.now = h.now + 50_ms;
  p.ack(p.acked + 1'000);
  EXPECT_EQ(h.engine.info(p.conn).backoff, 0u);
}

TEST(tcp_send, r2_ends_a_connection_that_nobody_answers) {
  //= rfc9293#3.8.3 MUST-20
  //= rfc9293#3.8.3 SHLD-11
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 1'000);
  const Instant start = h.now;
  while (h.engine.info(p.conn).state == State::established) {
    ASSERT_NE(h.engine.next_deadline(), Instant::never());
    h.now = h.engine.next_deadline();
    h.engine.advance(h.now, 10);
    h.sent();
  }
  EXPECT_GE(h.now - start, 100_s);
  char in[1];
  EXPECT_EQ(h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now).error(), Errc::timed_out);
}

TEST(tcp_send, the_user_may_set_r2) {
  //= rfc9293#3.8.3 MUST-21
  Harness h;
  Peer p(h);
  p.open();
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::user_timeout, (5_s).ns, h.now));
  send(h, p.conn, 10);
  times(h, 14_s);
  EXPECT_EQ(h.engine.info(p.conn).state, State::closed);
}

TEST(tcp_send, a_syn_is_retried_and_given_up) {
  //= rfc9293#3.8.3 MUST-22
  //= rfc9293#3.8.3 MUST-23
  for (const bool rfc : {false, true}) {
    Harness h;
    h.sysctl = rfc ? Sysctl::rfc_profile() : Sysctl::linux_profile();
    const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
    ASSERT_EQ(h.engine.connect(c, h.peer, h.now).error(), Errc::in_progress);
    const Instant start = h.now;
    while (h.engine.info(c).state == State::syn_sent) {
      h.now = h.engine.next_deadline();
      h.engine.advance(h.now, 10);
      h.sent();
    }
    EXPECT_GE((h.now - start).s(), rfc ? 180.0 : 120.0);
    EXPECT_LE((h.now - start).s(), rfc ? 260.0 : 130.0);
    EXPECT_EQ(*h.engine.get_option(c, Option::error), ETIMEDOUT);
  }
}

TEST(tcp_send, three_duplicate_acks_repair_one_loss_before_the_rto) {
  //= rfc9937#6.3 MUST-7
  //= rfc5681#3.2 SHLD-5, MUST-9, MUST-10
  //= rfc6582#3.2 MUST-4
  Harness h;
  h.sysctl.tcp_congestion_control = static_cast<u8>(cc::Kind::reno);
  Peer p(h);
  p.open();
  send(h, p.conn, 14'600);
  EXPECT_EQ(bytes(h.sent()), 14'600u);
  const SeqNum lost = p.acked;
  p.ack();
  p.ack();
  EXPECT_EQ(h.sent().size(), 0u);
  p.ack();
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].seq, lost);
  EXPECT_EQ(out[0].len, 1'460u);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
  EXPECT_EQ(h.engine.info(p.conn).ssthresh, 7'300u);
  p.ack(lost + 14'600);
  EXPECT_LE(h.engine.info(p.conn).cwnd, 7'300u);
  EXPECT_EQ(h.count(Tcp::rto_expirations), 0u);
}

TEST(tcp_send, a_partial_ack_in_recovery_means_the_next_segment_is_lost_too) {
  //= rfc6582#3.2 MUST-3
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 14'600);
  h.sent();
  for (int i = 0; i < 3; ++i) p.ack();
  EXPECT_EQ(h.sent().size(), 1u);
  p.ack(p.acked + 2'920);
  const auto out = h.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0].seq, p.acked);
  EXPECT_EQ(h.count(Tcp::partial_acks), 1u);
  EXPECT_EQ(h.count(Tcp::fast_retransmits), 1u);
}

TEST(tcp_send, the_first_duplicate_acks_let_a_new_segment_out) {
  //= rfc3042#2 SHLD-1, MUST-3
  Harness h;
  Peer p(h);
  p.open();
  send(h, p.conn, 50'000);
  h.sent();
  p.ack();
  EXPECT_EQ(bytes(h.sent()), 1'460u);
  p.ack();
  EXPECT_EQ(bytes(h.sent()), 1'460u);
}

TEST(tcp_send, keepalive_is_off_by_default_and_tolerates_lost_probes) {
  //= rfc9293#3.8.4 MUST-24
  //= rfc9293#3.8.4 MUST-25
  //= rfc9293#3.8.4 MUST-27
  //= rfc9293#3.8.4 MUST-28
  //= rfc9293#3.8.4 MUST-29
  //= rfc9293#3.8.4 SHLD-12
  Harness h;
  Peer p(h);
  p.open();
  EXPECT_EQ(times(h, 30_s * 86'400).size(), 0u);
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive, 1, h.now));
  h.tcb(p.conn).last_rx_ms = h.engine.context().now_ms;
  auto at = times(h, 7'201_s);
  ASSERT_EQ(at.size(), 1u);
  EXPECT_LE(std::abs(at[0] - 7'200'000), 2);
  p.ack();
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive_idle, (10_s).ns, h.now));
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive_interval, (1_s).ns, h.now));
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive_count, 3, h.now));
  at = times(h, 12'500_ms);
  EXPECT_EQ(at.size(), 3u);
  p.ack();  // late, but there
  at = times(h, 30_s);
  EXPECT_EQ(h.engine.info(p.conn).state, State::closed);
  EXPECT_EQ(*h.engine.get_option(p.conn, Option::error), ETIMEDOUT);
}

TEST(tcp_send, no_keepalive_probe_while_there_is_traffic) {
  //= rfc9293#3.8.4 MUST-26
  Harness h;
  Peer p(h);
  p.open();
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive_idle, (10_s).ns, h.now));
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::keepalive, 1, h.now));
  char in[16];
  for (int i = 0; i < 20; ++i) {
    h.pass(9_s);
    h.sent();
    p.data(1);
    h.sent();
    static_cast<void>(h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now));
  }
  EXPECT_EQ(h.count(Tcp::keepalive_probes), 0u);
}

TEST(tcp_send, urgent_data_points_to_the_byte_after_it) {
  //= rfc9293#3.8.5 MUST-62
  //= rfc9293#3.8.5 MUST-31
  Harness h;
  Peer p(h);
  p.open();
  ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes("abc!"), SendFlags::oob, h.now));
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::urg));
  EXPECT_EQ(out[0].up, 4u);
}

TEST(tcp_send, the_isn_follows_a_clock_and_differs_by_key_and_tuple) {
  //= rfc9293#3.4.1 MUST-8
  //= rfc9293#3.4.1 MUST-9
  //= rfc9293#3.4.1 SHLD-1
  const auto isn = [](u64 seed, Duration later, u16 port) {
    Harness h(seed);
    h.now = h.now + later;
    h.peer.port = port;
    h.engine.advance(h.now, 0);
    const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
    EXPECT_TRUE(h.engine.bind(c, {h.here.addr, 2'000, 0}, h.now));
    static_cast<void>(h.engine.connect(c, h.peer, h.now));
    return h.sent().at(0).seq;
  };
  EXPECT_EQ(isn(1, 1_s, 80) - isn(1, 0_s, 80), 250'000u);
  EXPECT_NE(isn(1, 0_s, 80), isn(2, 0_s, 80));
  EXPECT_NE(isn(1, 0_s, 80), isn(1, 0_s, 81));
}

TEST(tcp_send, ttl_and_traffic_class_are_the_users) {
  //= rfc9293#3.9.2 MUST-49
  //= rfc9293#3.9.1.9 MUST-48
  //= rfc9293#3.9.1.9 SHLD-21
  //= rfc9293#3.9.1.9 SHLD-22
  Harness h;
  Peer p(h);
  p.open();
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::ttl, 7, h.now));
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::tos, 0xb8, h.now));
  send(h, p.conn, 1);
  const buf::PacketId id = h.out.pop(h.pool);
  const auto v = wire::Ipv4View::parse(h.pool.first_run(id), h.pool[id].length);
  ASSERT_TRUE(v);
  EXPECT_EQ(v->ttl(), 7);
  EXPECT_EQ(v->tos(), 0xb8);
  h.pool.release(id);
}

TEST(tcp_send, nobody_connects_to_a_group_or_to_everybody) {
  //= rfc9293#3.9.1.1 MUST-46
  for (const char* to : {"224.0.0.1", "255.255.255.255", "240.0.0.1"}) {
    Harness h;
    const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
    EXPECT_EQ(h.engine.connect(c, {*IpAddr::parse(to), 80, 0}, h.now).error(), Errc::net_unreachable) << to;
    EXPECT_EQ(h.sent().size(), 0u);
  }
  Harness h;
  const u32 c = *h.engine.open(Harness::ns, Family::v6, 5);
  EXPECT_FALSE(h.engine.connect(c, {*IpAddr::parse("ff02::1"), 80, 0}, h.now));
  EXPECT_EQ(h.sent().size(), 0u);
}

TEST(tcp_send, listening_does_not_disturb_connections_of_the_port) {
  //= rfc9293#3.9.1.1 MUST-41
  //= rfc9293#3.9.1.1 MUST-42
  //= rfc9293#3.9.1.1 MUST-43
  //= rfc9293#3.9.1.1 MUST-44
  Harness h;
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
  ASSERT_TRUE(h.engine.set_option(c, Option::reuse_address, 1, h.now));
  ASSERT_TRUE(h.engine.bind(c, {h.here.addr, 80, 0}, h.now));
  ASSERT_EQ(h.engine.connect(c, h.peer, h.now).error(), Errc::in_progress);
  const u32 l = *h.engine.open(Harness::ns, Family::v4, 6);
  ASSERT_TRUE(h.engine.set_option(l, Option::reuse_address, 1, h.now));
  ASSERT_TRUE(h.engine.bind(l, {Ip4Addr::any(), 80, 0}, h.now));
  EXPECT_TRUE(h.engine.listen(l, 1, h.now));
  const u32 late = *h.engine.open(Harness::ns, Family::v4, 7);
  ASSERT_TRUE(h.engine.set_option(late, Option::reuse_address, 1, h.now));
  EXPECT_EQ(h.engine.bind(late, {Ip4Addr::any(), 80, 0}, h.now).error(), Errc::addr_in_use);  // of a listener there is one
  EXPECT_EQ(h.engine.info(c).state, State::syn_sent);
  const Seg syn = h.sent().at(0);
  h.inject({.seq = SeqNum{9}, .ack = syn.seq + 1, .flags = F::syn | F::ack});
  EXPECT_EQ(h.engine.info(c).state, State::established);
}

}  // namespace
}  // namespace weir::tcp::test
