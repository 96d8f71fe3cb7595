// api/simulation.hpp: what is told of a run, for programs and for people.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/simulation.hpp"
#include "sim/capture.hpp"
#include "sim/monitor.hpp"
#include "udp/engine.hpp"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;
using sim::FlowResult;

// The nearest double, so that 30 s is 30.0.
double seconds(Duration d) { return static_cast<double>(d.ns) / 1e9; }

// min, p50, p90, p99, max; null without a sample.
Json percentiles(std::vector<u32> v) {
  if (v.empty()) return nullptr;
  std::ranges::sort(v);
  const auto at = [&](double p) { return v[std::min(v.size() - 1, static_cast<usize>(p * static_cast<double>(v.size())))]; };
  return {{"min", v.front()}, {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}, {"max", v.back()}, {"samples", v.size()}};
}

Json flow_json(sim::World& world, const FlowResult& f, const std::vector<FlowResult>& all) {
  const Duration took = f.finished - f.started;
  u64 bytes = f.bytes_out + f.bytes_in;
  Json j{{"kind", f.kind}, {"from", f.from}, {"local", to_string(f.local)}, {"to", to_string(f.remote)}};
  if (f.kind == "cbr") {
    j["datagrams_sent"] = f.datagrams_out;
    for (const FlowResult& sink : all)
      if (sink.kind == "cbr-sink" && sink.local == f.local && sink.remote.port == f.remote.port) {
        bytes = sink.bytes_in;
        j["datagrams_received"] = sink.datagrams_in;
        j["latency_us"] = percentiles(sink.latency_us);
      }
  }
  j["bytes"] = bytes;
  j["bytes_sent"] = f.bytes_out;
  j["bytes_received"] = f.bytes_in;
  j["start_s"] = seconds(f.started - Instant{});
  j["completion_s"] = f.complete ? Json(seconds(took)) : Json(nullptr);
  j["goodput_bit_s"] = f.complete && took.ns > 0 ? Json(static_cast<double>(bytes) * 8 / took.s()) : Json(nullptr);
  if (!f.trouble.empty()) j["error"] = f.trouble;
  if (f.kind == "rpc") {
    j["requests"] = f.requests;
    j["latency_us"] = percentiles(f.latency_us);
  }
  if (f.kind == "cbr") return j;
  const sim::WireStats* there = world.monitor().tcp_stats(f.local, f.remote);
  const sim::WireStats* back = world.monitor().tcp_stats(f.remote, f.local);
  if (there == nullptr || back == nullptr) return j;
  j["segments"] = there->segments + back->segments;
  j["retransmissions"] = there->retransmissions + back->retransmissions;
  j["rtos"] = there->timeouts + back->timeouts;
  j["rtt_us"] = percentiles(there->data_segments >= back->data_segments ? there->rtt_us : back->rtt_us);
  return j;
}

Json pipe_json(const sim::Link& link, u32 direction, Duration time) {
  const sim::PipeStats& s = link.pipe(direction).stats();
  const auto name = [](const sim::LinkEnd& e) { return e.host != nullptr ? e.host->name() : std::string("peer"); };
  return {{"from", name(direction == 0 ? link.a() : link.b())},
          {"to", name(direction == 0 ? link.b() : link.a())},
          {"frames", s.frames_in},
          {"bytes", s.bytes_in},
          {"frames_delivered", s.frames_out},
          {"bytes_delivered", s.bytes_out},
          {"drops", {{"queue", s.queue_drops}, {"loss", s.lost}, {"script", s.faulted}, {"no_buffer", s.no_buffer}}},
          {"duplicated", s.duplicated},
          {"reordered", s.reordered},
          {"corrupted", s.corrupted},
          {"queue", {{"max_packets", s.queue_max_packets}, {"max_bytes", s.queue_max_bytes}}},
          {"utilisation", time.ns > 0 ? s.busy.s() / time.s() : 0.0}};
}

// By MIB name where there is one; what has none only when it is not zero, by its own.
template <class Id, class Infos>
Json counters_json(const Counters<Id>& counters, const Infos& infos) {
  Json j = Json::object();
  for (usize i = 0; i < infos.size(); ++i) {
    const u64 v = counters.read(static_cast<Id>(i));
    if (!infos[i].mib.empty()) j[std::string(infos[i].mib)] = v;
    else if (v != 0) j[std::string(infos[i].name)] = v;
  }
  return j;
}

