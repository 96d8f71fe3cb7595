// weir trace-tcp: docs/verbs/trace-tcp.md.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "cli/source.hpp"
#include "cli/time_option.hpp"
#include "cli/verb.hpp"
#include "plot/event_text.hpp"
#include "plot/time_sequence.hpp"

namespace weir::cli {
namespace {

using control::Json;

struct Options {
  std::string at, netns, connection, time, svg;
  u16 port = 0;
  bool json = false;
};

Json request_of(const Options& o) {
  Json request{{"cmd", "trace-tcp"}};
  if (!o.netns.empty()) request["netns"] = o.netns;
  if (o.port != 0) request["port"] = o.port;
  if (o.connection.empty()) return request;
  const usize dash = o.connection.find('-');
  const auto end = [&](std::string_view text) { return dash != std::string::npos ? Endpoint::parse(text) : std::nullopt; };
  const auto local = end(std::string_view(o.connection).substr(0, dash));
  const auto remote = end(std::string_view(o.connection).substr(std::min(dash, o.connection.size() - 1) + 1));
  if (!local || !remote)
    throw UsageError("--connection " + o.connection +
                     ": write LOCAL:PORT-REMOTE:PORT, as 10.0.0.2:80-10.0.0.1:40000 or [fd00::2]:80-[fd00::1]:40000");
  request["local"] = to_string(*local);
  request["remote"] = to_string(*remote);
  return request;
}

// What the running weir has told, line by line.
class Received {
 public:
  explicit Received(i64 reference_ms) : reference_(Instant{} + Duration::millis(reference_ms)) {}

  struct Line {
    std::optional<tcp::TraceEvent> event;
    bool is_new_connection = false;
    u32 connection = 0;
  };
  // Nothing: this is no line of a trace.
  std::optional<Line> take(const std::string& text) {
    const Json j = Json::parse(text, nullptr, false);
    if (j.is_array()) {
      const auto e = plot::event_of(j, reference_);
      if (!e || !flows.contains(e->connection)) return {};
      return Line{.event = e, .connection = e->connection};
    }
    if (!j.is_object()) return {};
    if (const auto lost = j.find("lost"); lost != j.end() && lost->is_number_unsigned()) {
      lost_events = lost->get<u64>();
      return Line{};
    }
    return introduce(j);
  }
  [[nodiscard]] Instant reference() const noexcept { return reference_; }

  std::map<u32, plot::Flow> flows;
  std::map<u32, std::string> connections;  // as they came
  u64 lost_events = 0;

 private:
  std::optional<Line> introduce(const Json& j) {
    const auto c = j.find("connection");
    if (c == j.end() || !c->is_object()) return {};
    const auto local = Endpoint::parse(c->value("local", "")), remote = Endpoint::parse(c->value("remote", ""));
    const u32 id = c->value("id", 0u);
    if (!local || !remote || id == 0) return {};
    const bool is_new = !flows.contains(id);
    plot::Flow& f = flows[id];
    f.netns = c->value("netns", "");
    f.local = *local, f.remote = *remote;
    f.iss = SeqNum{c->value("iss", 0u)}, f.irs = SeqNum{c->value("irs", 0u)};
    f.reference = reference_;
    connections[id] = c->dump();
    return Line{.event = {}, .is_new_connection = is_new, .connection = id};
  }

