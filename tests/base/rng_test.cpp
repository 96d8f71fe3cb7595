#include "base/rng.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <vector>

namespace weir {
namespace {

constexpr std::array<u8, 32> key{1, 2, 3};

TEST(rng, equal_seeds_give_equal_streams_and_others_do_not) {
  Rng a = Rng::seeded(7), b = Rng::seeded(7), c = Rng::seeded(8);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const u64 v = a.next_u64();
    EXPECT_EQ(v, b.next_u64());
    equal += v == c.next_u64() ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(rng, the_seeded_stream_never_changes) {
  // A golden value: every recorded run of the simulator depends on it. splitmix64 of 0 begins e220a8397b1dcdaf
  // (published), and 0x99ec5f36cb75f2b4 is what xoshiro256** gives from the state that splitmix64 makes of 0.
  Rng r = Rng::seeded(0);
  EXPECT_EQ(r.next_u64(), 0x99ec5f36cb75f2b4u);
}

TEST(rng, secure_stream_is_chacha20_with_a_new_key_per_block) {
  ASSERT_GE(sodium_init(), 0);
  std::array<u8, 32> k = key;
  Rng r = Rng::secure(key);
  constexpr std::array<u8, 8> nonce{};
  for (int block = 0; block < 3; ++block) {
    std::array<u8, 32 + 64 * 8> out;
    crypto_stream_chacha20(out.data(), out.size(), nonce.data(), k.data());
    for (usize i = 0; i < 64; ++i) ASSERT_EQ(r.next_u64(), load_raw<u64>(out.data() + 32 + 8 * i)) << block << " " << i;
    std::memcpy(k.data(), out.data(), k.size());
  }
}

TEST(rng, below_is_even_and_in_range) {
  for (Rng* r : {new Rng(Rng::seeded(1)), new Rng(Rng::secure(key))}) {
    const std::unique_ptr<Rng> owner(r);
    std::array<int, 10> count{};
    for (int i = 0; i < 100'000; ++i) {
      const u64 v = r->below(10);
      ASSERT_LT(v, 10u);
      ++count[v];
    }
    for (const int c : count) EXPECT_NEAR(c, 10'000, 500);  // sigma is 95
    for (int i = 0; i < 100; ++i) EXPECT_EQ(r->below(1), 0u);
  }
}

TEST(rng, below_is_unbiased_where_a_remainder_would_not_be) {
  // Of 3 * 2^62 values, 2^64 modulo n favours the first quarter twofold; a fair generator puts a third of draws in it.
  Rng r = Rng::seeded(2);
  const u64 n = u64{3} << 62;
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += r.below(n) < u64{1} << 62 ? 1 : 0;
  EXPECT_NEAR(low, 10'000, 500);
}

TEST(rng, unit_and_chance) {
  Rng r = Rng::seeded(3);
  double sum = 0;
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = r.unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    hits += r.chance(0.01) ? 1 : 0;
    ASSERT_FALSE(r.chance(0));
    ASSERT_TRUE(r.chance(1));
  }
  EXPECT_NEAR(sum, 50'000, 500);
  EXPECT_NEAR(hits, 1000, 200);
}

TEST(rng, a_probability_does_not_shift_the_stream) {
  Rng a = Rng::seeded(4), b = Rng::seeded(4);
  (void)a.chance(0);
  (void)b.chance(0.7);
  EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(rng, fill_and_fork) {
  Rng r = Rng::seeded(5);
  std::vector<std::byte> v(1001);
  r.fill(v);
  EXPECT_NE(v.back(), v[v.size() - 9]);  // 255 of 256 seeds
  Rng child = r.fork();
  EXPECT_NE(child.next_u64(), r.next_u64());
  Rng secure = Rng::secure(key);
  Rng other = secure.fork();
  EXPECT_NE(other.next_u64(), secure.next_u64());
  Rng moved = std::move(other);
  EXPECT_NE(moved.next_u64(), moved.next_u64());
}

}  // namespace
}  // namespace weir
