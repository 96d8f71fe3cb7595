// TCP through the whole shard: two namespaces, a veth, sockets. Equivalence of super-segments and single frames, of both
// families; nothing is left when all is closed.
#include <gtest/gtest.h>

#include <string>

#include "shard/shard.hpp"

namespace weir {
namespace {

struct Two {
  explicit Two(Offload offload, u64 seed = 3) : shard({.seed = seed}, now) {
    a = *shard.add_netns({.name = "a"}, now);
    b = *shard.add_netns({.name = "b"}, now);
    const auto pair = *shard.add_veth(a, {.name = "eth0", .offload = offload}, b, {.name = "eth0", .offload = offload}, now);
    for (const char* p : {"10.0.0.1/24", "fd00::1/64"}) EXPECT_TRUE(shard.add_address(pair.first, *Prefix::parse(p), now, false));
    for (const char* p : {"10.0.0.2/24", "fd00::2/64"}) EXPECT_TRUE(shard.add_address(pair.second, *Prefix::parse(p), now, false));
  }
  void turn() {
    for (int i = 0; i < 1'000 && shard.run(now).more; ++i) {
    }
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
  Instant now{1'000'000'000};
  Shard shard;
  NetnsId a, b;
};

std::string pattern(usize n) {
  std::string s(n, 0);
  for (usize i = 0; i < n; ++i) s[i] = static_cast<char>(i * 131 + (i >> 7));
  return s;
}
Bytes bytes(std::string_view s) { return std::as_bytes(std::span{s.data(), s.size()}); }

void transfer(Offload offload, const char* server) {
  Two t(offload);
  const IpAddr to = *IpAddr::parse(server);
  const Sock l = *t.shard.socket(t.b, to.family(), SocketType::stream, 0, t.now);
  ASSERT_TRUE(t.shard.bind(l, {to, 80, 0}, t.now));
  ASSERT_TRUE(t.shard.listen(l, 10, t.now));
  const Sock c = *t.shard.socket(t.a, to.family(), SocketType::stream, 0, t.now);
  ASSERT_EQ(t.shard.connect(c, {to, 80, 0}, t.now).error(), Errc::in_progress);
  t.turn();
  const auto s = t.shard.accept(l, t.now);
  ASSERT_TRUE(s);
  const std::string all = pattern(3'000'000);
  std::string got;
  usize sent = 0;
  std::string in(64 * 1024, 0);
  while (got.size() < all.size()) {
    const auto n = t.shard.send(c, bytes(all).subspan(sent, std::min<usize>(65'536, all.size() - sent)), 0, t.now);
    if (n) sent += *n;
    t.pass(1_ms);
    for (;;) {
      const auto r = t.shard.recv(*s, std::as_writable_bytes(std::span{in}), 0, t.now);
      if (!r || *r == 0) break;
      got.append(in, 0, *r);
    }
    ASSERT_LT(t.now.s(), 100.0);
  }
  EXPECT_EQ(got, all);
  ASSERT_TRUE(t.shard.close(c, t.now));
  t.pass(10_ms);
  EXPECT_EQ(*t.shard.recv(*s, std::as_writable_bytes(std::span{in}), 0, t.now), 0u);
  ASSERT_TRUE(t.shard.close(*s, t.now));
  ASSERT_TRUE(t.shard.close(l, t.now));
  t.pass(200_s);
  EXPECT_EQ(t.shard.pool().packets_in_use(), 0u);
  EXPECT_EQ(t.shard.pool().buffers_in_use(), 0u);
}

constexpr Offload whole{.tx_checksum = true, .rx_checksum = true, .tso = true};
constexpr Offload frames{};

TEST(tcp_over_veth, super_segments_v4) { transfer(whole, "10.0.0.2"); }
TEST(tcp_over_veth, super_segments_v6) { transfer(whole, "fd00::2"); }
TEST(tcp_over_veth, single_frames_with_checksums_v4) { transfer(frames, "10.0.0.2"); }
TEST(tcp_over_veth, single_frames_with_checksums_v6) { transfer(frames, "fd00::2"); }

TEST(tcp_over_veth, a_closed_port_refuses_at_once) {
  Two t(frames);
  const Sock c = *t.shard.socket(t.a, Family::v4, SocketType::stream, 0, t.now);
  ASSERT_EQ(t.shard.connect(c, {*IpAddr::parse("10.0.0.2"), 81, 0}, t.now).error(), Errc::in_progress);
  t.turn();
  EXPECT_EQ(*t.shard.get_option(c, Option::error), ECONNREFUSED);
}

TEST(tcp_over_veth, a_stale_handle_is_an_error) {
  Two t(frames);
  const Sock c = *t.shard.socket(t.a, Family::v4, SocketType::stream, 0, t.now);
  ASSERT_TRUE(t.shard.close(c, t.now));
  EXPECT_EQ(t.shard.send(c, bytes("x"), 0, t.now).error(), Errc::bad_handle);
  const Sock d = *t.shard.socket(t.a, Family::v4, SocketType::stream, 0, t.now);
  EXPECT_NE(c, d);
  EXPECT_EQ(t.shard.close(c, t.now).error(), Errc::bad_handle);
}

}  // namespace
}  // namespace weir
