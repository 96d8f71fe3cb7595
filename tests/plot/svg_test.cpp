// Axes and marks: round ticks, nothing that lies on the same point twice, no value that is lost.
#include "plot/svg.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace weir::plot {
namespace {

const Panel panel{.x = 100, .y = 50, .width = 200, .height = 100, .time = {0, 10}, .value = {0, 1'000}};

TEST(plot_svg, ticks_are_round_and_within) {
  EXPECT_THAT(ticks({0, 10}, 10), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(ticks({0, 730}, 8), testing::ElementsAre(0, 100, 200, 300, 400, 500, 600, 700));
  EXPECT_THAT(ticks({-3, 7}, 5), testing::ElementsAre(-2, 0, 2, 4, 6));
  EXPECT_THAT(ticks({0.98, 1.31}, 4),
              testing::ElementsAre(testing::DoubleEq(1.0), testing::DoubleEq(1.1), testing::DoubleEq(1.2), testing::DoubleEq(1.3)));
  EXPECT_LE(ticks({9e9, 9e9 + 2e-6}, 10).size(), 21u) << "so far from 0 that steps are lost in rounding";
  EXPECT_THAT(ticks({5, 5}, 8), testing::ElementsAre(5)) << "no span, no endless loop";
}

TEST(plot_svg, numbers_are_short) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(950), "950");
  EXPECT_EQ(short_number(15'000), "15k");
  EXPECT_EQ(short_number(2'500'000), "2.5M");
}

TEST(plot_svg, text_is_escaped) { EXPECT_EQ(escape("a<b>&\"c\"\n"), "a&lt;b&gt;&amp;&quot;c&quot; "); }

TEST(plot_svg, a_step_line_keeps_its_value_until_the_next) {
  Marks line(panel);
  line.step(0, 0);
  line.step(5, 500);
  line.gap();
  line.step(10, 1'000);
  EXPECT_EQ(line.points(), 3u);
  EXPECT_EQ(line.data(), "M100 150H200V100M300 50");
}

TEST(plot_svg, a_level_line_is_its_ends) {
  Marks line(panel);
  for (int i = 0; i <= 100; ++i) line.step(i / 10.0, i == 50 ? 500 : 0);
  EXPECT_EQ(line.data(), "M100 150H200V100H202V150H300");
}

TEST(plot_svg, a_column_keeps_its_first_lowest_highest_and_last) {
  Marks line(panel);
  for (u32 i = 0; i < 100'000; ++i) line.step(5.001, i == 40'000 ? 900 : i == 60'000 ? 100 : 500);
  EXPECT_EQ(line.points(), 100'000u);
  EXPECT_EQ(line.data(), "M200 100V60V140V100");
}

TEST(plot_svg, bars_that_go_on_where_the_last_ended_are_one) {
  Marks bars(panel);
  bars.bar(5, 0, 100);
  bars.bar(5, 100, 300);
  bars.bar(5, 600, 700);
  bars.bar(6, 700, 701);
  EXPECT_EQ(bars.points(), 4u);
  EXPECT_EQ(bars.data(), "M200 150V120M200 90V80M220 80V79") << "the last is less than a pixel, and still to be seen";
}

TEST(plot_svg, what_lies_on_the_same_point_is_drawn_once) {
  Marks dots(panel), crosses(panel), rules(panel);
  for (int i = 0; i < 50; ++i) dots.dot(5, 500), crosses.cross(5, 500), rules.rule(5);
  EXPECT_EQ(dots.points() + crosses.points() + rules.points(), 150u);
  EXPECT_EQ(dots.data(), "M200 100h0");
  EXPECT_EQ(crosses.data(), "M197 97l6 6m0 -6l-6 6");
  EXPECT_EQ(rules.data(), "M200 50v100");
}

TEST(plot_svg, a_picture_of_a_million_points_is_small) {
  Marks line(panel), bars(panel);
  for (u32 i = 0; i < 1'000'000; ++i) {
    const double t = i / 1e5;
    line.step(t, i * 7919 % 1'000);
    bars.bar(t, i % 1'000, i % 1'000 + 1);
  }
  EXPECT_LT(line.data().size() + bars.data().size(), 200'000u);
}

TEST(plot_svg, marks_that_were_not_made_leave_no_trace) {
  Picture p(400, 200, "a < b");
  p.axes(panel, "bytes", true);
  Marks none(panel), one(panel);
  one.dot(1, 1);
  p.add(none, "sent", "nothing");
  p.add(one, "rtt", "something");
  const std::string svg = p.finish();
  EXPECT_EQ(svg.find("nothing"), std::string::npos);
  EXPECT_NE(svg.find("class=\"rtt\" data-points=\"1\""), std::string::npos);
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace weir::plot
