#include "api/units.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(api_units, durations) {
  EXPECT_EQ(parse_duration("10ms"), 10_ms);
  EXPECT_EQ(parse_duration("1.5 s"), 1500_ms);
  EXPECT_EQ(parse_duration("250us"), 250_us);
  EXPECT_EQ(parse_duration("2min"), 120_s);
  EXPECT_EQ(parse_duration("1h"), 3600_s);
  EXPECT_EQ(parse_duration("0"), Duration{});
  for (const char* bad : {"", "10", "ms", "-1ms", "1 m", "1e3s", "1msx", "inf s"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(api_units, rates) {
  EXPECT_EQ(parse_rate("1Gbit/s"), 1'000'000'000u);
  EXPECT_EQ(parse_rate("56kbit/s"), 56'000u);
  EXPECT_EQ(parse_rate("2.5MB/s"), 20'000'000u);
  for (const char* bad : {"1G", "100", "1Gbps", "-1bit/s"}) EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(api_units, sizes) {
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(parse_size("1500"), 1500u);
  for (const char* bad : {"64K", "", "KiB", "1e6", "99999999TB"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(api_units, probabilities) {
  EXPECT_DOUBLE_EQ(*parse_probability("0.1%"), 0.001);
  EXPECT_DOUBLE_EQ(*parse_probability("0.25"), 0.25);
  EXPECT_DOUBLE_EQ(*parse_probability("100%"), 1);
  for (const char* bad : {"101%", "1.5", "-1%", "%"}) EXPECT_FALSE(parse_probability(bad)) << bad;
}

TEST(api_units, queues) {
  EXPECT_EQ(parse_queue("100pkt")->packets, 100u);
  EXPECT_EQ(parse_queue("64KiB")->bytes, 65'536u);
  for (const char* bad : {"0pkt", "fq_codel", "0", ""}) EXPECT_FALSE(parse_queue(bad)) << bad;
}

}  // namespace
}  // namespace weir
