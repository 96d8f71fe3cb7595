#include "base/slab.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/rng.hpp"

namespace weir {
namespace {

struct Big {
  u64 words[64];
};

TEST(slab, hands_out_indices_from_one_up_to_its_capacity) {
  Slab<u64> s{3};
  EXPECT_EQ(s.alloc(10u), 1u);
  EXPECT_EQ(s.alloc(20u), 2u);
  EXPECT_EQ(s.alloc(30u), 3u);
  EXPECT_TRUE(s.full());
  EXPECT_EQ(s.alloc(40u), 0u);
  EXPECT_EQ(s[2], 20u);
  s.release(2);
  EXPECT_EQ(s.live(), 2u);
  EXPECT_EQ(s.alloc(50u), 2u);
  EXPECT_EQ(s[2], 50u);
  EXPECT_EQ(s.capacity(), 3u);
}

TEST(slab, of_capacity_zero_gives_nothing) {
  Slab<u64> s{0};
  EXPECT_EQ(s.alloc(), 0u);
}

TEST(slab, uses_freed_slots_last_in_first_out) {
  Slab<u64> s{100};
  for (int i = 0; i < 10; ++i) (void)s.alloc();
  s.release(3);
  s.release(7);
  s.release(5);
  EXPECT_EQ(s.alloc(), 5u);
  EXPECT_EQ(s.alloc(), 7u);
  EXPECT_EQ(s.alloc(), 3u);
  EXPECT_EQ(s.alloc(), 11u);
}

TEST(slab, objects_do_not_move_when_it_grows) {
  Slab<Big, 8192> s{10'000};
  std::map<u32, Big*> where;
  for (u32 n = 0; n < 10'000; ++n) {
    const u32 i = s.alloc();
    where[i] = &s[i];
    s[i].words[0] = i;
  }
  for (const auto& [i, p] : where) {
    EXPECT_EQ(&s[i], p);
    EXPECT_EQ(p->words[0], i);
  }
}

TEST(slab, keeps_nearly_nothing_beside_the_objects) {
  Slab<Big> s{1'000'000};
  EXPECT_EQ(s.memory_bytes(), 0u);
  for (u32 n = 0; n < 10'000; ++n) (void)s.alloc();
  EXPECT_LT(s.memory_bytes(), 10'000 * sizeof(Big) + 64 * 1024 + 8192);
  Slab<u64> small{10};
  (void)small.alloc();
  EXPECT_LT(small.memory_bytes(), 200u);  // a small slab does not take a whole chunk
}

TEST(slab, chunks_of_huge_pages) {
  Slab<Big, huge_page> s{20'000};
  for (u32 n = 0; n < 20'000; ++n) {
    const u32 i = s.alloc();
    s[i].words[63] = n;
  }
  EXPECT_EQ(s[1].words[63], 0u);
  EXPECT_EQ(s[20'000].words[63], 19'999u);
  EXPECT_EQ(s.memory_bytes() / huge_page, 20'000 * sizeof(Big) / huge_page + 1);
}

struct Counted {
  explicit Counted(int& alive, std::string t) : alive_(&alive), text(std::move(t)) { ++*alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }
  int* alive_;
  std::string text;
};

TEST(slab, constructs_and_destroys_each_object_once) {
  int alive = 0;
  {
    Slab<Counted> s{1000};
    for (int i = 0; i < 100; ++i) (void)s.alloc(alive, std::string(100, 'x'));
    for (u32 i = 10; i <= 50; ++i) s.release(i);
    EXPECT_EQ(alive, 59);
    const u32 again = s.alloc(alive, "again");
    EXPECT_EQ(s[again].text, "again");
  }
  EXPECT_EQ(alive, 0);
}

TEST(slab, for_each_visits_the_live_ones_and_may_release_them) {
  Slab<u64> s{100};
  for (u64 i = 1; i <= 20; ++i) (void)s.alloc(i);
  for (u32 i = 2; i <= 20; i += 2) s.release(i);
  std::set<u32> seen;
  s.for_each([&](u32 i) {
    EXPECT_EQ(s[i], i);
    seen.insert(i);
    s.release(i);
  });
  EXPECT_EQ(seen, (std::set<u32>{1, 3, 5, 7, 9, 11, 13, 15, 17, 19}));
  EXPECT_EQ(s.live(), 0u);
}

TEST(slab, random_use_agrees_with_a_map) {
  Rng rng = Rng::seeded(1);
  Slab<u64, 1024> s{500};
  std::map<u32, u64> model;
  for (int step = 0; step < 20'000; ++step) {
    if (rng.chance(0.52)) {
      const u64 v = rng.next_u64();
      const u32 i = s.alloc(v);
      ASSERT_EQ(i == 0, model.size() == 500);
      ASSERT_TRUE(i == 0 || model.emplace(i, v).second) << "index in use handed out again";
    } else if (!model.empty()) {
      auto it = model.lower_bound(static_cast<u32>(rng.below(501)));
      if (it == model.end()) it = model.begin();
      ASSERT_EQ(s[it->first], it->second);
      s.release(it->first);
      model.erase(it);
    }
    ASSERT_EQ(s.live(), model.size());
  }
}

#ifndef NDEBUG
TEST(slab_death, a_stale_index_is_a_bug) {
  Slab<u64> s{10};
  const u32 i = s.alloc();
  s.release(i);
  EXPECT_DEATH((void)s[i], "assertion failed");
  EXPECT_DEATH(s.release(i), "assertion failed");
  EXPECT_DEATH((void)s[0], "assertion failed");
}
#endif

}  // namespace
}  // namespace weir
