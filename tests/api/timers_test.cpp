// Timers of coroutines: order, moving, disarming, against a sorted list.
#include "api/timers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace weir {
namespace {

TEST(api_timers, fire_in_the_order_of_their_times) {
  TimerHeap heap;
  std::array<Timer, 4> t;
  constexpr i64 at[] = {30, 10, 40, 20};
  for (usize i = 0; i < t.size(); ++i) heap.arm(t[i], {at[i]});
  EXPECT_EQ(heap.next().ns, 10);
  EXPECT_EQ(heap.pop_due({5}), nullptr);
  for (const usize i : {1u, 3u, 0u, 2u}) EXPECT_EQ(heap.pop_due({100}), &t[i]);
  EXPECT_EQ(heap.next(), Instant::never());
}

TEST(api_timers, a_disarmed_timer_does_not_fire_and_may_be_disarmed_again) {
  TimerHeap heap;
  Timer a, b;
  heap.arm(a, {1});
  heap.arm(b, {2});
  heap.disarm(a);
  heap.disarm(a);
  EXPECT_FALSE(a.is_armed());
  EXPECT_EQ(heap.pop_due({9}), &b);
  EXPECT_EQ(heap.pop_due({9}), nullptr);
}

TEST(api_timers, any_mixture_of_calls_equals_a_sorted_list) {
  std::mt19937 random(7);
  TimerHeap heap;
  std::vector<Timer> timers(100);
  for (int round = 0; round < 20'000; ++round) {
    Timer& t = timers[random() % timers.size()];
    if (random() % 3 != 0) heap.arm(t, {static_cast<i64>(random() % 1000)});
    else heap.disarm(t);
    Instant least = Instant::never();
    for (const Timer& x : timers)
      if (x.is_armed()) least = std::min(least, x.at);
    ASSERT_EQ(heap.next(), least);
    if (random() % 5 == 0)
      if (const Timer* due = heap.pop_due(least); least != Instant::never()) {
        ASSERT_EQ(due->at, least);
      }
  }
}

}  // namespace
}  // namespace weir
