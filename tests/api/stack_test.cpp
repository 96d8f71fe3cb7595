// Stack and LocalStack in real time, over the loopback interface: no privileges needed. Threads, blocking, ending.
#include "weir/weir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir {
namespace {

const Endpoint here{Ip4Addr::loopback(), 7};

void serve_blocking(TcpListener& listener) {
  while (auto peer = listener.accept().wait()) {
    while (auto chunk = peer->read().wait()) {
      if (chunk->empty()) break;
      if (!peer->write(std::move(*chunk)).wait()) break;
    }
  }
}

TEST(api_stack, threads_block_and_bytes_come_back) {
  auto stack = Stack::open({.seed = 1});
  ASSERT_TRUE(stack) << stack.error().what;
  auto listener = stack->listen({.port = 7});
  ASSERT_TRUE(listener);
  std::thread server([&] { serve_blocking(*listener); });
  constexpr int clients = 4;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&] {
      auto s = stack->connect(here).within(5_s).wait();
      if (!s) return;
      std::vector<std::byte> data(100'000, std::byte{42}), back(data.size());
      if (!s->write(data).within(5_s).wait()) return;
      const auto n = s->read_all(back).within(5_s).wait();
      if (n && *n == data.size() && back == data) ++good;
    });
  for (auto& t : threads) t.join();
  // One at a time is served: the others waited in the queue of connections.
  EXPECT_EQ(good, clients);
  stack = Stack::open({.seed = 2});  // the first one ends: who blocks is canceled
  server.join();
}

