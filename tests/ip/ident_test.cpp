#include "ip/ident.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <unordered_map>
#include <vector>

namespace weir::ip {
namespace {

// Pearson's statistic of `counts` against equal shares, as standard deviations from its mean (k - 1, 2(k - 1)).
double chi2_sigmas(std::span<const u32> counts) {
  double n = 0, sum = 0;
  for (const u32 c : counts) n += c;
  const double want = n / static_cast<double>(counts.size());
  for (const u32 c : counts) sum += (c - want) * (c - want) / want;
  const double k = static_cast<double>(counts.size()) - 1;
  return (sum - k) / std::sqrt(2 * k);
}
constexpr double one_in_a_hundred = 2.4;  // for the numbers of classes used here

constexpr Ip4Addr us{0x0a000001}, d1{0x0a000002};

TEST(ident_rfc6864, an_id_comes_back_to_a_destination_after_32768_datagrams_at_least) {
  Rng rng = Rng::seeded(1);
  Ident ident{rng};
  std::vector<u32> last(65'536);
  for (u32 i = 100'000; i < 500'000; ++i) {
    u32& before = last[ident.next4(1, us, d1, 17)];
    ASSERT_TRUE(before == 0 || i - before > 32'768) << i - before;
    before = i;
  }
  EXPECT_EQ(Ident::atomic4(), 0);
}

// Differences of consecutive ids to D1 while D2 gets none, some or many datagrams in between.
TEST(ident_attack_a17, ids_to_one_destination_say_nothing_about_traffic_to_another) {
  for (u32 load = 0; load < 3; ++load) {
    u32 unlikely = 0;
    constexpr u32 seeds = 16;
    for (u32 seed = 1; seed <= seeds; ++seed) {
      Rng rng = Rng::seeded(seed);
      Ident ident{rng};
      std::array<u32, 64> delta{};
      u16 before = ident.next4(1, us, d1, 17);
      for (u32 i = 0; i < 100'000; ++i) {
        const u32 others = load == 0 ? 0 : (load == 1 ? 1 : static_cast<u32>(rng.below(4)));
        for (u32 k = 0; k < others; ++k) static_cast<void>(ident.next4(1, us, {0x0b000000 + k}, 6));
        const u16 id = ident.next4(1, us, d1, 17);
        ++delta[static_cast<u16>(id - before) % 64];
        before = id;
      }
      unlikely += chi2_sigmas(delta) > one_in_a_hundred ? 1 : 0;
    }
    EXPECT_LE(unlikely, 2u) << "load " << load << ": of " << seeds << ", each with a chance of one in a hundred";
  }
}

TEST(ident_attack_a17, even_destinations_that_share_a_counter_cannot_count_each_other) {
  // 20,000 destinations over 2,048 counters: many share that of D1. Their share of the traffic must not show in D1's ids.
  Rng rng = Rng::seeded(9);
  Ident ident{rng};
  std::array<u32, 256> high{}, low{};
  for (u32 i = 0; i < 60'000; ++i) {
    for (u32 k = 0; k < 3; ++k) static_cast<void>(ident.next4(1, us, {0x0b000000 + static_cast<u32>(rng.below(20'000))}, 6));
    const u16 id = ident.next4(1, us, d1, 17);
    ++high[id >> 8];
    ++low[id & 0xff];
  }
  EXPECT_LT(chi2_sigmas(high), one_in_a_hundred);
  EXPECT_LT(chi2_sigmas(low), one_in_a_hundred);
}

TEST(ident_attack_a17, streams_of_two_destinations_are_unlike) {
  Rng rng = Rng::seeded(4);
  Ident ident{rng};
  u32 equal = 0;
  std::array<u32, 64> difference{};
  for (u32 i = 0; i < 50'000; ++i) {
    const u16 a = ident.next4(1, us, d1, 17), b = ident.next4(1, us, {d1.host + 1}, 17);
    equal += a == b ? 1 : 0;
    ++difference[static_cast<u16>(a - b) % 64];
  }
  EXPECT_LT(equal, 10u);
  EXPECT_LT(chi2_sigmas(difference), one_in_a_hundred);
}

TEST(ident_attack_a26, ipv6_ids_do_not_repeat_and_cannot_be_continued) {
  Rng rng = Rng::seeded(5);
  Ident ident{rng};
  const Ip6Addr src{{0xfd, 1}}, dst{{0xfd, 2}};
  std::unordered_map<u32, u32> seen;
  std::array<u32, 64> delta{}, top{};
  u32 before = ident.next6(1, src, dst);
  for (u32 i = 0; i < 100'000; ++i) {
    const u32 id = ident.next6(1, src, dst);
    ASSERT_TRUE(seen.emplace(id, i).second);
    ++delta[(id - before) % 64];
    ++top[id >> 26];
    before = id;
  }
  EXPECT_LT(chi2_sigmas(delta), one_in_a_hundred);
  EXPECT_LT(chi2_sigmas(top), one_in_a_hundred);
}

TEST(ident_attack_a26, namespaces_and_starts_are_apart) {
  Rng a = Rng::seeded(1), b = Rng::seeded(2);
  Ident one{a}, two{b};
  EXPECT_NE(one.next6(1, {}, {}), two.next6(1, {}, {}));
  EXPECT_NE(one.next6(1, {}, {}), one.next6(2, {}, {}));
}

}  // namespace
}  // namespace weir::ip
