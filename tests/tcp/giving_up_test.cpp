// When a connection is given up: user timeout (RFC 9293 3.8.3, RFC 5482), keepalive (RFC 9293 3.8.4, RFC 1122 4.2.3.6), and both.
#include "tcp/user_timeout.hpp"

#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

struct Open {
  explicit Open(PeerOptions o = {}) : p(h, o), c(p.open()) {}
  void set(Option o, i64 value) { ASSERT_TRUE(h.engine.set_option(c, o, value, h.now)); }
  void keepalive(Duration idle, Duration interval, i64 count) {
    set(Option::keepalive_idle, idle.ns);
    set(Option::keepalive_interval, interval.ns);
    set(Option::keepalive_count, count);
    set(Option::keepalive, 1);
  }
  bool up() { return h.engine.info(c).state == State::established; }
  // The connection ends after this long, to 10 ms; nothing is answered meanwhile.
  Duration ends_after(Duration most) {
    const Instant start = h.now;
    while (up() && h.now - start < most) h.pass(10_ms);
    h.sent();
    return h.now - start;
  }
  Harness h;
  Peer p;
  u32 c;
};

TEST(tcp_giving_up, a_user_timeout_is_kept_whatever_the_back_off) {
  //= rfc9293#3.8.3 MUST-21
  for (const Duration limit : {1_s, 10_s, 77_s, 500_s}) {
    Open o;
    o.set(Option::user_timeout, limit.ns);
    ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes("x"), 0, o.h.now));
    const Duration d = o.ends_after(1'000_s);
    EXPECT_GE(d, limit);
    EXPECT_LE(d, limit + 10_ms);
    EXPECT_EQ(*o.h.engine.get_option(o.c, Option::error), ETIMEDOUT);
    EXPECT_EQ(o.h.count(Tcp::abort_on_timeout), 1u);
  }
}

TEST(tcp_giving_up, but_something_is_sent_again_first) {
  Open o;
  o.set(Option::user_timeout, 1'000'000);
  ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes("x"), 0, o.h.now));
  o.ends_after(100_s);
  EXPECT_FALSE(o.up());
  EXPECT_GE(o.h.count(Tcp::rto_expirations), 1u);
}

TEST(tcp_giving_up, progress_starts_the_users_time_anew) {
  Open o;
  o.set(Option::user_timeout, (10_s).ns);
  ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes(std::string(4 * 1'460, 'a')), 0, o.h.now));
  for (u32 i = 1; i < 4; ++i) {
    o.h.pass(9_s);
    ASSERT_TRUE(o.up()) << i;
    o.p.ack(o.p.iss + 1 + i * 1'460);
  }
  const Duration d = o.ends_after(100_s);
  EXPECT_GE(d, 10_s);
  EXPECT_LE(d, 13_s) << "the back-off, of which no RTT has told that it can end, is waited for once";
}

TEST(tcp_giving_up, a_shut_window_is_waited_for_no_longer_than_the_user_wants) {
  for (const bool answered : {false, true}) {
    Open o;
    o.set(Option::user_timeout, (20_s).ns);
    o.p.window(0);
    o.p.ack();
    ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes("x"), 0, o.h.now));
    const Instant start = o.h.now;
    while (o.up() && o.h.now - start < 100_s) {
      o.h.pass(10_ms);
      if (!o.h.sent().empty() && answered && o.up()) o.p.ack();
    }
    EXPECT_GE(o.h.now - start, 20_s) << answered;
    EXPECT_LE(o.h.now - start, answered ? 60_s : 20_s + 10_ms) << answered;
  }
}

TEST(tcp_giving_up, a_user_timeout_says_when_keepalive_has_failed) {
  const auto ends = [](Duration user) {
    Open o;
    o.keepalive(10_s, 1_s, 3);
    o.set(Option::user_timeout, user.ns);
    return o.ends_after(100_s);
  };
  EXPECT_EQ(ends(0_s), 13_s) << "three probes";
  EXPECT_EQ(ends(20_s), 20_s) << "more probes than the count has";
  EXPECT_EQ(ends(5_s), 11_s) << "but one at least";
  //= rfc9293#3.8.4 MUST-29
}

TEST(tcp_giving_up, an_answer_starts_keepalive_anew) {
  Open o;
  o.keepalive(10_s, 1_s, 3);
  for (int i = 0; i < 5; ++i) {
    o.h.pass(12'500_ms);
    EXPECT_EQ(o.h.sent().size(), 3u) << i;
    o.p.ack();
  }
  EXPECT_TRUE(o.up());
  EXPECT_EQ(o.ends_after(100_s), 13_s);
}

TEST(tcp_giving_up, no_probes_while_data_is_on_its_way) {
  //= rfc9293#3.8.4 MUST-26
  Open o;
  o.keepalive(10_s, 1_s, 3);
  ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes("x"), 0, o.h.now));
  o.h.pass(100_s);
  EXPECT_EQ(o.h.count(Tcp::keepalive_probes), 0u);
  EXPECT_TRUE(o.up()) << "retransmission has its own patience";
  o.h.sent();
  o.p.ack(o.p.iss + 2);
  o.h.pass(9_s);
  EXPECT_EQ(o.h.count(Tcp::keepalive_probes), 0u);
  o.h.pass(2_s);
  EXPECT_GE(o.h.count(Tcp::keepalive_probes), 1u);
}

