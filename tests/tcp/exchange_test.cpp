// A client and a server on one engine: the life of connections from SYN to TIME-WAIT.
#include <gtest/gtest.h>

#include "tests/tcp/harness.hpp"

namespace weir::tcp {
namespace {

using test::Harness;

struct Pair {
  u32 client = 0, server = 0, listener = 0;
};

Pair connect(Harness& h, u16 port = 80) {
  Pair p;
  p.listener = *h.engine.open(Harness::ns, Family::v4, 1);
  EXPECT_TRUE(h.engine.bind(p.listener, {Ip4Addr::any(), port, 0}, h.now));
  EXPECT_TRUE(h.engine.listen(p.listener, 8, h.now));
  p.client = *h.engine.open(Harness::ns, Family::v4, 2);
  EXPECT_EQ(h.engine.connect(p.client, {h.here.addr, port, 0}, h.now).error(), Errc::in_progress);
  h.loop();
  const auto s = h.engine.accept(p.listener, h.now);
  EXPECT_TRUE(s);
  p.server = *s;
  h.engine.set_user(p.server, 3);
  return p;
}

void no_leak(Harness& h) {
  EXPECT_EQ(h.pool.packets_in_use(), 0u);
  EXPECT_EQ(h.pool.buffers_in_use(), 0u);
}

TEST(tcp_exchange, three_segments_open_a_connection) {
  Harness h;
  const Pair p = connect(h);
  EXPECT_EQ(h.engine.info(p.client).state, State::established);
  EXPECT_EQ(h.engine.info(p.server).state, State::established);
  EXPECT_TRUE(h.engine.info(p.client).timestamps);
  EXPECT_EQ(h.engine.ready(p.client) & Ready::out, Ready::out);
}

TEST(tcp_exchange, what_is_sent_is_received_and_acknowledged) {
  Harness h;
  const Pair p = connect(h);
  ASSERT_EQ(*h.engine.send(p.client, Harness::bytes("hello"), 0, h.now), 5u);
  h.loop();
  char in[16];
  ASSERT_EQ(*h.engine.recv(p.server, std::as_writable_bytes(std::span{in}), 0, h.now), 5u);
  EXPECT_EQ(std::string(in, 5), "hello");
  h.run(1_s);
  EXPECT_EQ(h.engine.info(p.client).flight, 0u);
  EXPECT_EQ(h.engine.recv(p.server, std::as_writable_bytes(std::span{in}), 0, h.now).error(), Errc::would_block);
}

TEST(tcp_exchange, a_megabyte_arrives_in_order) {
  Harness h;
  const Pair p = connect(h);
  std::string all(1 << 20, 0);
  for (usize i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 7 + (i >> 8));
  usize sent = 0;
  std::string got;
  std::vector<char> in(20'000);
  while (got.size() < all.size()) {
    if (sent < all.size()) {
      const auto n = h.engine.send(p.client, Harness::bytes(all).subspan(sent, std::min<usize>(50'000, all.size() - sent)), 0, h.now);
      if (n) sent += *n;
    }
    h.loop();
    for (;;) {
      const auto n = h.engine.recv(p.server, std::as_writable_bytes(std::span{in}), 0, h.now);
      if (!n || *n == 0) break;
      got.append(in.data(), *n);
    }
    h.loop();
    h.pass(1_ms);
  }
  EXPECT_EQ(got, all);
  EXPECT_EQ(h.count(Tcp::retrans_segs), 0u);
}

TEST(tcp_exchange, a_close_on_both_sides_ends_in_time_wait_and_then_nothing) {
  Harness h;
  const Pair p = connect(h);
  h.engine.close(p.client, h.now);
  h.loop();
  char in[1];
  EXPECT_EQ(*h.engine.recv(p.server, std::as_writable_bytes(std::span{in}), 0, h.now), 0u);
  EXPECT_EQ(h.engine.info(p.server).state, State::close_wait);
  h.engine.close(p.server, h.now);
  h.loop();
  EXPECT_EQ(h.engine.time_wait(), 1u);
  EXPECT_EQ(h.engine.connections(), 1u);  // the listener
  h.run(61_s);
  EXPECT_EQ(h.engine.time_wait(), 0u);
  h.engine.close(p.listener, h.now);
  EXPECT_EQ(h.engine.connections(), 0u);
  EXPECT_EQ(h.engine.next_deadline(), Instant::never());
  no_leak(h);
}

TEST(tcp_exchange, a_closed_port_refuses) {
  Harness h;
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 2);
  ASSERT_EQ(h.engine.connect(c, {h.here.addr, 81, 0}, h.now).error(), Errc::in_progress);
  h.loop();
  EXPECT_EQ(*h.engine.get_option(c, Option::error), ECONNREFUSED);
}

TEST(tcp_exchange, a_connection_to_itself_is_a_simultaneous_open) {
  Harness h;
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 2);
  ASSERT_TRUE(h.engine.bind(c, {h.here.addr, 5000, 0}, h.now));
  ASSERT_EQ(h.engine.connect(c, {h.here.addr, 5000, 0}, h.now).error(), Errc::in_progress);
  h.loop();
  EXPECT_EQ(h.engine.info(c).state, State::established);
  ASSERT_EQ(*h.engine.send(c, Harness::bytes("me"), 0, h.now), 2u);
  h.loop();
  char in[4];
  EXPECT_EQ(*h.engine.recv(c, std::as_writable_bytes(std::span{in}), 0, h.now), 2u);
}

TEST(tcp_exchange, data_after_close_is_answered_by_a_reset) {
  Harness h;
  const Pair p = connect(h);
  h.engine.close(p.client, h.now);
  h.loop();
  ASSERT_TRUE(h.engine.send(p.server, Harness::bytes("late"), 0, h.now));
  h.loop();
  EXPECT_EQ(h.count(Tcp::abort_on_data), 1u);
  char in[4];
  h.engine.recv(p.server, std::as_writable_bytes(std::span{in}), 0, h.now);
  EXPECT_EQ(h.engine.info(p.server).state, State::closed);
}

TEST(tcp_exchange, close_with_unread_data_resets) {
  //= rfc9293#3.6.1 SHLD-3
  Harness h;
  const Pair p = connect(h);
  ASSERT_TRUE(h.engine.send(p.client, Harness::bytes("unread"), 0, h.now));
  h.loop();
  h.engine.close(p.server, h.now);
  h.loop();
  char in[4];
  EXPECT_EQ(h.engine.recv(p.client, std::as_writable_bytes(std::span{in}), 0, h.now).error(), Errc::conn_reset);
}

}  // namespace
}  // namespace weir::tcp
