// plot/event_text.hpp
#include "plot/event_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "plot/svg.hpp"
#include "wire/tcp.hpp"

namespace weir::plot {
namespace {

using Json = nlohmann::ordered_json;
using tcp::Happened;
using tcp::Path;
using tcp::State;
using tcp::Timer;
using tcp::TraceEvent;
using wire::TcpFlags;

struct Name {
  Happened what;
  std::string_view category, name;
};
constexpr std::array<Name, tcp::happened_count> names{{{Happened::state, "transport", "state_changed"},
                                                       {Happened::path, "recovery", "path_changed"},
                                                       {Happened::window, "recovery", "window_changed"},
                                                       {Happened::rtt, "recovery", "rtt_sample"},
                                                       {Happened::sent, "transport", "segment_sent"},
                                                       {Happened::received, "transport", "segment_received"},
                                                       {Happened::ack, "transport", "ack_received"},
                                                       {Happened::lost, "recovery", "segment_lost"},
                                                       {Happened::timer, "recovery", "timer_fired"},
                                                       {Happened::undone, "recovery", "reduction_undone"}}};
constexpr u8 states = static_cast<u8>(State::time_wait) + 1, paths = static_cast<u8>(Path::loss) + 1,
             timers = static_cast<u8>(Timer::reorder) + 1;

constexpr std::string_view letters = "FSRPAUEC";  // of the flags, from bit 0 on

std::string flag_letters(u32 flags) {
  std::string s;
  for (usize i = 0; i < letters.size(); ++i)
    if ((flags >> i & 1) != 0) s += letters[i];
  return s;
}

u32 flags_of(std::string_view s) noexcept {
  u32 flags = 0;
  for (usize i = 0; i < letters.size(); ++i)
    if (s.contains(letters[i])) flags |= 1u << i;
  return flags;
}

std::string milliseconds(i64 ns) {
  const u64 n = static_cast<u64>(ns < 0 ? -ns : ns);
  return fmt::format("{}{}.{:06}", ns < 0 ? "-" : "", n / 1'000'000, n % 1'000'000);
}

std::string sack_text(const TraceEvent& e) {
  std::string s;
  for (usize i = 0; i < e.n; ++i) s += fmt::format("{}[{},{}]", i == 0 ? "" : ",", e.v[2 + 2 * i], e.v[3 + 2 * i]);
  return s;
}

// Behind "connection".
std::string data_json(const TraceEvent& e) {
  const auto& v = e.v;
  switch (e.what) {
    case Happened::state: return fmt::format(R"("old":"{}","new":"{}")", tcp::name(State{e.a}), tcp::name(State{e.b}));
    case Happened::path: return fmt::format(R"("old":"{}","new":"{}")", tcp::name(Path{e.a}), tcp::name(Path{e.b}));
    case Happened::window: return fmt::format(R"("cwnd":{},"ssthresh":{},"in_flight":{})", v[0], v[1], v[2]);
    case Happened::rtt: return fmt::format(R"("rtt_us":{},"srtt_us":{},"rttvar_us":{},"rto_us":{})", v[0], v[1], v[2], v[3]);
    case Happened::sent:
    case Happened::received:
      return fmt::format(R"("seq":{},"len":{},"flags":"{}","ack":{},"window":{},"segments":{}{})", v[0], v[1], flag_letters(v[2]), v[3],
                         v[4], v[5],
                         e.what == Happened::received ? ""
                         : e.a != 0                   ? R"(,"again":true)"
                                                      : R"(,"again":false)");
    case Happened::ack: return fmt::format(R"("ack":{},"window":{},"sack":[{}])", v[0], v[1], sack_text(e));
    case Happened::lost: return fmt::format(R"("seq":{},"len":{})", v[0], v[1]);
    case Happened::timer: return fmt::format(R"("timer":"{}")", tcp::name(Timer{e.a}));
    case Happened::undone: return fmt::format(R"("cwnd":{},"ssthresh":{})", v[0], v[1]);
  }
  return {};
}

// Reads what data_json() has written. Anything else makes it bad.
class Reader {
 public:
  explicit Reader(const Json& data) : data_(data) {}
  u32 number(const char* key) {
    const auto at = data_.find(key);
    if (at != data_.end() && is_u32(*at)) return at->get<u32>();
    bad = true;
    return 0;
  }
  std::string text(const char* key) {
    const auto at = data_.find(key);
    if (at != data_.end() && at->is_string()) return at->get<std::string>();
    bad = true;
    return {};
  }
  template <class E>
  u8 one_of(const char* key, u8 count) {
    const std::string s = text(key);
    for (u8 i = 0; i < count; ++i)
      if (s == tcp::name(E{i})) return i;
    bad = true;
    return 0;
  }
  void sacks(TraceEvent& e) {
    const auto at = data_.find("sack");
    bad = bad || at == data_.end() || !at->is_array() || at->size() > 3;
    if (bad) return;
    for (const Json& edges : *at) {
      const bool good = edges.is_array() && edges.size() == 2 && is_u32(edges[0]) && is_u32(edges[1]);
      if (!good) bad = true;
      if (bad) return;
      e.v[2 + 2 * usize{e.n}] = edges[0].get<u32>();
      e.v[3 + 2 * usize{e.n}] = edges[1].get<u32>();
      ++e.n;
    }
  }
  bool bad = false;

