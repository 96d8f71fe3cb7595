// One segment in, exact segments out: acknowledging, windows, options, out-of-order data (RFC 9293 3.7, 3.8, 3.10.7.4).
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

std::string read_all(Harness& h, u32 c) {
  std::string all;
  char in[5'000];
  for (;;) {
    const auto n = h.engine.recv(c, std::as_writable_bytes(std::span{in}), 0, h.now);
    if (!n || *n == 0) return all;
    all.append(in, *n);
  }
}

TEST(tcp_receive, every_bit_of_a_segment_is_covered_by_its_checksum) {
  //= rfc9293#3.1 MUST-3
  Harness h;
  Peer p(h);
  p.open();
  const auto good = h.frame(p.make(F::ack | F::psh, 3));
  for (usize bit = 20 * 8; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const u64 before = h.dropped(Drop::tcp_bad_checksum) + h.dropped(Drop::tcp_bad_doff);
    h.give(bad);
    EXPECT_EQ(h.dropped(Drop::tcp_bad_checksum) + h.dropped(Drop::tcp_bad_doff), before + 1) << "bit " << bit;
  }
  EXPECT_EQ(h.sent().size(), 0u);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 0u);
}

TEST(tcp_receive, what_leaves_has_a_valid_checksum_field_or_a_partial_one_over_the_pseudo_header) {
  //= rfc9293#3.1 MUST-2
  for (const bool v6 : {false, true}) {
    Harness h;
    if (v6) h.here.addr = *IpAddr::parse("fd00::1"), h.peer.addr = *IpAddr::parse("fd00::2");
    Peer p(h);
    p.open();
    ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes("odd"), 0, h.now));
    const buf::PacketId id = h.out.pop(h.pool);
    ASSERT_EQ(h.pool[id].csum.kind, buf::CsumKind::partial);
    const u64 sum = h.pool.sum_from(id, static_cast<u32>(h.pool[id].l4 - h.pool[id].head));
    std::vector<std::byte> ip(h.pool[id].length);
    h.pool.copy_out(id, 0, ip);
    const usize l4 = static_cast<usize>(h.pool[id].l4 - h.pool[id].head);
    const u16 check = csum_finish(sum);
    std::memcpy(ip.data() + l4 + 16, &check, 2);
    EXPECT_TRUE(wire::transport_checksum_ok(Bytes{ip}.subspan(l4), h.here.addr, h.peer.addr, wire::proto::tcp));
    h.pool.release(id);
  }
}

TEST(tcp_receive, the_mss_is_announced_on_the_syn_and_never_again) {
  //= rfc9293#3.7.1 MUST-14, SHLD-5, MAY-3
  //= rfc9293#3.7.1 MUST-65
  //= rfc9293#3.7.3 SHLD-6
  //= rfc9293#3.7.1 MUST-67
  Harness h;
  h.mtu = 1400;
  Peer p(h);
  p.open();
  EXPECT_EQ(wire::parse_options(p.syn_ack.options)->mss, 1360);
  ASSERT_TRUE(h.engine.send(p.conn, Harness::bytes(std::string(3'000, 'x')), 0, h.now));
  for (const Seg& s : h.sent()) EXPECT_FALSE(wire::parse_options(s.options)->mss);
}

TEST(tcp_receive, without_an_mss_option_segments_are_of_the_default_size) {
  //= rfc9293#3.7.1 MUST-15
  for (const bool v6 : {false, true}) {
    Harness h;
    if (v6) h.here.addr = *IpAddr::parse("fd00::1"), h.peer.addr = *IpAddr::parse("fd00::2");
    Peer p(h, {.mss = {}});
    p.open();
    EXPECT_EQ(h.engine.info(p.conn).snd_mss, v6 ? 1220u : 536u);
  }
}

TEST(tcp_receive, the_segment_size_is_the_least_of_mss_and_path_less_the_options) {
  //= rfc9293#3.7.1 MUST-16
  Harness h;
  Peer big(h, {.mss = u16{9000}, .timestamps = true});
  big.open();
  EXPECT_EQ(h.engine.info(big.conn).snd_mss, 1500u - 40 - 12);
}

TEST(tcp_receive, the_second_segment_is_acknowledged_at_once_and_a_lone_one_within_40_ms) {
  //= rfc5681#4.2 SHLD-9, MUST-11
  //= rfc9293#3.8.6.3 SHLD-18
  //= rfc9293#3.8.6.3 SHLD-19
  //= rfc9293#3.8.6.3 MUST-40
  Harness h;
  Peer p(h);
  p.open();
  h.tcb(p.conn).quick_acks = 0;
  p.data(1460);
  EXPECT_EQ(h.sent().size(), 0u);
  p.data(1460);
  auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].ack, p.next);
  p.data(1460);
  EXPECT_EQ(h.sent().size(), 0u);
  h.pass(40_ms);
  EXPECT_EQ(h.sent().size(), 1u);
  EXPECT_EQ(h.count(Tcp::delayed_acks), 1u);
}

TEST(tcp_receive, a_batch_of_segments_is_one_acknowledgment) {
  //= rfc9293#3.10.7.4 MUST-58
  //= rfc9293#3.10.7.4 MUST-59
  Harness h;
  Peer p(h);
  p.open();
  const u64 before = h.count(Tcp::in_segs);
  std::vector<std::vector<std::byte>> batch;
  for (int i = 0; i < 10; ++i) {
    batch.push_back(h.frame(p.make(F::ack, 1460)));
    p.next += 1460;
  }
  h.give(batch);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].ack, p.next);
  EXPECT_EQ(h.count(Tcp::in_segs), before + 10);
}

