#include "ip/destination.hpp"

#include <gtest/gtest.h>

namespace weir::ip {
namespace {

constexpr Instant t0{1'000'000'000};

struct Cache {
  Rng rng = Rng::seeded(3);
  DestinationCache cache;
  explicit Cache(const DestinationConfig& c = {}) : cache(c, rng) {}

  static DestinationKey key(u32 dst, NetnsId netns = 1) { return {.dst = Ip4Addr{dst}, .src = Ip4Addr::any(), .netns = netns}; }
  u32 make(u32 dst, Instant now = t0, u16 mtu = 1500) {
    const u32 id = cache.create(key(dst), now);
    cache.resolve(id, {.next_hop = Ip4Addr{1}, .source = Ip4Addr{2}, .if_out = 1, .mtu = mtu}, 7);
    return id;
  }
  u32 make6(u32 low, Instant now = t0) {
    Ip6Addr a{{0xfd}};
    store_be32(a.b.data() + 12, low);
    const u32 id = cache.create({.dst = a, .netns = 1}, now);
    cache.resolve(id, {.next_hop = a, .source = a, .if_out = 1, .mtu = 1500}, 7);
    return id;
  }
};

TEST(destination, is_found_by_all_of_its_key) {
  Cache c;
  const u32 id = c.make(10);
  EXPECT_EQ(c.cache.find(Cache::key(10), t0), id);
  EXPECT_EQ(c.cache.find(Cache::key(11), t0), 0u);
  EXPECT_EQ(c.cache.find(Cache::key(10, 2), t0), 0u);
  DestinationKey other = Cache::key(10);
  other.oif = 3;
  EXPECT_EQ(c.cache.find(other, t0), 0u);
  other = Cache::key(10);
  other.src = Ip4Addr{5};
  EXPECT_EQ(c.cache.find(other, t0), 0u);
}

TEST(destination, a_change_of_routes_asks_for_a_new_resolution) {
  Cache c;
  const u32 id = c.make(10);
  //= rfc1122#3.3.1.4 I96
  EXPECT_FALSE(c.cache.needs_refresh(id, 7));
  EXPECT_TRUE(c.cache.needs_refresh(id, 8));
  c.cache.resolve(id, {.next_hop = Ip4Addr{9}, .if_out = 2, .mtu = 1400}, 8);
  EXPECT_FALSE(c.cache.needs_refresh(id, 8));
  EXPECT_EQ(c.cache.mtu(id, t0), 1400);
  c.cache.invalidate(id);
  EXPECT_TRUE(c.cache.needs_refresh(id, 8));
}

TEST(destination, a_full_cache_gives_up_the_least_recently_used_and_tells_by_generation) {
  Cache c{{.max_entries = 100}};
  const u32 used = c.make(0), generation = c.cache[used].generation;
  const u32 idle = c.make(1), idle_generation = c.cache[idle].generation;
  for (u32 i = 2; i < 10'000; ++i) {
    const Instant now = t0 + Duration::millis(i);
    c.make(i, now);
    if (i % 20 == 0) {
      EXPECT_EQ(c.cache.find(Cache::key(0), now), used);
    }
    EXPECT_LE(c.cache.size(), 100u);
  }
  EXPECT_TRUE(c.cache.valid(used, generation));
  EXPECT_FALSE(c.cache.valid(idle, idle_generation));
  EXPECT_EQ(c.cache.evicted(), 9'900u);
}

TEST(destination, entries_go_with_their_namespace_and_interface) {
  Cache c;
  c.make(1);
  c.make(2);
  EXPECT_NE(c.cache.create(Cache::key(3, 2), t0), 0u);
  c.cache.remove_netns(1);
  EXPECT_EQ(c.cache.size(), 1u);
  EXPECT_NE(c.cache.find(Cache::key(3, 2), t0), 0u);
  c.make(4);
  c.cache.remove_interface(1);
  EXPECT_EQ(c.cache.find(Cache::key(4), t0), 0u);
  u32 n = 0;
  c.cache.for_each([&](u32, const Destination&) { ++n; });
  EXPECT_EQ(n, 1u);
}

TEST(destination, a_path_mtu_is_believed_for_ten_minutes_and_for_all_entries_of_the_destination) {
  Cache c;
  const u32 id = c.make(10);
  DestinationKey bound = Cache::key(10);
  bound.src = Ip4Addr{2};
  const u32 other = c.cache.create(bound, t0);
  c.cache.resolve(other, {.next_hop = Ip4Addr{1}, .if_out = 1, .mtu = 1500}, 7);
  EXPECT_EQ(c.cache.mtu(other, t0), 1500);
  EXPECT_TRUE(c.cache.too_big(id, 1400, 1500, t0));
  EXPECT_EQ(c.cache.mtu(id, t0), 1400);
  EXPECT_EQ(c.cache.mtu(other, t0), 1400);
  EXPECT_EQ(c.cache.mtu(c.make(11), t0), 1500);
  EXPECT_EQ(c.cache.mtu(id, t0 + 600_s - 1_ns), 1400);
  EXPECT_EQ(c.cache.mtu(id, t0 + 600_s), 1500);
  c.cache.set_mtu(1, Ip4Addr{10}, 1300, t0 + 700_s);
  EXPECT_EQ(c.cache.mtu(other, t0 + 700_s), 1300);
}

TEST(pmtu_rfc1191, plateaus) {
  EXPECT_EQ(pmtu_plateau_below(1500), 1492);
  EXPECT_EQ(pmtu_plateau_below(1492), 1006);
  EXPECT_EQ(pmtu_plateau_below(65'535), 32'000);
  EXPECT_EQ(pmtu_plateau_below(296), 68);
  EXPECT_EQ(pmtu_plateau_below(10), 68);
}

TEST(pmtu_attack_a37, claims_are_bounded_from_below_and_never_raise) {
  const struct {
    u32 reported, quoted;
    u16 current, min4;
    int want;  // -1: ignored
  } cases[] = {{0, 1500, 1500, 552, 1492},    {0, 0, 1500, 552, 1492},
               {0, 60, 1500, 552, 552},       {68, 1500, 1500, 552, 552},
               {1, 1500, 1500, 552, 552},     {576, 1500, 1500, 552, 576},
               {1400, 1500, 1500, 552, 1400}, {1500, 1500, 1500, 552, -1},
               {1501, 1500, 1500, 552, -1},   {65'536 + 600, 1500, 1500, 552, -1},
               {1, 1500, 1500, 0, 68},        {100, 1500, 1500, 68, 100},
               {600, 1500, 552, 552, -1}};
  for (const auto& c : cases) {
    const auto got = pmtu_from_too_big4(c.reported, c.quoted, c.current, c.min4);
    EXPECT_EQ(got ? int{got->mtu} : -1, c.want) << c.reported << " " << c.current;
  }
  EXPECT_TRUE(pmtu_from_too_big4(300, 552, 552, 552)->below_floor) << "a link that takes less: without DF from now on";
  for (const auto& [reported, want] :
       {std::pair<u32, int>{0, -1}, {68, -1}, {1279, -1}, {1280, 1280}, {1499, 1499}, {1500, -1}, {1501, -1}}) {
    const auto got = pmtu_from_too_big6(reported, 1500);
    EXPECT_EQ(got ? int{*got} : -1, want) << reported;
  }
}

TEST(pmtu_attack_a37, a_million_claims_about_random_destinations_stay_below_the_cap) {
  Cache c{{.max_entries = 1000, .pmtu = {.max_entries = 256}}};
  const u32 mine = c.make6(1);
  EXPECT_TRUE(c.cache.too_big(mine, 1400, 1500, t0));
  for (u32 i = 2; i < 1'000'000; ++i) {
    const u32 id = c.make6(i, t0 + Duration::micros(i));
    EXPECT_TRUE(c.cache.too_big(id, 1280, 1500, t0 + Duration::micros(i)));
    if (i % 100'000 != 0) continue;
    EXPECT_LE(c.cache.pmtu_entries(), 256u);
    EXPECT_LE(c.cache.size(), 1000u);
  }
}

TEST(pmtu_attack_a37, below_the_floor_packets_go_without_df) {
  Cache c;
  const u32 id = c.make(10);
  EXPECT_TRUE(c.cache.may_set_df(id, t0));
  EXPECT_TRUE(c.cache.too_big(id, 296, 1500, t0));
  EXPECT_EQ(c.cache.mtu(id, t0), 552);
  EXPECT_FALSE(c.cache.may_set_df(id, t0));
  EXPECT_TRUE(c.cache.may_set_df(id, t0 + 600_s));
}

}  // namespace
}  // namespace weir::ip
