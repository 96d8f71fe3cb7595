#include "base/seq.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(seq_num, compares_across_the_wrap) {
  const SeqNum top{0xffff'fff0u};
  EXPECT_LT(top, top + 0x20);
  EXPECT_GT(top + 0x20, top);
  EXPECT_EQ((top + 0x20) - top, 0x20u);
  EXPECT_EQ(seq_distance(top, top + 0x20), -0x20);
  EXPECT_EQ(seq_max(top, top + 1), top + 1);
}

TEST(seq_num, a_window_across_the_wrap_holds_its_first_byte_and_not_its_end) {
  const SeqNum lo{0xffff'ffffu};
  EXPECT_TRUE(seq_in(lo, lo, lo + 2));
  EXPECT_TRUE(seq_in(lo + 1, lo, lo + 2));
  EXPECT_FALSE(seq_in(lo + 2, lo, lo + 2));
  EXPECT_FALSE(seq_in(lo - 1, lo, lo + 2));
  EXPECT_FALSE(seq_in(lo, lo, lo));
}

}  // namespace
}  // namespace weir
