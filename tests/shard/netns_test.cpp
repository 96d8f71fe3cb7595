// What ends with a network namespace, and what is bounded in one.
#include <gtest/gtest.h>

#include <string>

#include "shard/shard.hpp"
#include "tcp/engine.hpp"

namespace weir {
namespace {

class netns : public testing::Test {
 protected:
  netns() : shard({.seed = 5, .max_sockets = 64, .max_connections = 64}, now) {
    other = *shard.add_netns({.name = "other"}, now);
    join(make());
  }
  NetnsId make(u32 max_sockets = 32) { return *shard.add_netns({.name = "one", .max_sockets = max_sockets}, now); }
  // Joins it to the other one by a network that nobody has had before.
  void join(NetnsId id) {
    one = id;
    const u32 net = 0x0a000000 + (++networks << 8);
    const auto pair = *shard.add_veth(one, {.name = "eth0"}, other, {.name = "eth" + std::to_string(networks)}, now);
    address = Ip4Addr{net + 1};
    EXPECT_TRUE(shard.add_address(pair.first, {address, 24}, now, false));
    EXPECT_TRUE(shard.add_address(pair.second, {Ip4Addr{net + 2}, 24}, now, false));
  }
  void turn() {
    for (int i = 0; i < 1'000 && shard.run(now).more; ++i) {
    }
  }
  Sock stream(NetnsId id) { return *shard.socket(id, Family::v4, SocketType::stream, 0, now); }
  Sock listen(u16 port) {
    const Sock s = stream(one);
    EXPECT_TRUE(shard.bind(s, {Ip4Addr::any(), port}, now) && shard.listen(s, 10, now));
    return s;
  }
  Sock connect(u16 port) {
    const Sock s = stream(other);
    EXPECT_EQ(shard.connect(s, {address, port}, now).error(), Errc::in_progress);
    turn();
    return s;
  }
  Instant now{1'000'000'000};
  Shard shard;
  NetnsId one = 0, other = 0;
  u32 networks = 0;
  Ip4Addr address;  // of `one`
};

TEST_F(netns, sockets_hear_of_its_end_and_nothing_of_it_is_left) {
  const Sock l = listen(80), c = connect(80);
  const Sock s = *shard.accept(l, now);
  ASSERT_TRUE(shard.shutdown(s, Shutdown::write, now) && shard.shutdown(c, Shutdown::write, now));
  turn();
  connect(80);  // accepted by nobody
  ASSERT_EQ(shard.core().tcp->time_wait(), 1u);
  const Sock u = *shard.socket(one, Family::v4, SocketType::datagram, 0, now);
  ASSERT_TRUE(shard.bind(u, {Ip4Addr::any(), 9}, now));
  ASSERT_TRUE(shard.remove_netns(one, now));
  turn();
  EXPECT_EQ(shard.core().tcp->time_wait(), 0u);
  EXPECT_EQ(shard.core().tcp->half_open(), 0u);
  EXPECT_EQ(shard.accept(l, now).error(), Errc::invalid);
  EXPECT_EQ(*shard.get_option(u, Option::error), ENETDOWN);
  // The next namespace has another number while these sockets are there, and its ports are free.
  join(make());
  EXPECT_EQ(*shard.get_option(connect(80), Option::error), ECONNREFUSED);
  for (const Sock x : {l, s, u}) ASSERT_TRUE(shard.close(x, now));
  listen(80);
  EXPECT_EQ(*shard.get_option(connect(80), Option::error), 0);
}

TEST_F(netns, a_number_is_used_again_when_its_last_socket_is_closed) {
  const NetnsId first = one;
  const Sock held = stream(first);
  ASSERT_TRUE(shard.remove_netns(first, now));
  EXPECT_NE(make(), first);
  ASSERT_TRUE(shard.close(held, now));
  EXPECT_EQ(make(), first);
}

TEST_F(netns, its_sockets_are_bounded_and_so_are_accepted_ones) {
  join(make(3));
  const Sock l = listen(80);
  const Sock a = stream(one), b = stream(one);
  EXPECT_EQ(shard.socket(one, Family::v4, SocketType::datagram, 0, now).error(), Errc::too_many);
  EXPECT_TRUE(shard.socket(other, Family::v4, SocketType::datagram, 0, now));
  connect(80);
  EXPECT_EQ(shard.accept(l, now).error(), Errc::too_many);
  ASSERT_TRUE(shard.close(a, now));
  EXPECT_TRUE(shard.accept(l, now));  // it has waited
  ASSERT_TRUE(shard.close(b, now));
}

}  // namespace
}  // namespace weir
