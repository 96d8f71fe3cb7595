// What an executor asks of the one that drives it.
#include "api/executor.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

// Time is a number, and calls are kept where they can be counted.
class CountingExecutor final : public Executor {
 public:
  void enter(FunctionRef<void(Shard&, Instant)>) override { std::abort(); }
  Result<void> block(Sock, u32, Instant, FunctionRef<bool(Shard&, Instant)>) override { return fail(Errc::not_supported); }
  buf::Pool& pool() noexcept override { std::abort(); }
  void wake(Sock) override {}
  void post(std::function<void()>) override {}
  [[nodiscard]] Instant now() const override { return time; }
  u64 attach(rt::ReadyHandler&) override { return 0; }
  void forget(rt::ReadyHandler&) override {}

  void run_until(Instant end) {
    for (;;) {
      const auto first = std::ranges::min_element(calls);
      if (first == calls.end() || *first > end) break;
      time = *first;
      calls.erase(first);
      run_timers();
    }
    time = end;
  }
  std::vector<Instant> calls;
  Instant time{};

 private:
  void call_at(Instant at) override { calls.push_back(at); }
};

struct Tick : Timer {
  Executor* executor = nullptr;
  Duration every{};
  u32 n = 0;
  void begin(Executor& e, Duration d) {
    executor = &e;
    every = d;
    fire = [](Timer& t) { static_cast<Tick&>(t).again(); };
    e.arm(*this, e.now() + d);
  }
  void again() {
    ++n;
    executor->arm(*this, executor->now() + every);
  }
};

// One that waits for an hour beside one that is armed for milliseconds whenever it has fired: calls must not pile up.
TEST(api_executor, a_long_timer_is_asked_for_once) {
  CountingExecutor e;
  u32 slow_n = 0, fast_n = 0;
  struct Count : Timer {
    u32* n;
  } slow_count{{}, &slow_n}, fast_count{{}, &fast_n};
  for (Count* c : {&slow_count, &fast_count}) c->fire = [](Timer& t) { ++*static_cast<Count&>(t).n; };
  e.arm(slow_count, Instant{} + Duration::seconds(3600));
  for (u32 i = 0; i < 1'000; ++i) {
    e.arm(fast_count, e.now() + 5_ms);
    e.run_until(e.now() + 6_ms);
  }
  EXPECT_EQ(fast_n, 1'000u);
  EXPECT_EQ(e.calls.size(), 1u);
  e.run_until(Instant{} + Duration::seconds(3601));
  EXPECT_EQ(slow_n, 1u);
  EXPECT_TRUE(e.calls.empty());
}

TEST(api_executor, every_timer_fires_at_its_time_in_whatever_order_they_are_armed) {
  CountingExecutor e;
  std::array<Tick, 5> ticks;
  constexpr i64 every_ms[] = {70, 10, 50, 30, 20};
  for (usize i = 0; i < ticks.size(); ++i) ticks[i].begin(e, Duration::millis(every_ms[i]));
  e.run_until(Instant{} + Duration::millis(2'100));
  for (usize i = 0; i < ticks.size(); ++i) {
    EXPECT_EQ(ticks[i].n, 2'100u / static_cast<u32>(every_ms[i]));
    e.disarm(ticks[i]);
  }
}

}  // namespace
}  // namespace weir
