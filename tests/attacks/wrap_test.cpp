// A68: numbers that wrap. Sequence numbers (RFC 9293 3.4), timestamps and clocks (RFC 7323 5.5): nothing depends on where
// they begin, and nothing that was remembered comes back as the future after 2^31 bytes.
#include "tests/attacks/link.hpp"

namespace weir::attacks {
namespace {

std::string pattern(usize n) {
  std::string s(n, 0);
  for (usize i = 0; i < n; ++i) s[i] = static_cast<char>(i * 131 + (i >> 8));
  return s;
}

void both_ways_and_close(const Place& place) {
  TwoHosts t(place);
  ASSERT_TRUE(t.connect());
  const std::string all = pattern(150'000);
  std::string at_server, at_client;
  usize up = 0, down = 0;
  for (int i = 0; i < 2'000 && (at_server.size() < all.size() || at_client.size() < all.size()); ++i) {
    up += t.client.engine.send(t.c, Harness::bytes(all).subspan(up), 0, t.client.now).value_or(0);
    down += t.server.engine.send(t.s, Harness::bytes(all).subspan(down), 0, t.server.now).value_or(0);
    t.run(1_ms);
    at_server += t.server.read(t.s);
    at_client += t.client.read(t.c);
  }
  EXPECT_EQ(at_server, all);
  EXPECT_EQ(at_client, all);
  t.client.engine.close(t.c, t.client.now);
  t.run(10_ms);
  t.server.engine.close(t.s, t.server.now);
  t.run(10_ms);
  EXPECT_EQ(t.client.engine.time_wait(), 1u);
  EXPECT_EQ(t.client.count(Tcp::retrans_segs) + t.server.count(Tcp::retrans_segs), 0u);
  t.client.drain({});
  t.server.drain({t.listener});
}

TEST(attack_a68_wrap, an_exchange_at_every_origin) {
  everywhere([](const Place& place) { both_ways_and_close(place); });
  for (const u32 k : {0u, 1u, 2u, 1'460u, 65'535u, 1u << 20}) {
    SCOPED_TRACE(k);
    both_ways_and_close({"2^32 - k", false, {0u - k}, {0u - k}});
    both_ways_and_close({"2^31 - k", true, {0x8000'0000u - k}, {0x8000'0000u - k}});
  }
}

// Something of everything that is timed, as ms since the start.
std::vector<i64> timeline(i64 clock_ms) {
  tcp::test::Origin o;
  o.clock_ms = clock_ms;
  Harness h(1, {}, o);
  std::vector<i64> at;
  const Instant start = h.now;
  const auto watch = [&](Duration d, auto&& answer) {
    const Instant end = h.now + d;
    while (h.engine.next_deadline() <= end) {
      h.now = std::max(h.now, h.engine.next_deadline());
      h.engine.advance(h.now, 100);
      const usize n = h.sent().size();
      for (usize i = 0; i < n; ++i) at.push_back((h.now - start).ms());
      if (n != 0) answer();
    }
    h.now = end;
  };
  const u32 unanswered = *h.engine.open(Harness::ns, Family::v4, 5);
  static_cast<void>(h.engine.connect(unanswered, {Ip4Addr{0x0a00'0009}, 9, 0}, h.now));
  watch(7_s, [] {});
  h.engine.abort(unanswered, h.now);
  Peer p(h, {.timestamps = true});
  const u32 c = p.open();
  p.data(100);
  watch(1_s, [] {});
  static_cast<void>(h.engine.send(c, Harness::bytes(std::string(1'000, 'x')), 0, h.now));
  watch(5_s, [] {});
  p.window(0);
  p.ack(p.acked + 1'000);
  static_cast<void>(h.engine.send(c, Harness::bytes(std::string(1'000, 'x')), 0, h.now));
  watch(20_s, [&] { p.ack(); });
  at.push_back(static_cast<i64>(h.engine.info(c).srtt_us));
  p.window(60'000);
  p.ack();
  h.sent();
  p.ack(p.acked + 1'000);
  EXPECT_TRUE(h.engine.set_option(c, Option::keepalive_idle, (3_s).ns, h.now));
  EXPECT_TRUE(h.engine.set_option(c, Option::keepalive, 1, h.now));
  watch(100_s, [&] { p.ack(); });
  EXPECT_TRUE(h.engine.shutdown(c, Shutdown::write, h.now));
  h.sent();
  p.ack(p.acked + 1);
  p.data(0, F::fin);
  h.sent();
  EXPECT_EQ(h.engine.time_wait(), 1u);
  while (h.engine.time_wait() != 0) h.pass(1_ms);
  at.push_back((h.now - start).ms());
  return at;
}

TEST(attack_a68_wrap, clocks_that_wrap_change_no_time) {
  constexpr i64 before = 8'192;  // ms before the wrap, so that it falls among the retransmissions of the SYN
  const auto normal = timeline((i64{1} << 30) - before);
  EXPECT_GT(normal.size(), 10u);
  constexpr i64 day = 86'400'000;
  for (const i64 wrap : {i64{1} << 31, i64{1} << 32, i64{1} << 33, (i64{1} << 32) * 5, (i64{1} << 31) * 10, i64{248} * day / 8'192 * 8'192})
    EXPECT_EQ(timeline(wrap - before), normal) << wrap;
  // Microseconds in 32 bits wrap every 71.6 minutes.
  EXPECT_EQ(timeline(((i64{1} << 32) / 1'000 - 4'000) / 8'192 * 8'192).size(), normal.size());
}

constexpr u64 far_enough = (u64{1} << 31) + 100'000'000;

// Sends more than 2^31 bytes in full segments, each flight acknowledged at once.
struct LongRun {
  explicit LongRun(const Place& place) : h(place), p(h) { c = p.open(); }
  void send_much() {
    const std::string block(44 * 1'460, 'b');
    for (u64 done = 0; done < far_enough;) {
      done += h.engine.send(c, Harness::bytes(block), 0, h.now).value_or(0);
      h.out.clear(h.pool);
      p.ack(h.tcb(c).snd_nxt);
      h.out.clear(h.pool);
      if (h.engine.info(c).flight != 0) p.ack(h.tcb(c).snd_nxt);
    }
    while (h.engine.info(c).flight != 0) p.ack(h.tcb(c).snd_nxt);
    h.sent();
  }
  void over() { h.drain({c, p.listener}); }
  Victim h;
  Peer p;
  u32 c = 0;
};

TEST(attack_a68_wrap, after_2_gib_sent_nothing_old_seems_to_lie_ahead) {
  LongRun x({"v4", false, {1}, {1}});
  ASSERT_EQ(x.h.write(x.c, 5, SendFlags::oob), 5u);
  x.h.sent();
  x.p.ack(x.h.tcb(x.c).snd_nxt);
  x.send_much();
  // The small segment and the urgent byte of long ago hold nothing back and mark nothing.
  x.h.write(x.c, 1'460 + 10);
  const auto out = x.h.sent();
  u32 bytes = 0;
  for (const Seg& s : out) {
    bytes += s.len;
    EXPECT_FALSE(s.has(F::urg));
  }
  EXPECT_EQ(bytes, 1'470u);
  x.p.ack(x.h.tcb(x.c).snd_nxt);
  // Three duplicate ACKs repair a loss: no recovery of long ago forbids it.
  x.h.write(x.c, 20 * 1'460);
  x.h.sent();
  for (int i = 0; i < 3; ++i) x.p.ack();
  EXPECT_EQ(x.h.count(Tcp::fast_retransmits), 1u);
  x.over();
}

TEST(attack_a68_wrap, after_2_gib_received_window_updates_and_urgent_data_still_count) {
  Victim h({"v6", true, {1}, {1}});
  Peer p(h);
  const u32 c = p.open();
  ASSERT_TRUE(h.engine.set_option(c, Option::oob_inline, 1, h.now));
  Seg urgent = p.make(F::ack | F::urg, 10);
  urgent.up = 5;
  h.hit(urgent);
  p.next += 10;
  EXPECT_EQ(h.read(c), std::string(10, 0));
  auto frame = h.frame(p.make(F::ack, 64'000));
  std::vector<char> in(64'000);
  for (u64 done = 0; done < far_enough; done += 64'000) {
    store_be32(frame.data() + 44, p.next.raw);
    const buf::PacketId id = h.pool.from_bytes(frame);
    buf::Packet& k = h.pool[id];
    k.netns = Harness::ns, k.l3 = k.head, k.family = 6, k.l4 = static_cast<u16>(k.l3 + 40);
    k.csum.kind = buf::CsumKind::unnecessary;
    k.gso = {.type = buf::GsoType::tcp6, .size = 1'460, .segments = 44};
    h.engine.receive({&id, 1}, h.now);
    p.next += 64'000;
    while (h.engine.recv(c, std::as_writable_bytes(std::span{in}), 0, h.now)) {
    }
    h.out.clear(h.pool);
  }
  EXPECT_EQ(h.tcb(c).rcv_nxt, p.next);
  p.window(12'345);
  p.ack();
  EXPECT_EQ(h.engine.info(c).snd_wnd, 12'345u);
  urgent = p.make(F::ack | F::urg, 10);
  urgent.up = 5;
  h.hit(urgent);
  EXPECT_NE(h.engine.ready(c) & Ready::priority, 0u);
  h.drain({c, p.listener});
}

}  // namespace
}  // namespace weir::attacks
