#include "base/fixed_vector.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/bounded_deque.hpp"

namespace weir {
namespace {

template <class V>
std::vector<int> content(const V& v) {
  return {v.begin(), v.end()};
}

TEST(fixed_vector, takes_no_more_than_it_holds) {
  FixedVector<int, 3> v;
  EXPECT_TRUE(v.push(1) && v.push(2) && v.push(3));
  EXPECT_FALSE(v.push(4));
  EXPECT_FALSE(v.insert(0, 9));
  EXPECT_EQ(content(v), (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(v.full());
  v.pop();
  EXPECT_EQ(v.back(), 2);
}

TEST(fixed_vector, inserts_and_erases) {
  FixedVector<int, 8> v;
  for (const int i : {1, 2, 4}) (void)v.push(i);
  EXPECT_TRUE(v.insert(2, 3));
  EXPECT_TRUE(v.insert(0, 0));
  EXPECT_TRUE(v.insert(5, 5));
  EXPECT_EQ(content(v), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  v.erase(1);
  EXPECT_EQ(content(v), (std::vector<int>{0, 2, 3, 4, 5}));
  v.erase_swap(0);
  EXPECT_EQ(content(v), (std::vector<int>{5, 2, 3, 4}));
  v.erase_swap(3);
  EXPECT_EQ(content(v), (std::vector<int>{5, 2, 3}));
}

TEST(fixed_vector, owns_what_it_holds) {
  auto probe = std::make_shared<int>(1);
  {
    FixedVector<std::shared_ptr<int>, 4> v;
    for (int i = 0; i < 3; ++i) (void)v.push(probe);
    auto copy = v;
    EXPECT_EQ(probe.use_count(), 7);
    copy.erase_swap(0);
    copy.erase(0);
    v = copy;
    EXPECT_EQ(probe.use_count(), 3);
  }
  EXPECT_EQ(probe.use_count(), 1);
}

TEST(fixed_vector, moves_what_cannot_be_copied) {
  FixedVector<std::unique_ptr<int>, 4> a;
  EXPECT_TRUE(a.push(std::make_unique<int>(1)) && a.push(std::make_unique<int>(3)));
  EXPECT_TRUE(a.insert(1, std::make_unique<int>(2)));
  FixedVector<std::unique_ptr<int>, 4> b = std::move(a);
  a = std::move(b);
  ASSERT_EQ(a.size(), 3u);
  for (u32 i = 0; i < 3; ++i) EXPECT_EQ(*a[i], static_cast<int>(i) + 1);
}

FixedVector<u32, 40> made_of(u32 n) {
  FixedVector<u32, 40> v;
  for (u32 i = 0; i < n; ++i) (void)v.push(i);
  return v;
}

TEST(fixed_vector, is_as_trivial_as_its_elements) {
  static_assert(std::is_trivially_copyable_v<FixedVector<int, 4>>);
  static_assert(!std::is_trivially_copyable_v<FixedVector<std::string, 4>>);
  FixedVector<u32, 40> a = made_of(3), b = a, c;
  c = b;
  b.pop();
  EXPECT_EQ(c.size() + b.size() + a.size(), 8u);
  static_assert(std::is_trivially_destructible_v<FixedVector<int, 4>>);
  static_assert(!std::is_trivially_destructible_v<FixedVector<std::string, 4>>);
  static_assert(sizeof(FixedVector<u32, 3>) == 16);
}

TEST(bounded_deque, turns_round_at_both_ends) {
  BoundedDeque<int, 4> d;
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(d.push_back(round));
    EXPECT_TRUE(d.push_front(-round));
    EXPECT_EQ(d.front(), -round);
    EXPECT_EQ(d.back(), round);
    EXPECT_EQ(d.size(), 2u);
    d.pop_back();
    d.pop_front();
    EXPECT_TRUE(d.empty());
    EXPECT_TRUE(d.push_back(0));  // so that the next round begins one further on
    d.pop_front();
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(d.push_back(i));
  EXPECT_FALSE(d.push_back(4));
  EXPECT_FALSE(d.push_front(4));
  for (u32 i = 0; i < 4; ++i) EXPECT_EQ(d[i], static_cast<int>(i));
}

}  // namespace
}  // namespace weir
