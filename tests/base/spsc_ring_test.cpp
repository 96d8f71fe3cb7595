#include "base/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

TEST(spsc_ring, is_a_bounded_fifo) {
  SpscRing<u32> ring{5};
  EXPECT_EQ(ring.capacity(), 8u);
  u32 v = 0;
  EXPECT_FALSE(ring.try_pop(v));
  for (u32 round = 0; round < 5; ++round) {
    for (u32 i = 0; i < 8; ++i) EXPECT_TRUE(ring.try_push(round * 8 + i));
    EXPECT_FALSE(ring.try_push(99));
    EXPECT_EQ(ring.size(), 8u);
    for (u32 i = 0; i < 8; ++i) {
      EXPECT_TRUE(ring.try_pop(v));
      EXPECT_EQ(v, round * 8 + i);
    }
    EXPECT_TRUE(ring.empty());
  }
}

TEST(spsc_ring, batches_take_a_prefix) {
  SpscRing<u32> ring{8};
  std::vector<u32> in(6), out(10);
  std::iota(in.begin(), in.end(), 1u);
  EXPECT_EQ(ring.push_batch(in), 6u);
  EXPECT_EQ(ring.push_batch(in), 2u);
  EXPECT_EQ(ring.push_batch(in), 0u);
  EXPECT_EQ(ring.pop_batch(std::span{out}.first(3)), 3u);
  EXPECT_EQ(ring.push_batch(std::span{in}.first(2)), 2u);
  EXPECT_EQ(ring.pop_batch(out), 7u);
  EXPECT_EQ(std::vector<u32>(out.begin(), out.begin() + 7), (std::vector<u32>{4, 5, 6, 1, 2, 1, 2}));
  EXPECT_EQ(ring.pop_batch(out), 0u);
  EXPECT_EQ(ring.push_batch({}), 0u);
}

TEST(spsc_ring, moves_what_cannot_be_copied) {
  SpscRing<std::unique_ptr<int>> ring{2};
  EXPECT_TRUE(ring.try_push(std::make_unique<int>(7)));
  std::unique_ptr<int> out;
  EXPECT_TRUE(ring.try_pop(out));
  EXPECT_EQ(*out, 7);
}

TEST(spsc_ring, two_threads_lose_and_reorder_nothing) {
  // A pointed-to value checks that what was written before the push is seen after the pop.
  constexpr u64 total = 200'000;
  SpscRing<const u64*> ring{64};
  std::vector<u64> values(total);
  std::thread producer([&] {
    Rng rng = Rng::seeded(1);
    std::vector<const u64*> batch;
    for (u64 at = 0; at < total;) {
      batch.clear();
      const u64 n = std::min<u64>(1 + rng.below(40), total - at);
      for (u64 i = 0; i < n; ++i) {
        values[at + i] = (at + i) * 3;
        batch.push_back(&values[at + i]);
      }
      std::span<const u64* const> left{batch};
      while (!left.empty()) {
        const usize taken = left.size() == 1 ? (ring.try_push(left[0]) ? 1 : 0) : ring.push_batch(left);
        left = left.subspan(taken);
        if (taken == 0) std::this_thread::yield();
      }
      at += n;
    }
  });
  Rng rng = Rng::seeded(2);
  std::array<const u64*, 50> out{};
  for (u64 at = 0; at < total;) {
    const usize want = 1 + rng.below(out.size());
    const usize got = want == 1 ? (ring.try_pop(out[0]) ? 1 : 0) : ring.pop_batch(std::span{out}.first(want));
    for (usize i = 0; i < got; ++i, ++at) ASSERT_EQ(*out[i], at * 3);
    ASSERT_LE(ring.size(), ring.capacity());
    if (got == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace weir