 private:
  static bool is_u32(const Json& j) { return j.is_number_unsigned() && j.get<u64>() <= ~0u; }
  const Json& data_;
};

void read_data(TraceEvent& e, Reader& r) {
  switch (e.what) {
    case Happened::state: e.a = r.one_of<State>("old", states), e.b = r.one_of<State>("new", states); break;
    case Happened::path: e.a = r.one_of<Path>("old", paths), e.b = r.one_of<Path>("new", paths); break;
    case Happened::window: e.v = {r.number("cwnd"), r.number("ssthresh"), r.number("in_flight")}; break;
    case Happened::rtt: e.v = {r.number("rtt_us"), r.number("srtt_us"), r.number("rttvar_us"), r.number("rto_us")}; break;
    case Happened::sent:
    case Happened::received:
      e.v = {r.number("seq"), r.number("len"), flags_of(r.text("flags")), r.number("ack"), r.number("window"), r.number("segments")};
      break;
    case Happened::ack:
      e.v = {r.number("ack"), r.number("window")};
      r.sacks(e);
      break;
    case Happened::lost: e.v = {r.number("seq"), r.number("len")}; break;
    case Happened::timer: e.a = r.one_of<Timer>("timer", timers); break;
    case Happened::undone: e.v = {r.number("cwnd"), r.number("ssthresh")}; break;
  }
}

std::string segment_line(const TraceEvent& e, SeqNum own, SeqNum others) {
  const u32 seq = e.v[0] - own.raw;
  std::string s = fmt::format("{} {}:{}", flag_letters(e.v[2]), seq, seq + e.v[1]);
  if ((e.v[2] & TcpFlags::ack) != 0) s += fmt::format(" ack {}", e.v[3] - others.raw);
  s += fmt::format(" win {}", e.v[4]);
  if (e.v[5] > 1) s += fmt::format(" in {} segments", e.v[5]);
  return s;
}

}  // namespace

std::string event_json(const TraceEvent& e, Instant reference) {
  const Name& n = names[static_cast<usize>(e.what)];
  return fmt::format(R"([{},"{}","{}",{{"connection":{},{}}}])", milliseconds((e.at - reference).ns), n.category, n.name, e.connection,
                     data_json(e));
}

std::optional<TraceEvent> event_of(const Json& j, Instant reference) {
  if (!j.is_array() || j.size() != 4 || !j[0].is_number() || !j[1].is_string() || !j[2].is_string() || !j[3].is_object()) return {};
  for (const Name& n : names) {
    if (n.category != j[1].get<std::string_view>() || n.name != j[2].get<std::string_view>()) continue;
    const double ms = j[0].get<double>();
    if (!(std::abs(ms) < 9e12)) return {};
    TraceEvent e{.at = reference + Duration::nanos(std::llround(ms * 1e6)), .what = n.what};
    Reader r(j[3]);
    e.connection = r.number("connection");
    read_data(e, r);
    if (n.what == Happened::sent) e.a = j[3].value("again", false) ? 1 : 0;
    if (r.bad) return {};
    return e;
  }
  return {};
}

std::string connection_json(u32 number, std::string_view netns, const tcp::TraceConnection& c) {
  return Json{{"id", number},     {"netns", netns},  {"local", to_string(c.local)}, {"remote", to_string(c.remote)},
              {"iss", c.iss.raw}, {"irs", c.irs.raw}}
      .dump();
}

std::string event_line(const TraceEvent& e, SeqNum iss, SeqNum irs) {
  const auto& v = e.v;
  switch (e.what) {
    case Happened::state: return fmt::format("state {} > {}", tcp::name(State{e.a}), tcp::name(State{e.b}));
    case Happened::path: return fmt::format("path {} > {}", tcp::name(Path{e.a}), tcp::name(Path{e.b}));
    case Happened::window: return fmt::format("cwnd {} ssthresh {} in flight {}", v[0], v[1] < 1u << 30 ? std::to_string(v[1]) : "-", v[2]);
    case Happened::rtt: return fmt::format("rtt {} us, smoothed {} +- {}, rto {} us", v[0], v[1], v[2], v[3]);
    case Happened::sent: return (e.a != 0 ? "sent again " : "sent ") + segment_line(e, iss, irs);
    case Happened::received: return "received " + segment_line(e, irs, iss);
    case Happened::ack: {
      std::string s = fmt::format("ack {} win {}", v[0] - iss.raw, v[1]);
      for (usize i = 0; i < e.n; ++i) s += fmt::format(" sack {}:{}", v[2 + 2 * i] - iss.raw, v[3 + 2 * i] - iss.raw);
      return s;
    }
    case Happened::lost: return fmt::format("lost {}:{}", v[0] - iss.raw, v[0] - iss.raw + v[1]);
    case Happened::timer: return fmt::format("timer {}", tcp::name(Timer{e.a}));
    case Happened::undone: return fmt::format("undone to cwnd {} ssthresh {}", v[0], v[1] < 1u << 30 ? std::to_string(v[1]) : "-");
  }
  return {};
}

std::string trace_json(std::string_view title, i64 reference_ms, u64 lost, const std::vector<std::string>& connections,
                       const std::vector<std::string>& lines) {
  std::string out = fmt::format(
      "{{\"title\":{},\n\"reference_time_ms\":{},\"time_unit\":\"ms\",\"event_fields\":[\"time\",\"category\",\"name\",\"data\"],"
      "\"lost_events\":{},\n\"connections\":[",
      Json(title).dump(), reference_ms, lost);
  for (usize i = 0; i < connections.size(); ++i) (out += i == 0 ? "\n" : ",\n") += connections[i];
  out += "],\n\"events\":[";
  for (usize i = 0; i < lines.size(); ++i) (out += i == 0 ? "\n" : ",\n") += lines[i];
  return out + "]}\n";
}

}  // namespace weir::plot