TEST(api_stack, a_blocked_call_ends_with_the_stack) {
  std::optional<Errc> why;
  auto stack = std::make_unique<Stack>(std::move(*Stack::open({})));
  auto listener = *stack->listen({.port = 7});
  std::thread waits([&] { why = listener.accept().wait().error(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  stack.reset();
  waits.join();
  EXPECT_EQ(why, Errc::canceled);
}

TEST(api_stack, limits_hold_for_blocking_calls) {
  auto stack = Stack::open({});
  ASSERT_TRUE(stack);
  auto listener = stack->listen({.port = 7});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(listener->accept().within(50_ms).wait().error(), Errc::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
}

Task<void> answer_one(Host host, TcpListener listener, std::thread::id& where) {
  auto peer = co_await listener.accept();
  if (!peer) co_return;
  where = std::this_thread::get_id();
  co_await host.sleep_for(1_ms);
  auto chunk = co_await peer->read();
  if (chunk) (void)co_await peer->write(std::move(*chunk));
  (void)co_await peer->finish().within(5_s);
}

// Against answer_one().
void ask_blocking(const Host& host) {
  auto s = host.connect(here).within(5_s).wait();
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->write(std::as_bytes(std::span("hi", 2))).wait());
  std::array<std::byte, 8> back;
  EXPECT_EQ(s->read(back).within(5_s).wait(), 2u);
}

TEST(api_stack, coroutines_run_on_the_stacks_own_thread) {
  auto stack = Stack::open({});
  ASSERT_TRUE(stack);
  std::thread::id where;
  stack->spawn(answer_one(*stack, *stack->listen({.port = 7}), where));
  ask_blocking(*stack);
  EXPECT_NE(where, std::thread::id{});
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(api_stack, close_with_linger_waits_for_the_acknowledgment) {
  auto stack = Stack::open({});
  ASSERT_TRUE(stack);
  auto listener = stack->listen({.port = 7});
  auto s = stack->connect(here).within(5_s).wait();
  ASSERT_TRUE(s);
  auto peer = listener->accept().within(5_s).wait();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(s->set(Option::linger, Duration::seconds(5).ns));
  ASSERT_TRUE(s->write(std::as_bytes(std::span("bye", 3))).wait());
  s->close();
  std::array<std::byte, 8> data;
  EXPECT_EQ(peer->read(data).now(), 3u);  // it is there already
}

TEST(api_stack, sockets_may_outlive_their_stack) {
  TcpListener listener;
  std::optional<Chunk> chunk;
  {
    auto stack = Stack::open({});
    listener = std::move(*stack->listen({.port = 7}));
    chunk = std::move(*stack->reserve(1000)).commit(10);
  }
  EXPECT_EQ(listener.accept().within(10_ms).wait().error(), Errc::canceled);
  EXPECT_EQ(chunk->size(), 10u);
}

// Tells when the frame of the coroutine that it is a parameter of is gone.
struct Flag {
  bool* gone;
  explicit Flag(bool* g) : gone(g) {}
  Flag(Flag&& o) noexcept : gone(std::exchange(o.gone, nullptr)) {}
  ~Flag() {
    if (gone != nullptr) *gone = true;
  }
};
Task<void> sleep_long(Host host, Flag) { co_await host.sleep_for(3600_s); }

TEST(api_stack, spawned_but_never_run_is_destroyed) {
  bool gone = false;
  {
    auto stack = Stack::open({});
    stack->spawn(sleep_long(*stack, Flag(&gone)));
  }
  EXPECT_TRUE(gone);
}

TEST(api_local_stack, spawned_but_never_turned_is_destroyed) {
  bool gone = false;
  {
    auto stack = LocalStack::open({});
    stack->spawn(sleep_long(*stack, Flag(&gone)));
  }
  EXPECT_TRUE(gone);
}

TEST(api_stack, spawned_after_the_end_is_destroyed_at_once) {
  bool gone = false;
  std::optional<Host> host;
  {
    auto stack = Stack::open({});
    host = *stack;
  }
  host->spawn(sleep_long(*host, Flag(&gone)));
  EXPECT_TRUE(gone);
}

Task<Result<std::string>> ask(Host host) {
  auto s = co_await host.connect(here).within(5_s);
  if (!s) co_return fail(s.error());
  (void)co_await s->write(std::as_bytes(std::span("hi", 2)));
  std::array<std::byte, 8> back;
  const auto n = co_await s->read(back);
  if (!n) co_return fail(n.error());
  co_return std::string(reinterpret_cast<const char*>(back.data()), *n);
}

TEST(api_local_stack, runs_coroutines_in_the_callers_thread) {
  auto stack = LocalStack::open({});
  ASSERT_TRUE(stack) << stack.error().what;
  std::thread::id where;
  stack->spawn(answer_one(*stack, *stack->listen({.port = 7}), where));
  const auto answer = stack->run(ask(*stack));
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, "hi");
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(api_local_stack, blocking_calls_turn_the_stack) {
  auto stack = LocalStack::open({});
  ASSERT_TRUE(stack);
  std::thread::id where;
  stack->spawn(answer_one(*stack, *stack->listen({.port = 7}), where));
  ask_blocking(*stack);
}

TEST(api_config, mistakes_are_told_in_words) {
  const auto what = [](const StackConfig& c) {
    const auto stack = LocalStack::open(c);
    return stack ? std::string("no mistake") : stack.error().is_usage() ? stack.error().what : "not usage: " + stack.error().what;
  };
  EXPECT_THAT(what({.device = "nonsense:x"}), ::testing::HasSubstr("nonsense"));
  EXPECT_THAT(what({.addresses = {"10.0.0.300/24"}}), ::testing::HasSubstr("10.0.0.300/24"));
  EXPECT_THAT(what({.addresses = {"dhcp"}}), ::testing::HasSubstr("not there yet"));
  EXPECT_THAT(what({.gateways = {"nowhere"}}), ::testing::HasSubstr("nowhere"));
  EXPECT_THAT(what({.mac = "ff:ff:ff:ff:ff:ff"}), ::testing::HasSubstr("unicast"));
  EXPECT_THAT(what({.mtu = 67}), ::testing::HasSubstr("68"));
}

}  // namespace
}  // namespace weir
