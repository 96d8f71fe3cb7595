// control/live_trace.hpp
#include "control/live_trace.hpp"

#include "plot/event_text.hpp"

namespace weir::control {
namespace {

Result<std::optional<Endpoint>, std::string> endpoint(const Json& request, const char* key) {
  const auto at = request.find(key);
  if (at == request.end()) return std::optional<Endpoint>{};
  const auto e = at->is_string() ? Endpoint::parse(at->get<std::string>()) : std::nullopt;
  if (!e) return std::unexpected("\"" + std::string(key) + "\" must be \"ADDRESS:PORT\", an IPv6 address in brackets");
  return e;
}

}  // namespace

Result<tcp::TraceFilter, std::string> trace_filter(const Json& request, const Shard& shard) {
  tcp::TraceFilter f;
  if (const auto at = request.find("netns"); at != request.end()) {
    for (const auto& ns : shard.core().netns)
      if (ns && ns->live && at->is_string() && ns->name == at->get<std::string>()) f.netns = ns->id;
    if (!f.netns) return std::unexpected("no namespace " + at->dump());
  }
  if (const auto at = request.find("port"); at != request.end()) {
    const u64 port = at->is_number_unsigned() ? at->get<u64>() : 0;
    if (port == 0 || port > 65'535) return std::unexpected("\"port\" must be a number from 1 to 65535");
    f.port = static_cast<u16>(port);
  }
  const auto local = endpoint(request, "local"), remote = endpoint(request, "remote");
  if (!local) return std::unexpected(local.error());
  if (!remote) return std::unexpected(remote.error());
  f.local = *local, f.remote = *remote;
  return f;
}

LiveTrace::LiveTrace(const Host& host, const tcp::TraceFilter& filter, Duration to_wall_clock)
    : host_(host), trace_(filter, capacity), to_wall_clock_(to_wall_clock) {
  host_.executor().enter([&](Shard& shard, Instant now) {
    reference_ = now;
    shard.core().tcp->attach(trace_);
  });
}

LiveTrace::~LiveTrace() {
  host_.executor().enter([&](Shard& shard, Instant) { shard.core().tcp->detach(trace_); });
}

std::string LiveTrace::header() const {
  return Json{{"ok", true}, {"format", "json-lines"}, {"reference_time_ms", (reference_ + to_wall_clock_).ms()}}.dump() + "\n";
}

// Before its first event, and again when the peer's first number is known.
void LiveTrace::introduce(Shard& shard, u32 number, std::string& out) {
  const tcp::TraceConnection& c = trace_.connections()[number - 1];
  if (introduced_.size() < number) introduced_.resize(number);
  std::optional<SeqNum>& told = introduced_[number - 1];
  if (told == c.irs) return;
  told = c.irs;
  out += "{\"connection\":" + plot::connection_json(number, shard.core().netns[c.netns]->name, c) + "}\n";
}

std::string LiveTrace::lines() {
  std::string out;
  host_.executor().enter([&](Shard& shard, Instant) {
    tcp::TraceEvent e;
    for (u32 n = 0; n < at_once && trace_.take(e); ++n) {
      introduce(shard, e.connection, out);
      out += plot::event_json(e, reference_) + "\n";
    }
    if (trace_.lost() == lost_told_) return;
    lost_told_ = trace_.lost();
    out += "{\"lost\":" + std::to_string(lost_told_) + "}\n";
  });
  return out;
}

}  // namespace weir::control
