// Every script of tests/conformance, each over IPv4, IPv6 and IPv4 in AF_INET6 sockets, with nothing sent beyond what it says.
// What is known to be wrong in weir is in known.txt, with the reason: it must fail, so that the list says what is true.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "drill/runner.hpp"

namespace weir::drill {
namespace {

namespace fs = std::filesystem;

// Paths from tests/conformance on, sorted.
std::vector<std::string> scripts() {
  std::vector<std::string> all;
  for (const auto& e : fs::recursive_directory_iterator(WEIR_CONFORMANCE))
    if (e.path().extension() == ".pkt") all.push_back(fs::relative(e.path(), WEIR_CONFORMANCE).string());
  std::ranges::sort(all);
  return all;
}

// "path  reason" on each line; # begins a comment.
std::map<std::string, std::string> known_failures() {
  std::map<std::string, std::string> all;
  std::ifstream file(WEIR_CONFORMANCE "/known.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const usize at = line.find(' ');
    all[line.substr(0, at)] = at == std::string::npos ? "" : line.substr(line.find_first_not_of(' ', at));
  }
  return all;
}

class conformance : public testing::TestWithParam<std::string> {};

TEST_P(conformance, holds) {
  static const auto known = known_failures();
  const auto reason = known.find(GetParam());
  std::string failures;
  for (const Mode mode : {Mode::ipv4, Mode::ipv6, Mode::ipv4_mapped}) {
    Settings settings;
    settings.mode = mode;
    settings.strict_end = true;
    const RunResult r = run_file(fs::path(WEIR_CONFORMANCE) / GetParam(), settings);
    EXPECT_NE(r.kind, RunResult::Kind::not_understood) << to_text(r);
    if (r.kind != RunResult::Kind::passed)
      failures += to_text(r) + (mode == Mode::ipv4 ? "" : mode == Mode::ipv6 ? " (ipv6)\n" : " (ipv4-mapped)\n");
  }
  if (reason == known.end()) {
    EXPECT_EQ(failures, "");
  } else {
    EXPECT_NE(failures, "") << "it holds: take it out of known.txt (" << reason->second << ")";
    std::cout << "known: " << GetParam() << ": " << reason->second << '\n';
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& script) {
  std::string name = script.param.substr(0, script.param.size() - 4);
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(rfc, conformance, testing::ValuesIn(scripts()), test_name);

TEST(conformance_list, each_known_failure_is_a_script_and_has_a_reason) {
  const auto all = scripts();
  for (const auto& [path, reason] : known_failures()) {
    EXPECT_TRUE(std::ranges::binary_search(all, path)) << path;
    EXPECT_NE(reason, "") << path;
  }
}

// The first line names the rule that the script is about, so that the matrix of requirements finds it.
TEST(conformance_list, each_script_names_its_rule) {
  for (const std::string& path : scripts()) {
    std::ifstream file(fs::path(WEIR_CONFORMANCE) / path);
    std::string line;
    std::getline(file, line);
    EXPECT_TRUE(line.starts_with("//= rfc")) << path;
    EXPECT_EQ(line.substr(4, line.find('#') - 4), path.substr(0, path.find('/'))) << path << ": lies in the folder of another RFC";
  }
}

}  // namespace
}  // namespace weir::drill
