// weir bench: every case in memory runs with tiny sizes, checks what it moved, and prints figures in the agreed form. Nothing
// here looks at how large a figure is.
#include "bench/bench.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/stamp.hpp"

namespace weir::bench {
namespace {

struct Ran {
  int status = 0;
  std::string out, err;

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (usize at = 0; at < out.size();) {
      const auto end = out.find('\n', at);
      all.push_back(out.substr(at, end - at));
      at = end + 1;
    }
    return all;
  }
};

std::string contents(std::FILE* f) {
  std::string text(static_cast<usize>(std::ftell(f)), '\0');
  std::rewind(f);
  text.resize(std::fread(text.data(), 1, text.size(), f));
  std::fclose(f);
  return text;
}

Ran bench(const std::vector<std::string>& arguments) {
  std::FILE *out = std::tmpfile(), *err = std::tmpfile();
  Ran r;
  r.status = run(arguments, out, err);
  r.out = contents(out);
  r.err = contents(err);
  return r;
}

class bench_case : public testing::TestWithParam<const char*> {};

// The variants that need neither root nor the kernel.
std::vector<std::string> arguments_for(const std::string& name) {
  std::vector<std::string> a = {name, "--quick", "--json"};
  if (name == "ping") a.insert(a.end(), {"--variant", "memory"});
  return a;
}

TEST_P(bench_case, moves_what_it_says_and_prints_one_object_for_each_figure) {
  const std::string name = GetParam();
  const Ran r = bench(arguments_for(name));
  EXPECT_EQ(r.status, 0) << r.err;
  const std::regex form(R"(\{"case":"[a-z]+","variant":"[^"]+","peer":"weir","value":-?[0-9.e+-]+,"unit":"[^"]*",)"
                        R"("runs":[0-9]+,"min":-?[0-9.e+-]+,"max":-?[0-9.e+-]+,"cpu_s":[0-9.e+-]+\})");
  std::set<std::string> seen;
  for (const std::string& line : r.lines()) {
    EXPECT_TRUE(std::regex_match(line, form)) << line;
    EXPECT_NE(line.find("\"case\":\"" + name + "\""), std::string::npos) << line;
    const auto at = line.find("\"variant\":\"") + 11;
    seen.insert(line.substr(at, line.find('"', at) - at));
  }
  for (const Case& c : cases()) {
    if (c.name != name || name == "ping") continue;
    for (const Variant& v : c.variants) EXPECT_TRUE(seen.contains(v.name)) << v.name;
  }
  EXPECT_FALSE(seen.empty());
}

INSTANTIATE_TEST_SUITE_P(in_memory, bench_case,
                         testing::Values("tcp", "rtt", "connect", "idle", "growth", "forward", "fib", "rx", "udp", "ping", "veth", "timer",
                                         "checksum"),
                         [](const auto& name) { return std::string(name.param); });

TEST(bench_options, wrong_usage_is_status_2_and_says_what_is_wrong) {
  const auto says = [](const std::vector<std::string>& arguments, const char* what) {
    const Ran r = bench(arguments);
    EXPECT_EQ(r.status, 2);
    EXPECT_NE(r.err.find(what), std::string::npos) << r.err;
    EXPECT_TRUE(r.out.empty());
  };
  says({"tpc"}, "did you mean 'tcp'?");
  says({"tcp", "--vs", "windows"}, "not 'windows'");
  says({"--runs", "0"}, "from 1 to 1000");
  says({"--runs"}, "takes a value");
  says({"--frobnicate"}, "unknown option '--frobnicate'");
}

TEST(bench_options, a_peer_without_a_harness_is_reported_missing) {
  const Ran r = bench({"timer", "--quick", "--vs", "lwip,dpdk"});
  EXPECT_EQ(r.status, 0);
  EXPECT_NE(r.err.find("missing: peer lwip"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("missing: peer dpdk"), std::string::npos) << r.err;
}

TEST(bench_options, list_names_cases_variants_and_units) {
  const Ran r = bench({"--list"});
  EXPECT_EQ(r.status, 0);
  for (const char* what : {"tcp", "copy,mss=1460,csum=on", "GB/cpu_s", "armed=1000000", "sendzc"})
    EXPECT_NE(r.out.find(what), std::string::npos) << what;
}

TEST(bench_report, the_figure_is_the_median_with_least_and_greatest) {
  const Case c{"tcp", "", {}};
  const Variant v{"copy", "GB/cpu_s", Better::higher, {}};
  const auto figures = figures_of(c, v, "weir", {{3, 1}, {1, 1}, {10, 1, {{"p99", "ns", 7}}}});
  ASSERT_EQ(figures.size(), 1u);  // an extra counts if the first run has it
  EXPECT_EQ(json_line(figures[0]),
            R"({"case":"tcp","variant":"copy","peer":"weir","value":3,"unit":"GB/cpu_s","runs":3,"min":1,"max":10,"cpu_s":3})");
}

TEST(bench_report, the_table_tells_ratios_so_that_more_is_better) {
  Figure mine{"rtt", "memory", "weir", "ns", 200, 200, 200, 1, 5, Better::lower, {"veth"}};
  Figure kernel{"rtt", "veth", "linux", "ns", 6800, 6800, 6800, 1, 5, Better::lower};
  EXPECT_NE(table({mine, kernel}).find("34.00 x linux veth"), std::string::npos);
}

TEST(bench_stamp, a_wrong_byte_fails_wherever_the_stream_is_cut) {
  std::vector<std::byte> stream(3 * stamp_every);
  put_stamps(stream, 0);
  for (usize piece : {1ul, 7ul, 4096ul, 5000ul}) {
    const auto check = [&] {
      StampCheck c;
      for (usize at = 0; at < stream.size(); at += piece) c.take(Bytes{stream}.subspan(at, std::min(piece, stream.size() - at)));
      EXPECT_EQ(c.bytes(), stream.size());
    };
    EXPECT_NO_THROW(check());
    stream[2 * stamp_every + 5] ^= std::byte{1};
    EXPECT_THROW(check(), Failed);
    stream[2 * stamp_every + 5] ^= std::byte{1};
  }
}

}  // namespace
}  // namespace weir::bench
