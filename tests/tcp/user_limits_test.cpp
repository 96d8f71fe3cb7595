// Limits that users set: how much may be queued unsent, and how wide the receive window is.
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

TEST(tcp_not_sent_low, writable_only_while_less_is_unsent) {
  Harness h;
  Peer p(h, {.window = 3 * 1'460});
  const u32 c = p.open();
  ASSERT_TRUE(h.engine.set_option(c, Option::not_sent_low, 10'000, h.now));
  EXPECT_EQ(h.engine.send(c, Harness::bytes(std::string(12'000, 'a')), 0, h.now).value_or(0), 12'000u) << "what is begun is taken";
  EXPECT_EQ(h.engine.info(c).unsent, 12'000u - 3 * 1'460);
  EXPECT_NE(h.engine.ready(c) & Ready::out, 0u);
  EXPECT_EQ(h.engine.send(c, Harness::bytes(std::string(5'000, 'a')), 0, h.now).value_or(0), 5'000u);
  EXPECT_EQ(h.engine.ready(c) & Ready::out, 0u);
  EXPECT_EQ(h.engine.send(c, Harness::bytes("x"), 0, h.now).error(), Errc::would_block);
  h.events = 0;
  p.ack(p.iss + 1 + 1'460);  // one more may go: 11,160 wait
  EXPECT_EQ(h.events & Ready::out, 0u);
  EXPECT_EQ(h.engine.send(c, Harness::bytes("x"), 0, h.now).error(), Errc::would_block);
  p.ack(p.iss + 1 + 3 * 1'460);
  EXPECT_LT(h.engine.info(c).unsent, 10'000u);
  EXPECT_NE(h.events & Ready::out, 0u) << "whoever waited is told";
  EXPECT_TRUE(h.engine.send(c, Harness::bytes("x"), 0, h.now));
}

TEST(tcp_not_sent_low, the_netns_has_one_for_all) {
  Harness h;
  h.sysctl.tcp_notsent_lowat = 1'000;
  Peer p(h, {.window = 2'000});
  const u32 c = p.open();
  EXPECT_EQ(*h.engine.get_option(c, Option::not_sent_low), 1'000);
  ASSERT_TRUE(h.engine.send(c, Harness::bytes(std::string(3'500, 'a')), 0, h.now));
  EXPECT_EQ(h.engine.ready(c) & Ready::out, 0u);
  ASSERT_TRUE(h.engine.set_option(c, Option::not_sent_low, 5'000, h.now));
  EXPECT_NE(h.engine.ready(c) & Ready::out, 0u) << "its own counts";
}

TEST(tcp_window_clamp, the_window_is_no_wider) {
  Harness h;
  Peer p(h, {.wscale = u8{4}});
  ASSERT_TRUE(h.engine.set_option(p.listener, Option::window_clamp, 20'000, h.now));
  const u32 c = p.open();
  EXPECT_EQ(p.syn_ack.wnd, 20'000u);
  const u32 shift = h.engine.info(c).rcv_wscale;
  SeqNum edge{};
  std::string out(100'000, '\0');
  for (int i = 0; i < 100; ++i) {
    p.data(1'000);
    for (const Seg& s : h.sent()) {
      EXPECT_LE(s.wnd << shift, 20'000u + (1u << shift));
      if (i != 0) {
        EXPECT_GE(s.ack + (s.wnd << shift), edge) << "and never moves back";
      }
      edge = s.ack + (s.wnd << shift);
    }
    ASSERT_TRUE(h.engine.recv(c, std::as_writable_bytes(std::span{out}), 0, h.now));
  }
  EXPECT_EQ(h.engine.info(c).bytes_in, 100'000u) << "nothing stands still";
}

TEST(tcp_window_clamp, set_later_the_edge_waits_for_it) {
  Harness h;
  Peer p(h);
  const u32 c = p.open();
  const u32 before = h.engine.info(c).rcv_wnd;
  ASSERT_GT(before, 60'000u);
  ASSERT_TRUE(h.engine.set_option(c, Option::window_clamp, 5'000, h.now));
  std::string out(100'000, '\0');
  u32 last = before;
  for (int i = 0; i < 100; ++i) {
    p.data(1'000);
    ASSERT_TRUE(h.engine.recv(c, std::as_writable_bytes(std::span{out}), 0, h.now));
    EXPECT_GE(h.engine.info(c).rcv_wnd + 1'000u, last);
    last = h.engine.info(c).rcv_wnd;
    h.sent();
  }
  EXPECT_LE(last, 5'000u);
  EXPECT_GE(last, 2'500u);
}

TEST(tcp_window_clamp, a_small_one_still_opens_again) {
  Harness h;
  Peer p(h);
  ASSERT_TRUE(h.engine.set_option(p.listener, Option::window_clamp, 1, h.now));
  EXPECT_EQ(*h.engine.get_option(p.listener, Option::window_clamp), 1'152) << "the least there is";
  const u32 c = p.open();
  std::string out(100'000, '\0');
  for (int i = 0; i < 20; ++i) {
    p.data(1'000);
    ASSERT_TRUE(h.engine.recv(c, std::as_writable_bytes(std::span{out}), 0, h.now));
    h.pass(1_s);
    h.sent();
    EXPECT_GE(h.engine.info(c).rcv_wnd, 1'000u) << i;
  }
}

}  // namespace
}  // namespace weir::tcp::test
