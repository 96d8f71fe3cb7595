// TCP Fast Open (RFC 7413) and SYN cookies (RFC 4987) through the whole shard: sockets, two namespaces, a veth, both families; nothing is
// left when all is closed.
#include <gtest/gtest.h>

#include <string>

#include "shard/shard.hpp"

namespace weir {
namespace {

Bytes bytes(std::string_view s) { return std::as_bytes(std::span{s.data(), s.size()}); }

struct Pair {
  explicit Pair(const Sysctl& settings) : shard({.seed = 3}, now) {
    a = *shard.add_netns({.name = "a", .sysctl = settings}, now);
    b = *shard.add_netns({.name = "b", .sysctl = settings}, now);
    const auto pair = *shard.add_veth(a, {.name = "eth0"}, b, {.name = "eth0"}, now);
    for (const char* p : {"10.0.0.1/24", "fd00::1/64"}) EXPECT_TRUE(shard.add_address(pair.first, *Prefix::parse(p), now, false));
    for (const char* p : {"10.0.0.2/24", "fd00::2/64"}) EXPECT_TRUE(shard.add_address(pair.second, *Prefix::parse(p), now, false));
  }
  void pass(Duration d) {
    const Instant end = now + d;
    turn();
    while (shard.next_deadline() <= end) {
      now = std::max(now, shard.next_deadline());
      turn();
    }
    now = end;
  }
  void turn() {
    for (int i = 0; i < 1'000 && shard.run(now).more; ++i) {
    }
  }
  std::string read(Sock s) {
    std::string in(100'000, 0);
    in.resize(shard.recv(s, std::as_writable_bytes(std::span{in}), 0, now).value_or(0));
    return in;
  }
  Instant now{1'000'000'000};
  Shard shard;
  NetnsId a, b;
};

void exchange(const Sysctl& settings, const char* server, bool fast) {
  Pair t(settings);
  const Endpoint to{*IpAddr::parse(server), 80, 0};
  const Sock l = *t.shard.socket(t.b, to.addr.family(), SocketType::stream, 0, t.now);
  if (fast) {
    ASSERT_TRUE(t.shard.set_option(l, Option::fast_open, 10, t.now));
  }
  ASSERT_TRUE(t.shard.bind(l, to, t.now));
  ASSERT_TRUE(t.shard.listen(l, 10, t.now));
  for (int round = 0; round < 3; ++round) {
    const Sock c = *t.shard.socket(t.a, to.addr.family(), SocketType::stream, 0, t.now);
    const auto sent = t.shard.send_to(c, bytes("question"), to, SendFlags::fast_open, t.now);
    EXPECT_EQ(sent.has_value(), fast && round != 0) << "the first one only learns the cookie";
    t.pass(10_ms);
    if (!sent) {
      ASSERT_TRUE(t.shard.send(c, bytes("question"), 0, t.now));
    }
    t.pass(10_ms);
    const auto s = t.shard.accept(l, t.now);
    ASSERT_TRUE(s);
    EXPECT_EQ(t.read(*s), "question");
    const std::string answer(50'000, 'a');
    ASSERT_EQ(t.shard.send(*s, bytes(answer), 0, t.now).value_or(0), answer.size());
    ASSERT_TRUE(t.shard.close(*s, t.now));
    t.pass(100_ms);
    EXPECT_EQ(t.read(c), answer);
    ASSERT_TRUE(t.shard.close(c, t.now));
    t.pass(10_ms);
  }
  ASSERT_TRUE(t.shard.close(l, t.now));
  t.pass(200_s);
  EXPECT_EQ(t.shard.pool().packets_in_use(), 0u);
  EXPECT_EQ(t.shard.pool().buffers_in_use(), 0u);
}

TEST(tcp_fast_open, question_and_answer_over_a_veth) {
  Sysctl s;
  s.tcp_fastopen = 3;
  exchange(s, "10.0.0.2", true);
  exchange(s, "fd00::2", true);
}

TEST(tcp_syn_cookies, question_and_answer_over_a_veth) {
  Sysctl s;
  s.tcp_syncookies = 2;
  exchange(s, "10.0.0.2", false);
  exchange(s, "fd00::2", false);
}

}  // namespace
}  // namespace weir
