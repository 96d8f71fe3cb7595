#include "rt/combining_lock.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace weir::rt {
namespace {

TEST(combining_lock, returns_what_the_call_returned) {
  CombiningLock lock;
  EXPECT_EQ(lock.call([] { return 7; }), 7);
  EXPECT_EQ(lock.call([] { return std::make_unique<std::string>("moved"); })->size(), 5u);
  int n = 0;
  lock.call([&] { ++n; });
  EXPECT_EQ(n, 1);
}

TEST(combining_lock, what_a_call_throws_reaches_who_called) {
  CombiningLock lock;
  EXPECT_THROW(lock.call([] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(lock.call([] { return 1; }), 1) << "and the lock is free again";
}

TEST(combining_lock, the_holder_runs_what_others_posted) {
  CombiningLock lock;
  lock.lock();
  EXPECT_FALSE(lock.try_lock());
  std::thread::id ran_by;
  std::thread other([&] { lock.call([&] { ran_by = std::this_thread::get_id(); }); });
  while (!lock.contended()) std::this_thread::yield();
  EXPECT_TRUE(lock.drain());
  other.join();
  EXPECT_EQ(ran_by, std::this_thread::get_id());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(combining_lock, posts_run_in_the_order_they_came) {
  CombiningLock lock;
  lock.lock();
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (u32 i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] { lock.call([&] { order.push_back(static_cast<int>(i)); }); });
    while (lock.waiting_n() != i + 1) std::this_thread::yield();
  }
  lock.unlock();
  for (auto& t : threads) t.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(combining_lock, who_wants_the_lock_itself_gets_it_in_turn) {
  CombiningLock lock;
  lock.lock();
  bool got = false;
  std::thread other([&] {
    lock.lock();
    got = true;
    lock.unlock();
  });
  while (!lock.contended()) std::this_thread::yield();
  lock.drain();
  EXPECT_FALSE(got);
  lock.unlock();
  other.join();
  EXPECT_TRUE(got);
}

TEST(combining_lock, after_runs_once_for_all_that_was_done_in_one_holding) {
  CombiningLock lock;
  int after = 0;
  lock.call([] {}, [&] { ++after; });
  EXPECT_EQ(after, 1);
}

// Threads that call, hold and throw all at once: nothing is lost, nothing runs twice, nothing overlaps.
TEST(combining_lock, many_threads_at_once) {
  CombiningLock lock;
  constexpr int threads_n = 8, rounds = 20'000;
  u64 count = 0, settled = 0, inside = 0;  // plain: the lock guards them
  const auto work = [&] {
    EXPECT_EQ(inside, 0u);
    ++inside;
    ++count;
    --inside;
    return count;
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_n; ++t) {
    threads.emplace_back([&, t] {
      u64 last = 0;
      for (int i = 0; i < rounds; ++i) {
        if ((t & 3) == 3) {
          lock.lock();
          work();
          if (i % 3 == 0) lock.drain();
          lock.unlock([&] { settled = count; });
          continue;
        }
        const u64 now = lock.call(work, [&] { settled = count; });
        EXPECT_GT(now, last);
        last = now;
        if (i % 1000 == 0) {
          EXPECT_THROW(lock.call([] { throw 1; }), int);
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(count, u64{threads_n} * rounds);
  EXPECT_EQ(settled, count) << "the last holder settles what the last call did";
  EXPECT_TRUE(lock.try_lock());
}

}  // namespace
}  // namespace weir::rt
