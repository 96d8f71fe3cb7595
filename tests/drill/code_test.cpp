// %{ }%: Python as scripts use it.
#include "drill/code.hpp"

#include <gtest/gtest.h>

namespace weir::drill {
namespace {

std::string value_of(const std::string& expression) {
  CodeScope scope;
  scope.outside = [](const std::string& name, Place place) -> CodeValue {
    if (name == "tcpi_rtt") return {i64{15}};
    throw ScriptError(place, name);
  };
  run_code(parse_code("x = " + expression, {}), scope);
  return to_text(scope.variables["x"]);
}

TEST(drill_code, precedence_is_that_of_python) {
  EXPECT_EQ(value_of("1 + 2 * 3"), "7");
  EXPECT_EQ(value_of("(1 + 2) * 3"), "9");
  EXPECT_EQ(value_of("2 ** 3 ** 2"), "512");
  EXPECT_EQ(value_of("-2 ** 2"), "-4");
  EXPECT_EQ(value_of("1 | 2 ^ 3 & 4"), "3");
  EXPECT_EQ(value_of("1 << 2 + 1"), "8");
  EXPECT_EQ(value_of("not 1 == 2 and 0 or 5"), "5");
  EXPECT_EQ(value_of("3 & 1 == 1"), "1");  // binds tighter than a comparison, not as in C
}

TEST(drill_code, division_rounds_down) {
  EXPECT_EQ(value_of("-7 // 2"), "-4");
  EXPECT_EQ(value_of("-7 % 3"), "2");
  EXPECT_EQ(value_of("7 / 2"), "3.5");
  EXPECT_EQ(value_of("int(7 / 2)"), "3");
}

TEST(drill_code, comparisons_chain) {
  EXPECT_EQ(value_of("10 <= tcpi_rtt <= 20"), "1");
  EXPECT_EQ(value_of("10 <= tcpi_rtt < 15"), "0");
  EXPECT_EQ(value_of("1 == 1 == 1"), "1");
  EXPECT_EQ(value_of("1 if tcpi_rtt > 20 else 2"), "2");
}

TEST(drill_code, text) {
  EXPECT_EQ(value_of("'rtt=%d us' % tcpi_rtt"), "rtt=15 us");
  EXPECT_EQ(value_of("'%d of %s, %x%%' % (1, 'a', 255)"), "1 of a, ff%");
  EXPECT_EQ(value_of("('a', 1)"), "(a, 1)");
}

TEST(drill_code, statements) {
  CodeScope scope;
  std::string printed;
  scope.print = [&](const std::string& line) { printed += line + ";"; };
  run_code(parse_code("cwnd = 1  # one\ncwnd += 2; \\\n  cwnd *= 5\nprint(cwnd); assert cwnd == 15, cwnd\n", {}), scope);
  EXPECT_EQ(printed, "15;");
  run_code(parse_code("assert cwnd == 15", {}), scope);  // names live on from block to block
}

TEST(drill_code, an_assertion_that_does_not_hold_says_what_and_where) {
  CodeScope scope;
  try {
    run_code(parse_code("x = 3\n assert x == 4, 'x is %d' % x", {7, 4}), scope);
    FAIL();
  } catch (const RunFailure& e) {
    EXPECT_EQ(e.place, (Place{8, 2}));
    EXPECT_STREQ(e.what(), "assert x == 4 does not hold: x is 3");
  }
}

TEST(drill_code, what_cannot_be_computed_is_an_error_not_a_crash) {
  for (const char* bad :
       {"1 // 0", "1 % 0", "1 << 63", "1 << -1", "9223372036854775807 + 1", "(-9223372036854775807 - 1) // -1", "2 ** 64", "2 ** -1",
        "'a' - 1", "'a' < 1", "~1.5", "'%d' % (1, 2)", "'%d %d' % 1", "unknown", "open('x')", "9223372036854775807 * 2"})
    EXPECT_THROW((void)value_of(bad), ScriptError) << bad;
}

TEST(drill_code, nesting_is_bounded) {
  EXPECT_THROW((void)value_of(std::string(10'000, '(') + "1" + std::string(10'000, ')')), ScriptError);
  std::string sum = "1";
  for (int i = 0; i < 20'000; ++i) sum += "+1";
  EXPECT_THROW((void)value_of(sum), ScriptError);
  EXPECT_THROW((void)value_of(std::string(100'000, '-') + "1"), ScriptError);
}

}  // namespace
}  // namespace weir::drill
