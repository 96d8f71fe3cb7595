#include "base/flow_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

std::array<u8, 32> seed(u8 first) {
  std::array<u8, 32> s{};
  for (usize i = 0; i < s.size(); ++i) s[i] = static_cast<u8>(first + i);
  return s;
}

template <class Key>
Key random_key(Rng& rng) {
  Key k;
  rng.fill(std::as_writable_bytes(std::span{&k, 1}));
  return k;
}

std::string kind_name(const testing::TestParamInfo<FlowHasher::Kind>& k) { return k.param == FlowHasher::Kind::aes ? "aes" : "siphash"; }

class flow_hash : public testing::TestWithParam<FlowHasher::Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == FlowHasher::Kind::aes && !FlowHasher::has_aes()) GTEST_SKIP() << "this CPU does not have it";
  }
  // Only once SetUp has let the test run.
  [[nodiscard]] static FlowHasher hasher(u8 first = 1) { return FlowHasher{seed(first), GetParam()}; }

  template <class Key>
  void every_bit_changes_half_of_the_hash() {
    const FlowHasher hash = hasher();
    Rng rng = Rng::seeded(1);
    constexpr int rounds = 400;
    for (usize bit = 0; bit < sizeof(Key) * 8; ++bit) {
      int changed = 0;
      for (int i = 0; i < rounds; ++i) {
        const Key a = random_key<Key>(rng);
        Key b = a;
        reinterpret_cast<u8*>(&b)[bit / 8] ^= static_cast<u8>(1u << (bit % 8));
        changed += std::popcount(hash(a) ^ hash(b));
      }
      EXPECT_NEAR(changed, rounds * 16, rounds) << "bit " << bit;  // 12,800 coin flips: sigma is 57
    }
  }

  template <class Key>
  void batch_gives_the_same() {
    const FlowHasher hash = hasher();
    Rng rng = Rng::seeded(2);
    for (const usize n : {0u, 1u, 3u, 64u}) {
      std::vector<Key> keys(n);
      for (Key& k : keys) k = random_key<Key>(rng);
      std::vector<u32> out(n);
      hash.batch(keys, out);
      for (usize i = 0; i < n; ++i) EXPECT_EQ(out[i], hash(keys[i]));
    }
  }
};
INSTANTIATE_TEST_SUITE_P(all, flow_hash, testing::Values(FlowHasher::Kind::siphash, FlowHasher::Kind::aes), kind_name);

TEST_P(flow_hash, every_bit_of_a_v4_key_changes_half_of_the_hash) { every_bit_changes_half_of_the_hash<FlowKey4>(); }
TEST_P(flow_hash, every_bit_of_a_v6_key_changes_half_of_the_hash) { every_bit_changes_half_of_the_hash<FlowKey6>(); }
TEST_P(flow_hash, batch_of_v4) { batch_gives_the_same<FlowKey4>(); }
TEST_P(flow_hash, batch_of_v6) { batch_gives_the_same<FlowKey6>(); }

TEST_P(flow_hash, another_seed_is_another_function) {
  Rng rng = Rng::seeded(3);
  const FlowHasher a = hasher(1), b = hasher(2), again = hasher(1);
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto k = random_key<FlowKey6>(rng);
    same += a(k) == b(k) ? 1 : 0;
    EXPECT_EQ(a(k), again(k));
  }
  EXPECT_EQ(same, 0);
}

TEST_P(flow_hash, neighbouring_flows_fill_a_table_evenly) {
  // One server, consecutive client addresses and ports: as regular as real keys come.
  const FlowHasher hash = hasher();
  constexpr u32 buckets = 256, keys = 65536;
  std::vector<u32> count(buckets);
  std::unordered_set<u32> seen;
  for (u32 i = 0; i < keys; ++i) {
    const u32 h = hash(FlowKey4{.src = 0x0a000001 + i / 256, .dst = 0x0a010001, .sport = static_cast<u16>(1024 + i % 256), .dport = 80});
    ++count[h % buckets];
    seen.insert(h);
  }
  EXPECT_GT(seen.size(), keys - 8u);  // 2^31 pairs in 2^32 values: half a collision expected
  const auto [lo, hi] = std::minmax_element(count.begin(), count.end());
  EXPECT_GT(*lo, 180u);  // 256 expected, sigma 16
  EXPECT_LT(*hi, 332u);
}

TEST_P(flow_hash, direction_and_position_matter) {
  const FlowHasher hash = hasher();
  FlowKey6 a{};
  a.src[15] = 1;
  a.dst[15] = 2;
  FlowKey6 b{};
  b.src[15] = 2;
  b.dst[15] = 1;
  EXPECT_NE(hash(a), hash(b));
  EXPECT_NE(hash(FlowKey4{.src = 1, .dst = 2}), hash(FlowKey4{.src = 2, .dst = 1}));
  // Equal blocks do not cancel out.
  FlowKey6 c{}, d{};
  for (int i = 0; i < 16; ++i) c.src[i] = c.dst[i] = 7;
  for (int i = 0; i < 16; ++i) d.src[i] = d.dst[i] = 9;
  EXPECT_NE(hash(c), hash(d));
}

}  // namespace
}  // namespace weir