TEST(tcp_giving_up, unanswered_probes_are_no_retransmissions) {
  Open o;
  o.h.sysctl.tcp_retries2 = 5;
  o.keepalive(10_s, 1_s, 100);
  o.h.pass(14'500_ms);
  EXPECT_EQ(o.h.count(Tcp::keepalive_probes), 5u);
  ASSERT_TRUE(o.h.engine.send(o.c, Harness::bytes("x"), 0, o.h.now));
  o.ends_after(1'000_s);
  EXPECT_FALSE(o.up());
  EXPECT_EQ(o.h.count(Tcp::rto_expirations), 5u) << "all that R2 gives";
}

// -- RFC 5482

TEST(tcp_user_timeout_option, numbers) {
  using namespace user_timeout;
  EXPECT_EQ(encode(0), 1) << "0 is not to be sent";
  EXPECT_EQ(encode(1'001), 2);
  EXPECT_EQ(encode(0x7fff * 1'000u), 0x7fff);
  EXPECT_EQ(encode(0x8000 * 1'000u), 0x8000 | 547) << "minutes, rounded up";
  EXPECT_EQ(decode_ms(0x8000 | 547), 547u * 60'000);
  EXPECT_EQ(decode_ms(300), 300'000u);
  for (u32 s = 1; s < 1'000'000; s += 997) EXPECT_GE(decode_ms(encode(s * 1'000)), u64{s} * 1'000);
}

Duration server_patience(std::optional<u16> told, std::optional<Duration> own = {}, bool on = true) {
  Harness h;
  h.sysctl.tcp_user_timeout_option = on;
  h.sysctl.tcp_retries2 = 3;
  Peer p(h);
  if (own) {
    EXPECT_TRUE(h.engine.set_option(p.listener, Option::user_timeout, own->ns, h.now));
  }
  h.inject({.seq = SeqNum{700}, .flags = F::syn, .options = options({.mss = u16{1460}, .user_timeout = told})});
  const Seg syn_ack = h.sent().at(0);
  const auto o = wire::parse_options(syn_ack.options);
  EXPECT_EQ(o->user_timeout.has_value(), on);
  if (on) {
    EXPECT_EQ(*o->user_timeout, own ? own->ms() / 1'000 : 300);
  }
  h.inject({.seq = SeqNum{701}, .ack = syn_ack.seq + 1, .flags = F::ack});
  const u32 c = h.engine.accept(p.listener, h.now).value();
  h.engine.set_user(c, 9);
  EXPECT_TRUE(h.engine.send(c, Harness::bytes("x"), 0, h.now));
  const Instant start = h.now;
  while (h.engine.info(c).state == State::established && h.now - start < 10'000_s) h.pass(100_ms);
  return h.now - start;
}

TEST(tcp_user_timeout_option, the_longer_wish_counts_within_limits) {
  EXPECT_LT(server_patience({}), 30_s) << "nothing was said: R2";
  EXPECT_EQ(server_patience(u16{600}), 600_s);
  EXPECT_EQ(server_patience(u16{10}), 300_s) << "ours is longer";
  EXPECT_EQ(server_patience(u16{0x8000 | 1'000}), 3'600_s) << "not for days";
  EXPECT_EQ(server_patience(u16{600}, 20_s), 20_s) << "what the user has said stays";
  EXPECT_LT(server_patience(u16{600}, {}, false), 30_s) << "off is off";
  EXPECT_LT(server_patience(u16{0}), 30_s) << "0 says nothing";
}

TEST(tcp_user_timeout_option, a_client_asks_and_follows) {
  Harness h;
  h.sysctl.tcp_user_timeout_option = true;
  h.sysctl.tcp_retries2 = 3;
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
  ASSERT_TRUE(h.engine.bind(c, h.here, h.now));
  ASSERT_EQ(h.engine.connect(c, h.peer, h.now).error(), Errc::in_progress);
  const Seg syn = h.sent().at(0);
  EXPECT_EQ(wire::parse_options(syn.options)->user_timeout, u16{300});
  h.inject({.seq = SeqNum{9}, .ack = syn.seq + 1, .flags = F::syn | F::ack, .options = options({.user_timeout = u16{700}})});
  ASSERT_TRUE(h.engine.send(c, Harness::bytes("x"), 0, h.now));
  h.pass(699_s);
  EXPECT_EQ(h.engine.info(c).state, State::established);
  h.pass(2_s);
  EXPECT_EQ(h.engine.info(c).state, State::closed);
}

}  // namespace
}  // namespace weir::tcp::test
