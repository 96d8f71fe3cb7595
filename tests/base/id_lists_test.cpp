#include "base/id_lists.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

TEST(id_lists, keep_order_over_many_chunks_and_give_them_back) {
  IdLists lists;
  IdList a, b;
  for (u32 round = 0; round < 3; ++round) {
    for (u32 i = 0; i < 1000; ++i) lists.append(i % 3 == 0 ? a : b, i);
    std::vector<u32> seen;
    const auto collect = [&](std::span<const u32> ids) { seen.insert(seen.end(), ids.begin(), ids.end()); };
    lists.for_each_chunk(a, collect);
    EXPECT_EQ(seen.size(), 334u);
    lists.drain(a, collect);
    lists.drain(b, collect);
    ASSERT_EQ(seen.size(), 1334u);
    for (u32 i = 0; i < 334; ++i) EXPECT_EQ(seen[i], 3 * i);
    EXPECT_EQ(seen[334 + 334], 1u);
    EXPECT_TRUE(a.empty() && b.empty());
  }
  EXPECT_LE(lists.memory_bytes(), 2u * 64 * 1024);
}

TEST(id_lists, drain_may_append_to_the_list_that_it_empties) {
  IdLists lists;
  IdList l;
  for (u32 i = 0; i < 100; ++i) lists.append(l, i);
  u32 count = 0;
  lists.drain(l, [&](std::span<const u32> ids) {
    for (const u32 id : ids)
      if (++count; id % 2 == 0) lists.append(l, id);
  });
  EXPECT_EQ(count, 100u);
  u32 taken = 0, id = 0;
  for (u32 i = 0; i < 100; i += 2) {
    ASSERT_TRUE(lists.pop(l, taken, id));
    EXPECT_EQ(id, i);
  }
  EXPECT_FALSE(lists.pop(l, taken, id));
}

TEST(id_lists, pop_and_append_in_turn) {
  IdLists lists;
  IdList l;
  u32 taken = 0, id = 0, next = 0;
  for (u32 i = 0; i < 500; ++i) {
    lists.append(l, i);
    if (i % 3 == 0) continue;
    ASSERT_TRUE(lists.pop(l, taken, id));
    EXPECT_EQ(id, next++);
  }
  while (lists.pop(l, taken, id)) EXPECT_EQ(id, next++);
  EXPECT_EQ(next, 500u);
  EXPECT_TRUE(l.empty());
  EXPECT_EQ(taken, 0u);
}

}  // namespace
}  // namespace weir
