// UDP and raw sockets of the C++ API, in virtual time.
#include "two_hosts.hpp"

namespace weir {
namespace {

using DatagramTest = TwoHosts;

Task<void> answer(UdpSocket socket) {
  std::array<std::byte, 2000> data;
  while (auto d = co_await socket.receive(data))
    if (!co_await socket.send_to(Bytes(data).first(d->copied), d->from)) co_return;
}

TEST_F(DatagramTest, a_datagram_goes_there_and_back) {
  b.spawn(answer(std::move(*b.udp({.port = 53}))));
  auto s = a.udp();
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->send_to(text("question"), at_b(53)).wait());
  std::array<std::byte, 100> data;
  const auto d = s->receive(data).within(1_s).wait();
  ASSERT_TRUE(d);
  EXPECT_EQ(as_text(Bytes(data).first(d->copied)), "question");
  EXPECT_EQ(d->from, at_b(53));
}

TEST_F(DatagramTest, a_short_buffer_gets_the_beginning_and_the_length) {
  b.spawn(answer(std::move(*b.udp({.port = 53}))));
  auto s = a.udp();
  ASSERT_TRUE(s->send_to(text("0123456789"), at_b(53)).wait());
  std::array<std::byte, 4> data;
  const auto d = s->receive(data).within(1_s).wait();
  ASSERT_TRUE(d);
  EXPECT_EQ(d->copied, 4u);
  EXPECT_EQ(d->length, 10u);
}

TEST_F(DatagramTest, a_connected_socket_learns_that_nobody_is_there) {
  auto s = a.udp({IpAddr::any(Family::v4), 0});
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->connect(at_b(9)));
  ASSERT_TRUE(s->send(text("x")).wait());
  std::array<std::byte, 4> data;
  EXPECT_EQ(s->receive(data).within(1_s).wait().error(), Errc::conn_refused);
}

TEST_F(DatagramTest, nothing_comes_in_time) {
  auto s = a.udp();
  std::array<std::byte, 4> data;
  EXPECT_EQ(s->try_receive(data).error(), Errc::would_block);
  EXPECT_EQ(s->receive(data).within(1_s).wait().error(), Errc::timed_out);
}

TEST_F(DatagramTest, counters_tell_what_happened) {
  b.spawn(answer(std::move(*b.udp({.port = 53}))));
  auto s = a.udp();
  ASSERT_TRUE(s->send_to(text("question"), at_b(53)).wait());
  run(1_s);
  const HostStats stats = b.stats();
  const auto value = [&](std::string_view group, std::string_view name) {
    for (const CounterValue& c : stats.counters)
      if (c.group == group && c.info.name == name) return c.value;
    return ~u64{0};
  };
  EXPECT_EQ(value("udp", "in_datagrams"), 1u);
  EXPECT_EQ(value("udp", "out_datagrams"), 1u);
  EXPECT_EQ(stats.interfaces.size(), 2u);
}

}  // namespace
}  // namespace weir
