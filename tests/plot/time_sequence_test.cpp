// Pictures of connections and links, against files. tests/golden/flow.json is the trace of a simulated connection; the pictures are made
// from it, so that they change with the drawing alone and not with TCP.
#include "plot/time_sequence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plot/event_text.hpp"
#include "plot/link_queue.hpp"
#include "plot/recorder.hpp"
#include "tests/sim/tcp_world.hpp"

namespace weir::plot {
namespace {

using tcp::Happened;
using tcp::TraceEvent;
using Json = nlohmann::ordered_json;

const std::string folder = std::string(WEIR_GOLDEN) + "/";

bool writing() {
  const char* mode = std::getenv("WEIR_GOLDEN");
  return mode != nullptr && std::string_view{mode} == "write";
}

std::string content(const std::string& name) {
  std::ifstream in(folder + name, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void expect_golden(const std::string& name, const std::string& text) {
  if (writing()) {
    std::ofstream(folder + name, std::ios::binary) << text;
    GTEST_SKIP() << "written";
  }
  EXPECT_EQ(content(name), text) << "WEIR_GOLDEN=write plot_test writes it anew";
}

// 60 KB over 10 Mbit/s and 20 ms, of which two segments are lost, one of them twice.
std::string traced_again() {
  sim::test::TcpWorld w{3, {.bits_per_second = 10'000'000, .delay = 10_ms, .queue_packets = 12}, {.static_neighbours = true}};
  Recorder recorder(w.world);
  w.link.a_to_b().drop([n = 0](const sim::FrameInfo& f) mutable {
    if (f.frame.size() > 1'000) ++n;
    return f.frame.size() > 1'000 && (n == 12 || n == 14 || n == 30);
  });
  w.transfer({.bytes = 60'000});
  EXPECT_EQ(w.finish(), "");
  const auto flows = recorder.take_flows();
  EXPECT_EQ(flows.size(), 1u);
  const Flow& f = flows.at(0);
  std::vector<std::string> lines;
  for (const TraceEvent& e : f.events) lines.push_back(event_json(e, f.reference));
  const tcp::TraceConnection c{.local = f.local, .remote = f.remote, .iss = f.iss, .irs = f.irs};
  return trace_json(name_of(f), 0, 0, {connection_json(f.events.front().connection, f.netns, c)}, lines);
}

Flow golden_flow() {
  if (writing()) std::ofstream(folder + "flow.json", std::ios::binary) << traced_again();
  const Json j = Json::parse(content("flow.json"));
  const Json& c = j.at("connections").at(0);
  Flow f{.netns = c.at("netns"),
         .local = Endpoint::parse(c.at("local").get<std::string>()).value(),
         .remote = Endpoint::parse(c.at("remote").get<std::string>()).value(),
         .iss = SeqNum{c.at("iss").get<u32>()},
         .irs = SeqNum{c.at("irs").get<u32>()},
         .reference = {},
         .events = {}};
  for (const Json& e : j.at("events")) f.events.push_back(event_of(e, f.reference).value());
  return f;
}

// What data-points says of the path of this class; 0: there is none.
u64 points(const std::string& svg, const std::string& style) {
  const std::string key = "class=\"" + style + "\" data-points=\"";
  const usize at = svg.find(key);
  return at == std::string::npos ? 0 : std::strtoull(svg.c_str() + at + key.size(), nullptr, 10);
}

u64 count(const Flow& f, Happened what) {
  return static_cast<u64>(std::ranges::count_if(f.events, [&](const TraceEvent& e) { return e.what == what; }));
}

TEST(plot_time_sequence, the_json_of_a_trace_is_what_it_was_read_from) {
  const Flow f = golden_flow();
  std::vector<std::string> lines;
  for (const TraceEvent& e : f.events) lines.push_back(event_json(e, f.reference));
  const tcp::TraceConnection c{.local = f.local, .remote = f.remote, .iss = f.iss, .irs = f.irs};
  EXPECT_EQ(trace_json(name_of(f), 0, 0, {connection_json(f.events.front().connection, f.netns, c)}, lines), content("flow.json"));
}

TEST(plot_time_sequence, the_picture_is_the_golden_one) { expect_golden("flow.svg", time_sequence_svg(golden_flow())); }

TEST(plot_time_sequence, every_event_is_a_point) {
  const Flow f = golden_flow();
  const std::string svg = time_sequence_svg(f);
  u64 first = 0, again = 0;
  for (const TraceEvent& e : f.events)
    if (e.what == Happened::sent && (e.v[1] != 0 || (e.v[2] & 3) != 0)) ++(e.a != 0 ? again : first);
  EXPECT_GE(again, 3u) << "three frames were dropped";
  EXPECT_EQ(points(svg, "sent"), first);
  EXPECT_EQ(points(svg, "again"), again);
  EXPECT_EQ(points(svg, "ack"), count(f, Happened::ack));
  EXPECT_EQ(points(svg, "lost"), count(f, Happened::lost));
  EXPECT_EQ(points(svg, "cwnd"), count(f, Happened::window));
  EXPECT_EQ(points(svg, "rtt"), count(f, Happened::rtt));
  EXPECT_GT(points(svg, "sack"), 0u);
}

TEST(plot_time_sequence, the_one_who_gets_the_data_sees_it_come) {
  Flow f{.local = {Ip4Addr{1}, 80, 0},
         .remote = {Ip4Addr{2}, 90, 0},
         .iss = SeqNum{1},
         .irs = SeqNum{0xffff'ff00},
         .reference = {},
         .events = {}};
  const auto add = [&](Happened what, std::array<u32, 8> v) {
    f.events.push_back({.at = Instant{static_cast<i64>(f.events.size()) * 1'000'000}, .connection = 1, .what = what, .v = v});
  };
  add(Happened::received, {0xffff'ff00, 0, 0x02, 0, 1'000, 1});
  add(Happened::received, {0xffff'ff01, 1'000, 0x10, 2, 1'000, 1});
  add(Happened::received, {0xffff'ff01, 1'000, 0x10, 2, 1'000, 1});
  add(Happened::sent, {2, 0, 0x10, 0xffff'ff01 + 1'000, 4'000, 1});
  const std::string svg = time_sequence_svg(f);
  EXPECT_EQ(points(svg, "received"), 2u);
  EXPECT_EQ(points(svg, "again"), 1u);
  EXPECT_EQ(points(svg, "ack"), 1u);
  EXPECT_EQ(points(svg, "sent"), 0u);
}

TEST(plot_time_sequence, a_trace_with_holes_says_so_and_an_empty_one_is_a_picture) {
  Flow f{.reference = {}, .lost_events = 7, .events = {}};
  const std::string svg = time_sequence_svg(f);
  EXPECT_NE(svg.find("7 events"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(plot_flow, numbers_go_on_beyond_two_to_the_32) {
  Unwrap u(SeqNum{0xffff'fff0});
  EXPECT_EQ(u(0xffff'ffef), -1) << "a probe before the first";
  EXPECT_EQ(u(0x10), 32);
  i64 at = 32;
  u32 seq = 0x10;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(u(seq += 0x4000'0000), at += 0x4000'0000);
  Unwrap late(SeqNum{0});
  EXPECT_EQ(late(0xf000'0000), 0xf000'0000) << "the trace began late";
}

TEST(plot_link_queue, the_picture_is_the_golden_one) {
  LinkQueues l{.name = "a:eth0-b:eth0", .reference = Instant{1'000'000'000}, .end = Instant{1'100'000'000}, .directions = {}};
  l.directions[0] = {.from = "a", .to = "b", .samples = {}};
  l.directions[1] = {.from = "b", .to = "a", .samples = {}, .left_out = 9};
  using What = QueueSample::What;
  for (u32 i = 0; i < 40; ++i) {
    const u32 waiting = i < 20 ? i : 40 - i;
    l.directions[0].samples.push_back({l.reference + Duration::micros(2'000 * i), What::length, waiting});
    if (i % 8 == 7) l.directions[0].samples.push_back({l.reference + Duration::micros(2'000 * i + 1'000), What::dropped, waiting});
  }
  l.directions[1].samples.push_back({l.reference + 50_ms, What::lost, 0});
  const std::string svg = link_svg(l);
  EXPECT_EQ(points(svg, "queue"), 41u) << "and the end";
  EXPECT_EQ(points(svg, "drop"), 5u);
  EXPECT_EQ(points(svg, "loss"), 1u);
  expect_golden("link.svg", svg);
}

}  // namespace
}  // namespace weir::plot