Json netns_json(const sim::Host& host) {
  graph::Core& core = host.shard().core();
  const graph::Netns& ns = *core.netns[host.netns()];
  Json drops = Json::object();
  for (usize i = 1; i < drop_count; ++i)
    if (const u64 n = ns.drops.read(static_cast<Drop>(i)); n != 0) drops[std::string(name(static_cast<Drop>(i)))] = n;
  return {{"ipv4", counters_json(ns.ip4, graph::ip_counter_info)},
          {"ipv6", counters_json(ns.ip6, graph::ip_counter_info)},
          {"icmp", counters_json(ns.icmp4, graph::icmp_counter_info)},
          {"icmpv6", counters_json(ns.icmp6, graph::icmp_counter_info)},
          {"tcp", counters_json(core.tcp->counters(host.netns()), tcp::tcp_counter_info)},
          {"udp", counters_json(core.udp->counters(host.netns()), udp::udp_counter_info)},
          {"drops", drops}};
}

std::string rate_text(const Json& v) {
  if (v.is_null()) return "-";
  const double r = v.get<double>();
  return r >= 1e9   ? fmt::format("{:.2f} Gbit/s", r / 1e9)
         : r >= 1e6 ? fmt::format("{:.2f} Mbit/s", r / 1e6)
                    : fmt::format("{:.1f} kbit/s", r / 1e3);
}

std::string text_of(const Json& j) {
  std::string t = fmt::format("{:.6f} s, {} frames, seed {}, digest {}\n", j["time_s"].get<double>(), j["frames"].get<u64>(),
                              j["seed"].get<u64>(), j["digest"].get<std::string>());
  for (const Json& f : j["flows"]) {
    t += fmt::format("flow  {} {} {} > {}: {} bytes", f["kind"].get<std::string>(), f["from"].get<std::string>(),
                     f["local"].get<std::string>(), f["to"].get<std::string>(), f["bytes"].get<u64>());
    if (f["completion_s"].is_null()) t += ", not complete";
    else t += fmt::format(" in {:.3f} s, {}", f["completion_s"].get<double>(), rate_text(f["goodput_bit_s"]));
    if (f.contains("retransmissions"))
      t += fmt::format(", {} retransmissions, {} RTOs", f["retransmissions"].get<u64>(), f["rtos"].get<u64>());
    if (f.contains("rtt_us") && !f["rtt_us"].is_null())
      t += fmt::format(", RTT {:.3f}/{:.3f}/{:.3f} ms (p50/p90/p99)", f["rtt_us"]["p50"].get<u32>() / 1e3,
                       f["rtt_us"]["p90"].get<u32>() / 1e3, f["rtt_us"]["p99"].get<u32>() / 1e3);
    if (f.contains("error")) t += ": " + f["error"].get<std::string>();
    t += '\n';
  }
  for (const Json& l : j["links"])
    for (const Json& d : l["directions"])
      t += fmt::format("link  {} > {}: {} frames, {} bytes, {} lost, {} dropped by the queue (at most {} waiting), {:.1f} % busy\n",
                       d["from"].get<std::string>(), d["to"].get<std::string>(), d["frames"].get<u64>(), d["bytes"].get<u64>(),
                       d["drops"]["loss"].get<u64>() + d["drops"]["script"].get<u64>(), d["drops"]["queue"].get<u64>(),
                       d["queue"]["max_packets"].get<u64>(), d["utilisation"].get<double>() * 100);
  for (const Json& v : j["violations"]) t += "VIOLATION " + v.get<std::string>() + '\n';
  return t;
}

}  // namespace

SimulationReport Simulation::report() {
  const std::vector<FlowResult> all = flows();
  const Duration time = world_.now() - world_.config().start;
  Json j{{"file", file_.path},
         {"seed", options_.seed},
         {"time_s", seconds(time)},
         {"frames", world_.frames()},
         {"digest", fmt::format("{:016x}", world_.digest())}};
  j["flows"] = Json::array();
  for (const FlowResult& f : all)
    if (f.kind != "cbr-sink") j["flows"].push_back(flow_json(world_, f, all));
  j["links"] = Json::array();
  for (const sim::Link& l : world_.links())
    j["links"].push_back({{"name", l.name()}, {"directions", {pipe_json(l, 0, time), pipe_json(l, 1, time)}}});
  for (const sim::Host& h : world_.hosts()) j["netns"][h.name()] = netns_json(h);
  std::vector<std::string> violations = world_.violations();
  if (capture_ && capture_->failed()) violations.push_back("captures are not complete: the disk is full");
  j["violations"] = violations;
  SimulationReport r;
  r.good = violations.empty();
  r.json = j.dump(2);
  r.text = text_of(j);
  return r;
}

}  // namespace weir
