// Wrong scripts, each with what is said about it: its first line is "// error: LINE:COLUMN: message".
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "drill/runner.hpp"

namespace weir::drill {
namespace {

TEST(drill_wrong, each_wrong_script_is_told_what_is_wrong_and_where) {
  u32 n = 0;
  for (const auto& e : std::filesystem::directory_iterator(WEIR_WRONG_SCRIPTS)) {
    std::ifstream file(e.path());
    std::string first;
    std::getline(file, first);
    constexpr std::string_view mark = "// error: ";
    ASSERT_TRUE(first.starts_with(mark)) << e.path();
    const RunResult r = run_file(e.path().string(), {});
    const bool failure = first.find("FAIL ") != std::string::npos;
    EXPECT_EQ(r.kind, failure ? RunResult::Kind::failed : RunResult::Kind::not_understood) << e.path();
    std::string got = to_text(r).substr(e.path().string().size() + 1);
    got = got.substr(0, got.find('\n'));
    EXPECT_EQ(got, first.substr(mark.size() + (failure ? 5 : 0))) << e.path();
    ++n;
  }
  EXPECT_GE(n, 60u);
}

}  // namespace
}  // namespace weir::drill
