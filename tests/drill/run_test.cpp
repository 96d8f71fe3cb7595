// Scripts that run, and what is said of those that fail.
#include "drill/runner.hpp"

#include <gmock/gmock.h>

namespace weir::drill {
namespace {

using testing::HasSubstr;

constexpr std::string_view established = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
)";

RunResult run(std::string_view rest, Settings settings = {}) {
  return run_script(std::string(established).append(rest), "t.pkt", settings);
}

TEST(drill_run, a_script_passes_in_virtual_time) {
  const RunResult r = run("+3600 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n");
  EXPECT_EQ(r.kind, RunResult::Kind::passed) << to_text(r);
  EXPECT_EQ(r.events, 9u);
  EXPECT_EQ(r.time, 3600_s + 10_ms);
}

TEST(drill_run, packets_that_differ_are_shown_field_by_field) {
  const RunResult r = run("+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 2\n");
  EXPECT_EQ(r.kind, RunResult::Kind::failed);
  EXPECT_THAT(to_text(r),
              testing::StartsWith("t.pkt:10:1: another packet was sent at 0.010000 s\n  expected  .   1:101(100)  ack 2  win ?"));
  EXPECT_THAT(r.message, HasSubstr("\n  sent      P.  1:101(100)  ack 1  win "));
  EXPECT_THAT(r.message, HasSubstr("\n            ^^              ^^^^^"));
}

TEST(drill_run, one_expected_packet_may_be_several) {
  constexpr std::string_view script = "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n";
  EXPECT_EQ(run(script).kind, RunResult::Kind::passed);
  Settings strict;
  strict.strict_segments = true;
  EXPECT_THAT(run(script, strict).message, HasSubstr("1:1001(1000)"));
  EXPECT_THAT(run("+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2601(2600) ack 1\n").message, HasSubstr("of which 100 bytes are missing"));
}

TEST(drill_run, what_is_left_over_is_a_failure_when_asked) {
  Settings strict;
  strict.strict_end = true;
  EXPECT_EQ(run("+0 write(4, ..., 10) = 10\n").kind, RunResult::Kind::passed);
  EXPECT_THAT(run("+0 write(4, ..., 10) = 10\n", strict).message, HasSubstr("P. 1:11(10) ack 1"));
}

TEST(drill_run, times_are_held_within_the_tolerance) {
  EXPECT_THAT(run("+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1\n").message, HasSubstr("100 ms too early"));
  EXPECT_EQ(run("+0 write(4, ..., 10) = 10\n+.003 > P. 1:11(10) ack 1\n").kind, RunResult::Kind::passed);
  EXPECT_EQ(run("+0 write(4, ..., 10) = 10\n* > P. 1:11(10) ack 1\n").kind, RunResult::Kind::passed);
}

TEST(drill_run, a_blocking_call_returns_when_the_script_says) {
  EXPECT_EQ(run("+0...0.2 read(4, ..., 10) = 10\n+.2 < P. 1:11(10) ack 1 win 60000\n").kind, RunResult::Kind::passed);
  EXPECT_THAT(run("+0...0.2 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 60000\n").message, HasSubstr("should have blocked until"));
  EXPECT_THAT(run("+0...0.2 read(4, ..., 10) = 10\n+.3 < P. 1:11(10) ack 1 win 60000\n").message, HasSubstr("still blocks"));
}

TEST(drill_run, missing_settings_are_errors_or_noted) {
  constexpr std::string_view script = "`sysctl -q net.ipv4.tcp_nonsense=1`\n0 close(3) = -1 EBADF\n";
  EXPECT_EQ(run_script(script, "t.pkt", {}).kind, RunResult::Kind::not_understood);
  Settings lenient;
  lenient.ignore_missing = true;
  const RunResult r = run_script(script, "t.pkt", lenient);
  EXPECT_EQ(r.kind, RunResult::Kind::passed) << to_text(r);
  EXPECT_THAT(r.missing, testing::ElementsAre("net.ipv4.tcp_nonsense"));
}

TEST(drill_run, the_same_seed_is_the_same_run) {
  const std::string script = std::string(established).append("+0 write(4, ..., 10) = 10\n+9 close(4) = 0\n");
  std::vector<std::string> lines[2];
  for (auto& l : lines) (void)run_script(script, "t.pkt", {}, [&](const std::string& line) { l.push_back(line); });
  EXPECT_EQ(lines[0], lines[1]);
  EXPECT_GT(lines[0].size(), 8u);
}

}  // namespace
}  // namespace weir::drill
