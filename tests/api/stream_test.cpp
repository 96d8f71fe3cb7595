// TCP by coroutines in virtual time: reading, writing, lending, limits, closing.
#include "two_hosts.hpp"

namespace weir {
namespace {

using StreamTest = TwoHosts;

Task<void> echo(TcpStream peer) {
  while (auto chunk = co_await peer.read()) {
    if (chunk->empty()) co_return;
    Chunk back = std::move(*chunk);
    if (!co_await peer.write(std::move(back))) co_return;
  }
}
Task<void> serve_echo(Host host, TcpListener listener) {
  while (auto peer = co_await listener.accept()) host.spawn(echo(std::move(*peer)));
}

std::vector<std::byte> pattern(usize n) {
  std::vector<std::byte> v(n);
  for (usize i = 0; i < n; ++i) v[i] = static_cast<std::byte>(i * 7 + i / 256);
  return v;
}

Task<void> write_all(TcpStream& s, Bytes data, Result<usize>& out) {
  out = co_await s.write(data);
  (void)s.shutdown();
}
Task<void> read_all(TcpStream& s, MutBytes in, Result<usize>& out) { out = co_await s.read_all(in); }

Task<void> round_trip(Host host, Endpoint to, std::vector<std::byte> data, bool& intact) {
  auto stream = co_await host.connect(to).within(10_s);
  if (!stream) co_return;
  std::vector<std::byte> back(data.size() + 1);
  Result<usize> wrote = 0, got = 0;
  co_await both(write_all(*stream, data, wrote), read_all(*stream, back, got));
  intact = wrote && *wrote == data.size() && got && *got == data.size() && std::equal(data.begin(), data.end(), back.begin());
}

TEST_F(StreamTest, bytes_come_back_intact_through_lent_buffers) {
  b.spawn(serve_echo(b, *b.listen({.port = 7})));
  bool intact = false;
  a.spawn(round_trip(a, at_b(7), pattern(3'000'000), intact));
  run(60_s);
  EXPECT_TRUE(intact);
}

class LossyStreamTest : public TwoHosts, public ::testing::WithParamInterface<u64> {
 protected:
  LossyStreamTest()
      : TwoHosts({.bits_per_second = 20'000'000, .delay = 10_ms, .loss = 0.03, .reorder = 0.05, .duplicate = 0.02}, GetParam()) {}
};

TEST_P(LossyStreamTest, bytes_come_back_intact) {
  b.spawn(serve_echo(b, *b.listen({.port = 7})));
  bool intact = false;
  a.spawn(round_trip(a, at_b(7), pattern(300'000), intact));
  run(300_s);
  EXPECT_TRUE(intact);
}
INSTANTIATE_TEST_SUITE_P(seeds, LossyStreamTest, ::testing::Range<u64>(1, 9));

Task<void> connect_to(Host host, Endpoint to, std::optional<Duration> limit, std::optional<Result<void>>& out, Instant& when) {
  auto op = [&]() -> Task<Result<TcpStream>> {
    if (limit) co_return co_await host.connect(to).within(*limit);
    co_return co_await host.connect(to);
  };
  auto s = co_await op();
  when = host.now();
  out = s ? Result<void>{} : Result<void>(fail(s.error()));
}

TEST_F(StreamTest, a_closed_port_refuses) {
  std::optional<Result<void>> r;
  Instant when;
  a.spawn(connect_to(a, at_b(81), {}, r, when));
  run(5_s);
  ASSERT_TRUE(r && !*r);
  EXPECT_EQ(r->error(), Errc::conn_refused);
}

Task<void> connect_from(Host host, Endpoint to, Endpoint from, std::optional<Errc>& out) {
  const auto s = co_await host.connect(to, from);
  out = s ? std::optional<Errc>{} : s.error();
}

// A connect begins with a socket and bind(): the error is theirs, whichever way the caller waits.
TEST_F(StreamTest, a_connect_without_a_socket_says_why) {
  const Endpoint nobody{Ip4Addr{0xc000'0201}, 0}, taken = at_a(4'000);
  const auto listener = a.listen(taken);
  ASSERT_TRUE(listener);
  EXPECT_EQ(a.connect(at_b(7), nobody).now().error(), Errc::addr_not_available);
  EXPECT_EQ(a.connect(at_b(7), nobody).wait().error(), Errc::addr_not_available);
  EXPECT_EQ(a.connect(at_b(7), taken).within(1_s).wait().error(), Errc::addr_in_use);
  std::optional<Errc> why;
  a.spawn(connect_from(a, at_b(7), nobody, why));
  run(1_ms);
  EXPECT_EQ(why, Errc::addr_not_available);
  EXPECT_EQ(Host(ea, NetnsId{99}).connect(at_b(7)).now().error(), Errc::net_down);
}

TEST_F(StreamTest, within_ends_a_connect_that_nobody_answers) {
  wire.drop(sim::every_frame());
  std::optional<Result<void>> r;
  Instant when;
  const Instant start = world.now();
  a.spawn(connect_to(a, at_b(80), 700_ms, r, when));
  run(5_s);
  ASSERT_TRUE(r && !*r);
  EXPECT_EQ(r->error(), Errc::timed_out);
  EXPECT_EQ(when - start, 700_ms);
}

Task<void> read_once(TcpStream stream, Duration limit, std::optional<Result<usize>>& out) {
  std::array<std::byte, 100> data;
  if (limit != Duration{}) out = co_await stream.read(data).within(limit);
  else out = co_await stream.read(data);
}
Task<void> accept_and_read(TcpListener listener, Duration limit, i64 option_ns, std::optional<Result<usize>>& out) {
  auto peer = co_await listener.accept();
  if (!peer) co_return;
  if (option_ns != 0) (void)peer->set(Option::receive_timeout, option_ns);
  co_await read_once(std::move(*peer), limit, out);
}
Task<void> hold_open(Host host, Endpoint to, Duration d) {
  auto s = co_await host.connect(to);
  co_await host.sleep_for(d);
}

TEST_F(StreamTest, a_read_has_its_own_limit) {
  std::optional<Result<usize>> r;
  b.spawn(accept_and_read(*b.listen({.port = 7}), 300_ms, 0, r));
  a.spawn(hold_open(a, at_b(7), 2_s));
  run(1_s);
  ASSERT_TRUE(r && !*r);
  EXPECT_EQ(r->error(), Errc::timed_out);
  run(5_s);
}

TEST_F(StreamTest, or_that_of_the_socket) {
  std::optional<Result<usize>> r;
  b.spawn(accept_and_read(*b.listen({.port = 7}), {}, (400_ms).ns, r));
  a.spawn(hold_open(a, at_b(7), 2_s));
  run(1_s);
  ASSERT_TRUE(r && !*r);
  EXPECT_EQ(r->error(), Errc::timed_out);
  run(5_s);
}

Task<void> accept_one(TcpListener& listener, std::optional<Errc>& why) {
  auto peer = co_await listener.accept();
  if (!peer) why = peer.error();
}

TEST_F(StreamTest, closing_a_socket_cancels_who_waits_for_it) {
  std::optional<Errc> why;
  {
    auto listener = *b.listen({.port = 7});
    b.spawn(accept_one(listener, why));
    run(1_s);
  }
  run(1_s);
  EXPECT_EQ(why, Errc::canceled);
}

Task<void> finish_after_writing(Host host, Endpoint to, std::optional<Result<void>>& out, Instant& when) {
  auto s = co_await host.connect(to);
  const std::vector<std::byte> data(50'000);
  (void)co_await s->write(data);
  out = co_await s->finish();
  when = host.now();
}
Task<void> discard(TcpListener listener) {
  auto peer = co_await listener.accept();
  while (auto chunk = co_await peer->read())
    if (chunk->empty()) co_return;
}

TEST_F(StreamTest, finish_waits_until_the_peer_has_acknowledged_everything) {
  b.spawn(discard(*b.listen({.port = 7})));
  std::optional<Result<void>> r;
  Instant when;
  a.spawn(finish_after_writing(a, at_b(7), r, when));
  run(10_s);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->has_value());
  EXPECT_GE(when - Instant{}, 20_ms);  // a handshake and at least one more round trip of 10 ms
}

Task<void> write_in_buffer(Host host, Endpoint to, std::string what, Result<usize>& sent) {
  auto s = co_await host.connect(to);
  auto buffer = host.reserve(100'000);
  if (!buffer || buffer->size() < what.size()) co_return;
  std::memcpy(buffer->piece(0).data(), what.data(), what.size());
  Chunk chunk = std::move(*buffer).commit(what.size());
  sent = co_await s->write(std::move(chunk));
}
Task<void> read_text(TcpListener listener, std::string& out) {
  auto peer = co_await listener.accept();
  while (auto chunk = co_await peer->read()) {
    if (chunk->empty()) co_return;
    for (const Bytes piece : *chunk) out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
}

TEST_F(StreamTest, a_reserved_buffer_is_filled_and_sent_and_the_rest_goes_back) {
  std::string got;
  Result<usize> sent = 0;
  b.spawn(read_text(*b.listen({.port = 7}), got));
  a.spawn(write_in_buffer(a, at_b(7), "in place", sent));
  run(5_s);
  EXPECT_EQ(got, "in place");
  ASSERT_TRUE(sent);
  EXPECT_EQ(*sent, 8u);
}

TEST_F(StreamTest, blocking_calls_run_the_world) {
  b.spawn(serve_echo(b, *b.listen({.port = 7})));
  auto s = a.connect(at_b(7)).wait();
  ASSERT_TRUE(s);
  const auto early = s->try_read(std::span<std::byte>{});
  EXPECT_TRUE(early || early.error() == Errc::would_block);
  ASSERT_TRUE(s->write(text("hello")).wait());
  std::array<std::byte, 16> back;
  const auto n = s->read(back).wait();
  ASSERT_TRUE(n);
  EXPECT_EQ(as_text(Bytes(back).first(*n)), "hello");
  const auto nothing = s->read(back).within(3_s).wait();
  EXPECT_EQ(nothing.error(), Errc::timed_out);
}

TEST_F(StreamTest, callbacks_tell_of_readiness) {
  b.spawn(serve_echo(b, *b.listen({.port = 7})));
  auto s = a.connect(at_b(7)).wait();
  ASSERT_TRUE(s);
  std::string got;
  s->on_ready([&](u32 mask) {
    if ((mask & Ready::in) == 0) return;
    std::array<std::byte, 64> some;
    while (const auto n = s->try_read(some)) {
      if (*n == 0) break;
      got += as_text(Bytes(some).first(*n));
    }
  });
  EXPECT_TRUE(s->try_write(text("called")));
  run(1_s);
  EXPECT_EQ(got, "called");
  s->on_ready({});
}

TEST_F(StreamTest, names_and_options) {
  auto listener = b.listen({.port = 7});
  ASSERT_TRUE(listener);
  auto s = a.connect(at_b(7)).wait();
  ASSERT_TRUE(s);
  EXPECT_EQ(*s->remote(), at_b(7));
  EXPECT_EQ(s->local()->addr, a_.address());
  EXPECT_TRUE(s->set(Option::no_delay, 1));
  EXPECT_EQ(*s->get(Option::no_delay), 1);
  EXPECT_EQ(s->info()->state, tcp::State::established);
  EXPECT_EQ(s->set(Option::ttl, 0).error(), Errc::invalid);
  auto accepted = listener->accept().wait();
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->remote()->port, s->local()->port);
}

TEST_F(StreamTest, a_handle_that_was_closed_says_so) {
  auto listener = b.listen({.port = 7});
  auto s = a.connect(at_b(7)).wait();
  ASSERT_TRUE(s);
  s->close();
  std::array<std::byte, 8> data;
  EXPECT_EQ(s->read(data).wait().error(), Errc::bad_handle);
  EXPECT_EQ(s->write(data).now().error(), Errc::bad_handle);
  EXPECT_EQ(s->local().error(), Errc::bad_handle);
}

}  // namespace
}  // namespace weir