TEST(tcp_receive, a_damaged_segment_in_a_batch_takes_no_other_with_it) {
  //= rfc9293#3.1 MUST-3
  Harness h;
  Peer p(h);
  p.open();
  std::string said;
  std::vector<std::vector<std::byte>> batch;
  for (const char c : {'a', 'b', 'c'}) {
    Seg s = p.make(F::ack);
    s.data = std::string(500, c);
    batch.push_back(h.frame(s));
    p.next += 500;
    said += s.data;
  }
  const auto whole = batch[1];
  batch[1].back() ^= std::byte{1};
  h.give(batch);
  EXPECT_EQ(h.dropped(Drop::tcp_bad_checksum), 1u);
  ASSERT_EQ(h.tcb(p.conn).rcv_nxt, p.next - 1000);
  h.give(whole);
  EXPECT_EQ(h.tcb(p.conn).rcv_nxt, p.next);
  EXPECT_EQ(read_all(h, p.conn), said);
}

TEST(tcp_receive, data_out_of_order_is_kept_and_each_piece_draws_a_duplicate_ack) {
  //= rfc5681#3.2 SHLD-3
  //= rfc9293#3.10.7.4 SHLD-31
  //= rfc9293#3.10.7.4 MAY-13
  Harness h;
  Peer p(h);
  p.open();
  const SeqNum hole = p.next;
  p.data_at(100, 100);
  p.data_at(300, 100);
  p.data_at(200, 100);
  auto out = h.sent();
  ASSERT_EQ(out.size(), 3u);
  for (const Seg& s : out) EXPECT_EQ(s.ack, hole);
  p.data(100);
  out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].ack, hole + 400);
  EXPECT_EQ(read_all(h, p.conn).size(), 400u);
  EXPECT_EQ(h.pool.buffers_in_use(), 0u);
}

TEST(tcp_receive, a_fin_out_of_order_waits_for_the_data_before_it) {
  Harness h;
  Peer p(h);
  p.open();
  p.data_at(100, 50, F::fin);
  EXPECT_EQ(h.engine.info(p.conn).state, State::established);
  p.data(100);
  EXPECT_EQ(h.engine.info(p.conn).state, State::close_wait);
  EXPECT_EQ(h.tcb(p.conn).rcv_nxt, p.next + 51);
  EXPECT_EQ(read_all(h, p.conn).size(), 150u);
}

TEST(tcp_receive, the_right_edge_never_retreats_and_moves_in_steps_of_a_segment) {
  //= rfc9293#3.8.6 SHLD-14
  //= rfc9293#3.8.6.2.2 MUST-39
  Harness h;
  h.sysctl.tcp_rmem = 20'000;
  Peer p(h);
  p.open();
  SeqNum edge = p.next + p.syn_ack.wnd;
  char one[1];
  for (int i = 0; i < 3'000; ++i) {
    if (h.tcb(p.conn).rcv_wnd() >= 500) p.data(500);
    for (const Seg& s : h.sent()) {
      const SeqNum now = s.ack + s.wnd;
      EXPECT_GE(now, edge);
      if (now > edge) {
        EXPECT_GE(now - edge, 500u);
      }
      edge = now;
    }
    static_cast<void>(h.engine.recv(p.conn, std::as_writable_bytes(std::span{one}), 0, h.now));
  }
}

