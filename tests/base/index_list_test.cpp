#include "base/index_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

struct Store {
  std::array<IndexLinks, 64> links{};
  IndexLinks& operator()(u32 i) { return links[i]; }
};

std::vector<u32> content(const IndexList& list, Store& store) {
  std::vector<u32> v;
  list.for_each(store, [&](u32 i) { v.push_back(i); });
  return v;
}

TEST(index_list, keeps_order_at_both_ends_and_in_the_middle) {
  Store store;
  IndexList list;
  EXPECT_TRUE(list.empty());
  list.push_back(store, 5);
  list.push_back(store, 6);
  list.push_front(store, 4);
  list.insert_before(store, 6, 9);
  list.insert_before(store, 4, 1);
  list.insert_before(store, 0, 8);
  EXPECT_EQ(content(list, store), (std::vector<u32>{1, 4, 5, 9, 6, 8}));
  EXPECT_EQ(list.head(), 1u);
  EXPECT_EQ(list.tail(), 8u);
  EXPECT_TRUE(list.linked(store, 1));
  EXPECT_TRUE(list.linked(store, 8));
  list.remove(store, 5);
  EXPECT_FALSE(list.linked(store, 5));
  EXPECT_EQ(list.pop_front(store), 1u);
  list.move_to_back(store, 4);
  list.move_to_back(store, 4);
  EXPECT_EQ(content(list, store), (std::vector<u32>{9, 6, 8, 4}));
}

TEST(index_list, the_element_at_hand_may_be_removed_while_walking) {
  Store store;
  IndexList list;
  for (u32 i = 1; i <= 6; ++i) list.push_back(store, i);
  list.for_each(store, [&](u32 i) {
    if (i % 2 == 0) list.remove(store, i);
  });
  EXPECT_EQ(content(list, store), (std::vector<u32>{1, 3, 5}));
}

TEST(index_list, random_use_agrees_with_a_deque) {
  Rng rng = Rng::seeded(1);
  Store store;
  IndexList list;
  std::deque<u32> model;
  for (int step = 0; step < 20'000; ++step) {
    const u32 i = 1 + static_cast<u32>(rng.below(63));
    const auto it = std::find(model.begin(), model.end(), i);
    ASSERT_EQ(list.linked(store, i), it != model.end());
    if (it != model.end()) {
      list.remove(store, i);
      model.erase(it);
    } else if (rng.chance(0.4)) {
      list.push_back(store, i);
      model.push_back(i);
    } else if (rng.chance(0.5)) {
      list.push_front(store, i);
      model.push_front(i);
    } else if (!model.empty()) {
      const usize at = rng.below(model.size());
      list.insert_before(store, model[at], i);
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), i);
    }
    ASSERT_EQ(content(list, store), std::vector<u32>(model.begin(), model.end()));
    ASSERT_EQ(list.head(), model.empty() ? 0 : model.front());
    ASSERT_EQ(list.tail(), model.empty() ? 0 : model.back());
  }
}

TEST(index_queue, first_in_first_out_and_append) {
  std::array<u32, 16> links{};
  const auto next = [&](u32 i) -> u32& { return links[i]; };
  IndexQueue a, b;
  EXPECT_EQ(a.pop(next), 0u);
  a.push(next, 3);
  a.push(next, 4);
  a.push_front(next, 2);
  b.push(next, 7);
  b.push(next, 8);
  a.append(next, b);
  EXPECT_TRUE(b.empty());
  a.append(next, b);
  std::vector<u32> seen;
  a.for_each(next, [&](u32 i) { seen.push_back(i); });
  EXPECT_EQ(seen, (std::vector<u32>{2, 3, 4, 7, 8}));
  for (const u32 want : {2u, 3u, 4u, 7u, 8u, 0u}) EXPECT_EQ(a.pop(next), want);
  EXPECT_TRUE(a.empty());
  b.push_front(next, 5);
  a.append(next, b);
  a.push(next, 6);
  EXPECT_EQ(a.pop(next), 5u);
  EXPECT_EQ(a.tail(), 6u);
}

}  // namespace
}  // namespace weir
