#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

constexpr Instant start{12'345'678'901};
constexpr u32 all = ~u32{0};

std::vector<u32> fired_at(TimerWheel& wheel, Instant now, u32 budget = all) {
  std::vector<u32> ids;
  wheel.advance(now, budget, [&](u32 id) { ids.push_back(id); });
  return ids;
}

TEST(timer_wheel, fires_at_the_first_tick_at_or_after_the_deadline) {
  TimerWheel wheel{start};
  wheel.arm(1, start + 5_ms);
  wheel.arm(2, start + 5_ms + 1_ns);
  EXPECT_TRUE(fired_at(wheel, start + 5_ms - 1_ns).empty());
  EXPECT_EQ(fired_at(wheel, start + 5_ms), std::vector<u32>{1});
  EXPECT_TRUE(fired_at(wheel, start + 6_ms - 1_ns).empty());
  EXPECT_EQ(fired_at(wheel, start + 6_ms), std::vector<u32>{2});
  EXPECT_EQ(wheel.armed_count(), 0u);
  EXPECT_FALSE(wheel.armed(1));
}

TEST(timer_wheel, a_deadline_in_the_past_fires_at_the_next_call) {
  TimerWheel wheel{start};
  EXPECT_TRUE(fired_at(wheel, start + 100_s).empty());
  wheel.arm(3, start + 1_s);
  wheel.arm(4, start - 1_s);
  wheel.arm(5, start + 100_s);
  EXPECT_LE(wheel.next_deadline(), start + 100_s);
  EXPECT_EQ(fired_at(wheel, start + 100_s), (std::vector<u32>{3, 4, 5}));
}

TEST(timer_wheel, remembers_deadlines_to_the_tick) {
  TimerWheel wheel{start};
  EXPECT_EQ(wheel.deadline(1), Instant::never());
  wheel.arm(1, start + 1500_us);
  EXPECT_EQ(wheel.deadline(1), start + 2_ms);
  wheel.arm(1, start + 70_s);
  EXPECT_EQ(wheel.deadline(1), start + 70_s);
  wheel.cancel(1);
  EXPECT_EQ(wheel.deadline(1), Instant::never());
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
}

TEST(timer_wheel, moved_and_cancelled_timers) {
  TimerWheel wheel{start};
  wheel.arm(1, start + 10_ms);
  wheel.arm(1, start + 20_ms);  // later: stays linked at 10
  wheel.arm(2, start + 700_ms);
  wheel.arm(2, start + 15_ms);  // earlier
  wheel.arm(3, start + 12_ms);
  wheel.cancel(3);
  wheel.cancel(3);
  wheel.cancel(999'999);  // never heard of
  EXPECT_EQ(wheel.armed_count(), 2u);
  EXPECT_TRUE(fired_at(wheel, start + 14_ms).empty());
  EXPECT_EQ(fired_at(wheel, start + 19_ms), std::vector<u32>{2});
  EXPECT_EQ(fired_at(wheel, start + 20_ms), std::vector<u32>{1});
  wheel.arm(3, start + 22_ms);
  wheel.cancel(3);
  wheel.arm(3, start + 21_ms);  // armed again while it is still linked
  EXPECT_EQ(wheel.armed_count(), 1u);
  EXPECT_EQ(fired_at(wheel, start + 21_ms), std::vector<u32>{3});
  wheel.arm(4, start + 30_ms);
  wheel.arm(4, Instant::never());
  EXPECT_FALSE(wheel.armed(4));
}

TEST(timer_wheel, keeps_to_the_budget_and_to_the_order) {
  TimerWheel wheel{start};
  for (u32 id = 0; id < 100; ++id) wheel.arm(id, start + Duration::millis(1 + (id * 37) % 100));
  std::vector<u32> ids;
  u32 calls = 0;
  while (wheel.armed_count() > 0) {
    const u32 n = wheel.advance(start + 1_s, 7, [&](u32 id) { ids.push_back(id); });
    EXPECT_LE(n, 7u);
    EXPECT_TRUE(wheel.armed_count() == 0 || wheel.next_deadline() <= start + 1_s);
    ++calls;
  }
  EXPECT_EQ(calls, 15u);
  ASSERT_EQ(ids.size(), 100u);
  for (usize i = 0; i < ids.size(); ++i) EXPECT_EQ((ids[i] * 37) % 100, i);
  wheel.arm(1, start + 2_s);
  EXPECT_EQ(wheel.advance(start + 3_s, 0, [](u32) { FAIL(); }), 0u);
}

TEST(timer_wheel, fire_may_arm_and_cancel_any_timer) {
  TimerWheel wheel{start};
  std::vector<u32> ids;
  for (const u32 id : {1u, 2u, 3u}) wheel.arm(id, start + 10_ms);
  const auto fire = [&](u32 id) {
    EXPECT_FALSE(wheel.armed(id));
    ids.push_back(id);
    if (ids.size() > 1) return;
    wheel.cancel(2);               // due at the same tick
    wheel.arm(3, start + 400_ms);  // due at the same tick, moved away
    wheel.arm(1, start + 20_ms);   // itself, within this call
    wheel.arm(4, start + 15_ms);   // before that
    wheel.arm(5, start + 26_ms);   // too late for this call
  };
  EXPECT_EQ(wheel.advance(start + 25_ms, all, fire), 3u);
  EXPECT_EQ(ids, (std::vector<u32>{1, 4, 1}));
  EXPECT_EQ(fired_at(wheel, start + 399_ms), std::vector<u32>{5});
  EXPECT_EQ(fired_at(wheel, start + 400_ms), std::vector<u32>{3});
}

TEST(timer_wheel, a_timer_that_always_arms_itself_for_now_does_not_hold_up_a_call) {
  TimerWheel wheel{start};
  const Instant now = start + 1_s;
  wheel.arm(1, now);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wheel.advance(now, all, [&](u32 id) { wheel.arm(id, now); }), 1u);
    EXPECT_LE(wheel.next_deadline(), now);
  }
  wheel.arm(1, now + 10_ms);
  EXPECT_TRUE(fired_at(wheel, now + 9_ms).empty());
  EXPECT_EQ(fired_at(wheel, now + 10_ms), std::vector<u32>{1});
}

