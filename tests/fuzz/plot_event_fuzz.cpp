// Events of a trace as another process sends them, a line each, and the picture of what comes.
#include <nlohmann/json.hpp>

#include "plot/event_text.hpp"
#include "plot/time_sequence.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  using Json = nlohmann::ordered_json;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  plot::Flow flow{.local = {}, .remote = {}, .reference = {}, .events = {}};
  while (!text.empty()) {
    const usize end = std::min(text.find('\n'), text.size());
    const Json j = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto e = plot::event_of(j, flow.reference);
    if (!e) continue;
    // What is written is read as the same again.
    const auto again = plot::event_of(Json::parse(plot::event_json(*e, flow.reference)), flow.reference);
    FUZZ_CHECK(again && again->what == e->what && again->v == e->v && again->a == e->a && again->b == e->b && again->n == e->n);
    FUZZ_CHECK(!plot::event_line(*e, SeqNum{1}, SeqNum{2}).empty());
    flow.events.push_back(*e);
  }
  const std::string svg = plot::time_sequence_svg(flow);
  FUZZ_CHECK(svg.ends_with("</svg>\n") && svg.find("nan") == std::string::npos && svg.find("inf\"") == std::string::npos);
  return 0;
}
