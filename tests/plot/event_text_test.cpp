// Events as JSON and back, as lines for people, as one file.
#include "plot/event_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weir::plot {
namespace {

using tcp::Happened;
using tcp::TraceEvent;
using Json = nlohmann::ordered_json;

constexpr Instant reference{5'000'000'000};

TraceEvent event(Happened what, u8 a, u8 b, u8 n, std::array<u32, 8> v) {
  return {.at = reference + Duration::nanos(1'234'567), .connection = 3, .what = what, .a = a, .b = b, .n = n, .v = v};
}

std::vector<TraceEvent> one_of_each() {
  return {event(Happened::state, 2, 4, 0, {}),
          event(Happened::path, 0, 3, 0, {}),
          event(Happened::window, 0, 0, 0, {14'600, 0x7fff'ffff, 1'460}),
          event(Happened::rtt, 0, 0, 0, {10'000, 11'000, 500, 211'000}),
          event(Happened::sent, 1, 0, 0, {0xffff'fff0, 2'920, 0x18, 77, 65'535, 2}),
          event(Happened::received, 0, 0, 0, {42, 0, 0x12, 4'294'967'295, 29'200, 1}),
          event(Happened::ack, 0, 0, 3, {100, 5'000, 200, 300, 400, 500, 600, 700}),
          event(Happened::ack, 0, 0, 0, {100, 5'000}),
          event(Happened::lost, 0, 0, 0, {100, 1'460}),
          event(Happened::timer, 5, 0, 0, {}),
          event(Happened::undone, 0, 0, 0, {29'200, 14'600})};
}

TEST(plot_event_text, json_is_read_back_as_it_was) {
  for (const TraceEvent& e : one_of_each()) {
    const std::string text = event_json(e, reference);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const Json j = Json::parse(text, nullptr, false);
    ASSERT_FALSE(j.is_discarded()) << text;
    const auto back = event_of(j, reference);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, e) << text;
  }
}

TEST(plot_event_text, json_has_these_fields) {
  const auto all = one_of_each();
  EXPECT_EQ(event_json(all[0], reference),
            R"([1.234567,"transport","state_changed",{"connection":3,"old":"SYN-SENT","new":"ESTABLISHED"}])");
  EXPECT_EQ(
      event_json(all[4], reference),
      R"([1.234567,"transport","segment_sent",{"connection":3,"seq":4294967280,"len":2920,"flags":"PA","ack":77,"window":65535,"segments":2,"again":true}])");
  EXPECT_EQ(event_json(all[6], reference),
            R"([1.234567,"transport","ack_received",{"connection":3,"ack":100,"window":5000,"sack":[[200,300],[400,500],[600,700]]}])");
  TraceEvent before = all[0];
  before.at = reference - Duration::nanos(1'500'000);
  EXPECT_TRUE(event_json(before, reference).starts_with("[-1.500000,"));
}

TEST(plot_event_text, what_is_no_event_is_refused) {
  for (const char* text : {"{}", "[]", R"([1,"recovery","path_changed"])", R"([1,"recovery","path_changed",{"connection":1,"old":"open"}])",
                           R"([1,"recovery","path_changed",{"connection":1,"old":"open","new":"shut"}])",
                           R"([1,"transport","path_changed",{}])", R"(["1","recovery","segment_lost",{"connection":1,"seq":1,"len":1}])",
                           R"([1,"recovery","segment_lost",{"connection":1,"seq":-1,"len":1}])",
                           R"([1,"recovery","segment_lost",{"connection":1,"seq":4294967296,"len":1}])",
                           R"([1e300,"recovery","segment_lost",{"connection":1,"seq":1,"len":1}])",
                           R"([1,"transport","ack_received",{"connection":1,"ack":1,"window":1,"sack":[[1,2],[1,2],[1,2],[1,2]]}])",
                           R"([1,"transport","ack_received",{"connection":1,"ack":1,"window":1,"sack":[[1]]}])"})
    EXPECT_FALSE(event_of(Json::parse(text), reference)) << text;
}

TEST(plot_event_text, lines_count_from_the_start_of_the_connection) {
  const auto all = one_of_each();
  const SeqNum iss{0xffff'ff00}, irs{70};
  EXPECT_EQ(event_line(all[4], iss, irs), "sent again PA 240:3160 ack 7 win 65535 in 2 segments");
  EXPECT_EQ(event_line(all[6], SeqNum{50}, irs), "ack 50 win 5000 sack 150:250 sack 350:450 sack 550:650");
  EXPECT_EQ(event_line(all[2], iss, irs), "cwnd 14600 ssthresh - in flight 1460");
}

TEST(plot_event_text, a_file_is_one_object) {
  const tcp::TraceConnection c{
      .netns = 1, .local = *Endpoint::parse("10.0.0.1:80"), .remote = *Endpoint::parse("[fd00::1]:9"), .iss = SeqNum{7}};
  const Json j =
      Json::parse(trace_json("a \"title\"", 12'345, 2, {connection_json(3, "web", c)}, {event_json(one_of_each()[1], reference)}));
  EXPECT_EQ(j["title"], "a \"title\"");
  EXPECT_EQ(j["reference_time_ms"], 12'345);
  EXPECT_EQ(j["lost_events"], 2);
  EXPECT_EQ(j["event_fields"].size(), j["events"][0].size());
  EXPECT_EQ(j["connections"][0]["remote"], "[fd00::1]:9");
  EXPECT_EQ(j["connections"][0]["iss"], 7);
  EXPECT_EQ(j["events"][0][3]["new"], "recovery");
  EXPECT_TRUE(Json::parse(trace_json("", 0, 0, {}, {}))["events"].empty());
}

}  // namespace
}  // namespace weir::plot