TEST(tcp_receive, a_buffer_that_is_made_smaller_takes_back_nothing_of_the_window) {
  //= rfc9293#3.8.6 SHLD-14
  Harness h;
  h.sysctl.tcp_rmem = 1 << 20;  // the window is in units of 32
  Peer p(h, {.wscale = u8{7}});
  p.open();
  p.data(1);
  h.pass(Duration::seconds(1));
  const u8 shift = *wire::parse_options(p.syn_ack.options)->wscale;
  SeqNum edge{};
  ASSERT_TRUE(h.engine.set_option(p.conn, Option::receive_buffer, 4'096, h.now));
  for (const Seg& s : h.sent()) edge = s.ack + (s.wnd << shift);
  for (int i = 0; i < 100; ++i) {
    p.data(7);
    p.data(30);
    for (const Seg& s : h.sent()) {
      EXPECT_GE(s.ack + (s.wnd << shift), edge);
      edge = s.ack + (s.wnd << shift);
    }
  }
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 1u + 100 * 37);
}

TEST(tcp_receive, options_are_read_at_any_alignment_and_unknown_ones_are_ignored) {
  //= rfc9293#3.2 MUST-64
  //= rfc9293#3.1 MUST-6
  //= rfc9293#3.1 MUST-5
  Harness h;
  Peer p(h, {.timestamps = true});
  p.open();
  Seg s = p.make(F::ack, 10);
  std::vector<std::byte> o{std::byte{1}, std::byte{253}, std::byte{3}, std::byte{9}};  // NOP, unknown, then TS at 4
  o.insert(o.end(), {std::byte{8}, std::byte{10}});
  std::byte v[8];
  store_be32(v, p.ts);
  store_be32(v + 4, p.theirs);
  o.insert(o.end(), v, v + 8);
  o.insert(o.end(), {std::byte{1}, std::byte{1}});
  s.options = o;
  p.say(s);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 10u);
}

TEST(tcp_receive, an_impossible_option_length_harms_nobody) {
  //= rfc9293#3.1 MUST-7
  Harness h;
  Peer p(h);
  p.open();
  Seg s = p.make(F::ack, 10);
  s.options = {std::byte{8}, std::byte{0}, std::byte{1}, std::byte{1}};
  p.say(s);
  EXPECT_EQ(h.engine.info(p.conn).state, State::established);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 10u);
}

TEST(tcp_receive, a_reset_and_a_fin_are_told_apart) {
  //= rfc9293#3.6 MUST-12
  //= rfc9293#3.5.3 SHLD-2
  char in[4];
  for (const bool reset : {false, true}) {
    Harness h;
    Peer p(h);
    p.open();
    if (reset) p.say(p.make(F::rst, 3));  // with text, which is not delivered
    else p.data(0, F::fin);
    const auto r = h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now);
    if (reset) EXPECT_EQ(r.error(), Errc::conn_reset);
    else EXPECT_EQ(*r, 0u);
  }
}

TEST(tcp_receive, a_segment_a_whole_sequence_space_old_is_refused_by_its_timestamp) {
  //= rfc7323#5.3 MUST-11
  Harness h;
  Peer p(h, {.timestamps = true});
  p.open();
  p.ts = 2'000;
  p.data(100);
  read_all(h, p.conn);
  h.sent();
  p.ts = 1'500;  // the same sequence numbers, 2^32 bytes later or earlier
  p.data(100);
  EXPECT_EQ(h.count(Tcp::paws_rejected), 1u);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 0u);
  EXPECT_EQ(h.sent().size(), 1u);  // drop and ACK
}

TEST(tcp_receive, after_24_idle_days_any_timestamp_is_good) {
  //= rfc7323#5.5 SHLD-3
  Harness h;
  Peer p(h, {.timestamps = true});
  p.open();
  p.data(10);
  h.pass(25_s * 86'400);
  p.ts -= 500;
  p.data(10);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 20u);
}

TEST(tcp_receive, urgent_data_is_announced_and_can_be_read_apart) {
  //= rfc9293#3.8.5 MUST-30
  //= rfc9293#3.8.5 MUST-32
  //= rfc9293#3.8.5 MUST-33
  Harness h;
  Peer p(h);
  p.open();
  Seg s = p.make(F::ack | F::urg);
  s.data = "abcX";
  s.up = 4;
  p.say(s);
  EXPECT_NE(h.engine.ready(p.conn) & Ready::priority, 0u);
  char in[8];
  ASSERT_EQ(*h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now), 3u);
  EXPECT_EQ(*h.engine.get_option(p.conn, Option::at_mark), 1);
  ASSERT_EQ(*h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), RecvFlags::oob, h.now), 1u);
  EXPECT_EQ(in[0], 'X');
  EXPECT_EQ(h.engine.recv(p.conn, std::as_writable_bytes(std::span{in}), 0, h.now).error(), Errc::would_block);
}

TEST(tcp_receive, a_zero_window_still_hears_resets_and_urgent_pointers) {
  //= rfc9293#3.4 MUST-66
  Harness h;
  h.sysctl.tcp_rmem = 4'000;
  Peer p(h);
  p.open();
  while (h.tcb(p.conn).rcv_wnd() != 0) p.data(std::min(1'000u, h.tcb(p.conn).rcv_wnd()));
  Seg s = p.make(F::ack | F::urg, 1);
  s.up = 1;
  p.say(s);
  EXPECT_NE(h.engine.ready(p.conn) & Ready::priority, 0u);
  p.say(p.make(F::rst));
  EXPECT_EQ(h.engine.info(p.conn).state, State::closed);
}

}  // namespace
}  // namespace weir::tcp::test