TEST(timer_wheel, survives_the_wrap_of_32_bit_milliseconds) {
  TimerWheel wheel{start};
  const Instant near_wrap = start + Duration::millis((i64{1} << 32) - 50);
  EXPECT_TRUE(fired_at(wheel, near_wrap).empty());
  wheel.arm(1, near_wrap + 10_ms);
  wheel.arm(2, near_wrap + 49_ms);
  wheel.arm(3, near_wrap + 50_ms);  // tick 2^32
  wheel.arm(4, near_wrap + 51_ms);
  wheel.arm(5, near_wrap + 100_s);
  EXPECT_EQ(fired_at(wheel, near_wrap + 40_ms), std::vector<u32>{1});
  EXPECT_EQ(fired_at(wheel, near_wrap + 50_ms), (std::vector<u32>{2, 3}));
  EXPECT_EQ(fired_at(wheel, near_wrap + 51_ms), std::vector<u32>{4});
  EXPECT_EQ(fired_at(wheel, near_wrap + 100_s), std::vector<u32>{5});
}

TEST(timer_wheel, deadlines_beyond_its_last_level_and_jumps_of_years) {
  TimerWheel wheel{start};
  const Duration day = Duration::seconds(86'400);
  wheel.arm(1, start + day * 49);
  wheel.arm(2, start + day * 50);
  wheel.arm(3, start + day * 365);
  wheel.arm(4, start + day * 36'500);
  EXPECT_TRUE(fired_at(wheel, start + day * 49 - 1_ms).empty());
  EXPECT_EQ(fired_at(wheel, start + day * 49), std::vector<u32>{1});
  EXPECT_TRUE(fired_at(wheel, start + day * 50 - 1_ns).empty());
  EXPECT_EQ(fired_at(wheel, start + day * 364), std::vector<u32>{2});
  EXPECT_EQ(fired_at(wheel, start + day * 36'499), std::vector<u32>{3});
  EXPECT_EQ(fired_at(wheel, start + day * 36'500), std::vector<u32>{4});
}

TEST(timer_wheel, following_next_deadline_finds_every_timer_in_few_steps) {
  TimerWheel wheel{start};
  Rng rng = Rng::seeded(1);
  std::multimap<i64, u32> model;
  for (u32 id = 0; id < 300; ++id) {
    const Duration d = Duration::nanos(static_cast<i64>(rng.next_u64() >> (2 + rng.below(40))) + 1);
    wheel.arm(id, start + d);
    model.emplace((d.ns + 999'999) / 1'000'000, id);
  }
  u32 steps = 0;
  while (wheel.armed_count() > 0) {
    const Instant next = wheel.next_deadline();
    const i64 tick = (next - start).ms();
    ASSERT_LE(tick, model.begin()->first) << "later than the earliest deadline";
    for (const u32 id : fired_at(wheel, next)) {
      ASSERT_EQ(model.begin()->first, tick);
      const auto [lo, hi] = model.equal_range(tick);
      const auto it = std::find_if(lo, hi, [&](const auto& e) { return e.second == id; });
      ASSERT_NE(it, hi);
      model.erase(it);
    }
    ASSERT_LT(++steps, 300u * 2200) << "no progress";  // the farthest are placed again every 49.7 days
  }
  EXPECT_TRUE(model.empty());
}

// A wheel beside a plain map from timer to tick, under the same random calls.
class Model {
 public:
  explicit Model(u64 seed, Instant from) : rng_(Rng::seeded(seed)), wheel_(from), start_(from), now_(from) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step();
    drain();
  }

 private:
  static constexpr u32 ids = 200;
  struct Armed {
    i64 tick;       // of the deadline
    i64 effective;  // not before the tick at which the wheel was when it was armed
    bool next_call;
  };

  Duration random_delay() {
    const u64 bits = rng_.below(43);  // up to 2^42 us: 50 days
    return Duration::nanos(static_cast<i64>(rng_.below(u64{1} << bits) * 1000));
  }

  void arm(u32 id, Instant at, bool in_fire = false) {
    wheel_.arm(id, at);
    const i64 tick = at <= start_ ? 0 : ((at - start_).ns + 999'999) / 1'000'000;
    timers_[id] = {tick, std::max(tick, wheel_tick_), in_fire && tick <= wheel_tick_};
  }
  void cancel(u32 id) {
    wheel_.cancel(id);
    timers_.erase(id);
  }

  void step() {
    const u32 id = static_cast<u32>(rng_.below(ids));
    const u64 what = rng_.below(100);
    if (what < 50) arm(id, now_ + random_delay());
    else if (what < 55) arm(id, now_ - random_delay());
    else if (what < 70) cancel(id);
    else advance(what < 97 ? random_delay() / 64 : random_delay() * 20);
    ASSERT_EQ(wheel_.armed(id), timers_.contains(id));
    ASSERT_EQ(wheel_.deadline(id), timers_.contains(id) ? start_ + Duration::millis(timers_[id].tick) : Instant::never());
    ASSERT_EQ(wheel_.armed_count(), timers_.size());
    check_next_deadline();
  }

  void check_next_deadline() {
    if (timers_.empty()) {
      ASSERT_EQ(wheel_.next_deadline(), Instant::never());
      return;
    }
    i64 earliest = std::numeric_limits<i64>::max();
    for (const auto& [id, t] : timers_) earliest = std::min(earliest, t.effective);
    ASSERT_LE(wheel_.next_deadline(), std::max(now_, start_ + Duration::millis(earliest)));
  }

  void advance(Duration by) {
    now_ = now_ + by;
    const i64 reached = (now_ - start_).ms();
    const u32 budget = rng_.chance(0.3) ? 1 + static_cast<u32>(rng_.below(4)) : all;
    for (auto& [id, t] : timers_) t = {t.tick, std::max(t.effective, t.next_call ? wheel_tick_ : 0), false};
    i64 last = 0;
    const u32 n = wheel_.advance(now_, budget, [&](u32 id) { on_fire(id, reached, last); });
    ASSERT_LE(n, budget);
    if (n == budget) return;
    wheel_tick_ = reached;
    for (const auto& [id, t] : timers_) ASSERT_TRUE(t.next_call || t.tick > reached) << id << " was forgotten";
  }

  void on_fire(u32 id, i64 reached, i64& last) {
    ASSERT_TRUE(timers_.contains(id)) << id << " is not armed";
    const Armed t = timers_[id];
    ASSERT_LE(t.tick, reached) << id << " fired too early";
    ASSERT_GE(t.effective, last) << id << " is out of order";
    last = t.effective;
    wheel_tick_ = std::max(wheel_tick_, t.tick);
    timers_.erase(id);
    const u32 other = static_cast<u32>(rng_.below(ids));
    if (rng_.chance(0.1)) cancel(other);
    if (rng_.chance(0.2)) arm(other, now_ + random_delay(), true);
    // Around the tick at hand, which a jump leaves far behind now: in this call, in its order, or in the next one.
    if (rng_.chance(0.2))
      arm(rng_.chance(0.5) ? id : other, start_ + Duration::millis(last + static_cast<i64>(rng_.below(400)) - 40), true);
  }

  void drain() {
    u32 steps = 0;
    while (wheel_.armed_count() > 0) {
      ASSERT_LT(++steps, 100'000u) << "no progress";
      now_ = std::max(now_, wheel_.next_deadline());
      advance(Duration{});
    }
    ASSERT_TRUE(timers_.empty());
  }

  Rng rng_;
  TimerWheel wheel_;
  Instant start_, now_;
  i64 wheel_tick_ = 0;  // up to where the wheel has been turned
  std::map<u32, Armed> timers_;
};

TEST(timer_wheel, random_use_agrees_with_a_sorted_map) {
  for (u64 seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Model(seed, Instant{static_cast<i64>(seed * 1'234'567)}).run(3000);
    if (HasFatalFailure()) return;
  }
}

TEST(timer_wheel, a_timer_that_goes_to_and_fro_leaves_no_memory_behind) {
  // A keepalive of two hours and a retransmission timeout in turn: each move to the timeout leaves an entry two hours
  // out.
  TimerWheel wheel{start};
  constexpr u32 timers = 100;
  Instant now = start;
  for (int round = 0; round < 10'000; ++round) {
    for (u32 id = 0; id < timers; ++id) wheel.arm(id, now + 7200_s);
    now = now + 1_ms;
    for (u32 id = 0; id < timers; ++id) wheel.arm(id, now + 1_ms);
    now = now + 1_ms;
    ASSERT_EQ(fired_at(wheel, now).size(), timers);
  }
  EXPECT_LT(wheel.memory_bytes(), 400'000u);  // a million entries of 4 bytes were made
}

TEST(timer_wheel, overdue_timers_armed_again_and_again_leave_no_memory_behind) {
  TimerWheel wheel{start};
  for (int round = 0; round < 1'000'000; ++round) wheel.arm(1, start + Duration::millis(round % 2 * 200));
  EXPECT_LT(wheel.memory_bytes(), 400'000u);
  wheel.arm(1, start);
  EXPECT_EQ(fired_at(wheel, start + 1_s), std::vector<u32>{1});
}

TEST(timer_wheel, takes_a_million_timers) {
  TimerWheel wheel{start};
  constexpr u32 n = 1'000'000;
  wheel.reserve(n - 1);
  Rng rng = Rng::seeded(9);
  std::vector<i64> tick(n);
  for (u32 id = 0; id < n; ++id) {
    tick[id] = static_cast<i64>(1 + rng.below(100'000));
    wheel.arm(id, start + Duration::millis(tick[id]));
  }
  i64 last = 0;
  bool ordered = true;
  EXPECT_EQ(wheel.advance(start + 100_s, all,
                          [&](u32 id) {
                            ordered = ordered && tick[id] >= last;
                            last = tick[id];
                          }),
            n);
  EXPECT_TRUE(ordered);
}

}  // namespace
}  // namespace weir
