// plot/recorder.hpp
#include "plot/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "plot/svg.hpp"
#include "plot/time_sequence.hpp"

namespace weir::plot {
namespace {

std::string name_of_end(const sim::LinkEnd& e) { return e.host != nullptr ? e.host->name() : "peer"; }

std::string host_of(sim::World& world, u32 shard, NetnsId netns) {
  for (const sim::Host& h : world.hosts())
    if (h.shard_index() == shard && h.netns() == netns) return h.name();
  return "netns" + std::to_string(netns);
}

// What a trace has, by connection.
void split(sim::World& world, u32 shard, tcp::Trace& trace, std::vector<Flow>& all) {
  const usize first = all.size();
  for (const tcp::TraceConnection& c : trace.connections())
    all.push_back({.netns = host_of(world, shard, c.netns),
                   .local = c.local,
                   .remote = c.remote,
                   .iss = c.iss,
                   .irs = c.irs,
                   .reference = world.config().start,
                   .lost_events = trace.lost(),
                   .events = {}});
  for (tcp::TraceEvent e; trace.take(e);) all[first + e.connection - 1].events.push_back(e);
}

Instant begin_of(const Flow& f) noexcept { return f.events.front().at; }

// Both ends of a connection were traced: the one that sent less goes. A pair of endpoints may meet again: in the order of time.
void keep_senders(std::vector<Flow>& all) {
  std::map<std::pair<std::string, std::string>, std::vector<usize>> unmatched;  // by (local, remote)
  std::vector<bool> goes(all.size());
  for (usize i = 0; i < all.size(); ++i) {
    const std::string local = to_string(all[i].local), remote = to_string(all[i].remote);
    auto& others = unmatched[{remote, local}];
    if (others.empty()) {
      unmatched[{local, remote}].push_back(i);
      continue;
    }
    const usize other = others.front();
    others.erase(others.begin());
    const bool sends_more = payload_of(all[i]).sent > payload_of(all[other]).sent;
    goes[sends_more ? other : i] = true;
  }
  usize i = 0;
  std::erase_if(all, [&](const Flow&) { return goes[i++]; });
}

// A name for a file: no two the same, nothing that a path or an address in a page would mind.
std::string file_name(std::string name, std::set<std::string>& taken) {
  for (char& c : name)
    if (c == ':' || c == '/' || c == '%' || c == ' ' || c == '#' || c == '?') c = '.';
  std::string unique = name;
  for (u32 n = 2; !taken.insert(unique).second; ++n) unique = name + "-" + std::to_string(n);
  return unique + ".svg";
}

Result<void, std::string> write_file(const std::filesystem::path& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return std::unexpected(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (std::fclose(file) == 0 && written) return {};
  return std::unexpected(fmt::format("{}: {}", path.string(), std::strerror(written ? errno : error)));
}

std::string peer_host(const std::vector<std::pair<IpAddr, std::string>>& hosts, const IpAddr& a) {
  for (const auto& [address, name] : hosts)
    if (address == a) return name;
  return to_string(a);
}

struct Page {
  std::string body;
  void heading(std::string_view text) { body += fmt::format("<h2>{}</h2>\n", escape(text)); }
  void picture(std::string_view file, std::string_view what) {
    body += fmt::format("<figure><figcaption>{0}</figcaption><img src=\"{1}\" alt=\"{0}\" loading=\"lazy\"/></figure>\n", escape(what),
                        escape(file));
  }
  void note(std::string_view text) { body += fmt::format("<p>{}</p>\n", escape(text)); }
  [[nodiscard]] std::string text() const {
    return "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"/><title>weir sim</title>\n"
           "<style>body{font-family:sans-serif}figure{margin:1em 0}figcaption{font-size:.9em}</style></head>\n<body>\n" +
           body + "</body></html>\n";
  }
};

}  // namespace

Recorder::Recorder(sim::World& world, const Limits& limits) : world_(world), limits_(limits), queues_(2 * world.links().size()) {
  const u64 each = std::clamp<u64>(limits.events / std::max(world.shards(), 1u), 1'024, 1u << 20);
  for (u32 i = 0; i < world.shards(); ++i) {
    traces_.push_back(std::make_unique<tcp::Trace>(tcp::TraceFilter{}, static_cast<u32>(each)));
    world.shard(i).core().tcp->attach(*traces_.back());
  }
  for (sim::Link& link : world.links())
    for (u32 d = 0; d < 2; ++d) {
      LinkDirection& to = queues_[2 * link.index() + d];
      to.from = name_of_end(d == 0 ? link.a() : link.b());
      to.to = name_of_end(d == 0 ? link.b() : link.a());
      link.pipe(d).set_watcher([&to, most = limits.samples](Instant at, sim::Pipe::Happened what, u32 waiting) {
        if (to.samples.size() == most) ++to.left_out;
        else to.samples.push_back({at, static_cast<QueueSample::What>(what), waiting});
      });
    }
}

Recorder::~Recorder() {
  for (u32 i = 0; i < traces_.size(); ++i) world_.shard(i).core().tcp->detach(*traces_[i]);
  for (sim::Link& link : world_.links())
    for (u32 d = 0; d < 2; ++d) link.pipe(d).set_watcher({});
}

std::vector<Flow> Recorder::take_flows() {
  std::vector<Flow> all;
  for (u32 i = 0; i < traces_.size(); ++i) split(world_, i, *traces_[i], all);
  std::erase_if(all, [](const Flow& f) { return f.events.empty(); });
  std::ranges::stable_sort(all, {}, begin_of);
  keep_senders(all);
  return all;
}

std::vector<LinkQueues> Recorder::links() const {
  std::vector<LinkQueues> all;
  // The time axis ends with what was to be seen on any link: a run that ends by itself waits for idle timers, for minutes.
  Instant last = world_.config().start;
  for (const LinkDirection& d : queues_)
    if (!d.samples.empty()) last = std::max(last, d.samples.back().at);
  const Instant end = last == world_.config().start ? world_.now() : std::min(world_.now(), last + (last - world_.config().start) / 50);
  for (const sim::Link& link : world_.links())
    all.push_back({.name = link.name(),
                   .reference = world_.config().start,
                   .end = end,
                   .directions = {queues_[2 * link.index()], queues_[2 * link.index() + 1]}});
  return all;
}

Result<void, std::string> Recorder::write(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return std::unexpected(fmt::format("{}: {}", directory, error.message()));
  std::vector<std::pair<IpAddr, std::string>> hosts;
  for (const sim::Host& h : world_.hosts())
    for (const IpAddr& a : h.addresses()) hosts.emplace_back(a, h.name());
  std::vector<Flow> flows = take_flows();
  Page page;
  if (flows.size() > limits_.pictures) {
    std::ranges::nth_element(flows, flows.begin() + limits_.pictures, std::ranges::greater{},
                             [](const Flow& f) { return payload_of(f).sent; });
    page.note(fmt::format("{} connections with less payload are left out.", flows.size() - limits_.pictures));
    flows.resize(limits_.pictures);
    std::ranges::stable_sort(flows, {}, begin_of);
  }
  std::set<std::string> taken;
  page.heading("TCP connections");
  for (const Flow& f : flows) {
    const std::string peer = peer_host(hosts, f.remote.addr);
    const std::string name = file_name(fmt::format("{}.{}-{}.{}", f.netns, f.local.port, peer, f.remote.port), taken);
    if (auto ok = write_file(std::filesystem::path(directory) / name, time_sequence_svg(f)); !ok) return ok;
    page.picture(name, name_of(f));
  }
  page.heading("Links");
  for (const LinkQueues& l : links()) {
    const std::string name = file_name(l.name, taken);
    if (auto ok = write_file(std::filesystem::path(directory) / name, link_svg(l)); !ok) return ok;
    page.picture(name, l.name);
  }
  return write_file(std::filesystem::path(directory) / "index.html", page.text());
}

}  // namespace weir::plot
