#include "api/fast_open_key.hpp"

#include <gtest/gtest.h>

#include "api/sysctl_names.hpp"

namespace weir {
namespace {

TEST(fast_open_key, one_or_two_keys_there_and_back) {
  Sysctl s;
  EXPECT_EQ(sysctl_text(s, "tcp_fastopen_key"), "00000000-00000000-00000000-00000000");
  ASSERT_TRUE(set_sysctl(s, "tcp_fastopen_key", "01234567-89abcdef-00000001-fffffffe"));
  EXPECT_EQ(s.tcp_fastopen_key, (std::array<u64, 2>{0x0123'4567'89ab'cdef, 0x0000'0001'ffff'fffe}));
  EXPECT_EQ(s.tcp_fastopen_key_before, (std::array<u64, 2>{}));
  const std::string both = "00000000-00000000-00000000-00000002,01234567-89abcdef-00000001-fffffffe";
  ASSERT_TRUE(set_sysctl(s, "tcp_fastopen_key", both));
  EXPECT_EQ(s.tcp_fastopen_key[1], 2u);
  EXPECT_EQ(s.tcp_fastopen_key_before[0], 0x0123'4567'89ab'cdefu);
  EXPECT_EQ(sysctl_text(s, "tcp_fastopen_key"), both);
  ASSERT_TRUE(set_sysctl(s, "tcp_fastopen_key", "00000000-00000000-00000000-00000003"));
  EXPECT_EQ(s.tcp_fastopen_key_before[0], 0u) << "the old one is forgotten";
}

TEST(fast_open_key, anything_else_is_an_error_that_says_what_is_expected) {
  Sysctl s;
  for (const char* bad :
       {"", "1", "01234567-89abcdef-00000001", "01234567-89abcdef-00000001-fffffffg", "0123456789abcdef-00000001-fffffffe1",
        "01234567-89abcdef-00000001-fffffffe,", "01234567-89abcdef-00000001-fffffffe,1", " 1234567-89abcdef-00000001-fffffffe",
        "-1234567-89abcdef-00000001-fffffffe", "01234567-89abcdef-00000001-fffffffe-"}) {
    const auto r = set_sysctl(s, "tcp_fastopen_key", bad);
    ASSERT_FALSE(r) << bad;
    EXPECT_NE(r.error().find("xxxxxxxx-xxxxxxxx"), std::string::npos);
    EXPECT_EQ(s.tcp_fastopen_key[0], 0u);
  }
}

}  // namespace
}  // namespace weir