  Instant reference_;
};

void print(const Received& all, const Received::Line& line) {
  const plot::Flow& f = all.flows.at(line.connection);
  if (line.is_new_connection) fmt::print("# {} is {}\n", line.connection, plot::name_of(f));
  if (!line.event) return;
  constexpr i64 second = 1'000'000'000;
  const time_t s = line.event->at.ns / second;
  tm t{};
  ::localtime_r(&s, &t);
  fmt::print("{:02}:{:02}:{:02}.{:06} {} {}\n", t.tm_hour, t.tm_min, t.tm_sec, line.event->at.ns % second / 1000, line.connection,
             plot::event_line(*line.event, f.iss, f.irs));
}

// The connection that most payload went over.
const plot::Flow* busiest(const Received& all) {
  const plot::Flow* best = nullptr;
  u64 most = 0;
  for (const auto& [id, f] : all.flows) {
    const plot::Payload p = plot::payload_of(f);
    if (best != nullptr && p.sent + p.received <= most) continue;
    best = &f;
    most = p.sent + p.received;
  }
  return best;
}

int write_svg(const Options& o, Received& all) {
  const plot::Flow* chosen = busiest(all);
  if (chosen == nullptr) return complain("--svg: nothing happened on a TCP connection of this kind, so there is nothing to draw");
  if (all.flows.size() > 1)
    fmt::print(stderr, "weir: {} of {} connections is drawn, the one with the most payload; --connection chooses another\n",
               plot::name_of(*chosen), all.flows.size());
  plot::Flow flow = *chosen;
  flow.lost_events = all.lost_events;
  if (!flow.events.empty()) flow.reference = flow.events.front().at;
  const std::string svg = plot::time_sequence_svg(flow);
  if (o.svg == "-") {
    fmt::print("{}", svg);
    return success;
  }
  std::FILE* const file = std::fopen(o.svg.c_str(), "wb");
  const bool written = file != nullptr && std::fwrite(svg.data(), 1, svg.size(), file) == svg.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (written && closed) return success;
  return complain("--svg " + o.svg + ": " + std::generic_category().message(errno));
}

void print_json(const Received& all, const std::vector<std::string>& lines) {
  std::vector<std::string> connections;
  for (const auto& [id, text] : all.connections) connections.push_back(text);
  fmt::print("{}", plot::trace_json("weir trace-tcp", all.reference().ms(), all.lost_events, connections, lines));
}

int run(const Options& o) {
  const Json request = request_of(o);
  const Duration time = o.time.empty() ? Duration{} : time_option("--for", o.time);
  auto client = control::Client::connect(o.at);
  if (!client) return complain(client.error());
  Source source(*client, time);
  const auto begun = client->begin(request);
  if (!begun) return complain(begun.error());
  Received all(begun->value("reference_time_ms", i64{0}));
  std::vector<std::string> events;  // as they came, for --json
  std::string pending;
  while (source.read_more(pending)) {
    usize from = 0;
    for (usize end; (end = pending.find('\n', from)) != std::string::npos; from = end + 1) {
      const std::string text = pending.substr(from, end - from);
      const auto line = all.take(text);
      if (!line) return complain("the running weir sends something that is no event: " + text);
      if (o.json && line->event) events.push_back(text);
      if (!o.svg.empty() && line->event) all.flows[line->connection].events.push_back(*line->event);
      if (!o.json && o.svg.empty() && line->connection != 0) print(all, *line);
    }
    pending.erase(0, from);
    if (!o.json && o.svg.empty()) std::fflush(stdout);
  }
  if (o.json) print_json(all, events);
  if (!o.svg.empty()) return write_svg(o, all);
  if (!o.json && all.lost_events != 0) fmt::print(stderr, "weir: {} events came too fast and are missing\n", all.lost_events);
  return success;
}

}  // namespace

void add_trace_tcp(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("trace-tcp", "what TCP of a running weir does: segments, ACKs, windows, losses, timers");
  verb->add_option("--at", o->at, "control socket of the running weir; not needed if only one runs")->type_name("SOCKET");
  auto* connection = verb->add_option("--connection", o->connection, "only this one: LOCAL:PORT-REMOTE:PORT")->type_name("PAIR");
  verb->add_option("--port", o->port, "only connections with this port at either end")
      ->type_name("N")
      ->check(CLI::Range(1, 65'535))
      ->excludes(connection);
  verb->add_option("--netns", o->netns, "only this namespace")->type_name("NAME");
  verb->add_option("--for", o->time, "end after this time; without it by SIGINT, or when the weir ends")->type_name("TIME");
  auto* json = verb->add_flag("--json", o->json, "one object like a qlog file, at the end");
  verb->add_option("--svg", o->svg, "a picture of the busiest connection, at the end; - is stdout")->type_name("FILE|-")->excludes(json);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
