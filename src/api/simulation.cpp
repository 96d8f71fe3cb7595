#include "api/simulation.hpp"

#include <fmt/format.h>

#include <numeric>
#include <stdexcept>

#include "api/file_wires.hpp"
#include "sim/capture.hpp"

namespace weir {

using sim::Host;
using sim::LoadPlan;

Simulation::Simulation(const NetworkFile& file, const SimulationOptions& options) : file_(file), options_(options), world_(options.seed) {}

Simulation::~Simulation() = default;

Result<std::unique_ptr<Simulation>, std::string> Simulation::make(const NetworkFile& file, const SimulationOptions& options) {
  std::unique_ptr<Simulation> s{new Simulation(file, options)};
  try {
    if (auto ok = s->build(); !ok) return std::unexpected(ok.error());
  } catch (const std::runtime_error& e) {
    return std::unexpected(file.path + ": " + e.what());
  }
  return s;
}

std::string Simulation::at(u32 line) const { return fmt::format("{}:{}: ", file_.path, line); }

// Namespaces that a veth joins share a shard: packets pass between them without a copy.
std::vector<u32> Simulation::groups() const {
  std::vector<u32> group(file_.netns.size());
  std::iota(group.begin(), group.end(), 0u);
  for (u32 n = 0; n < file_.netns.size(); ++n)
    for (u32 k = 0; k < file_.netns[n].interfaces.size(); ++k)
      if (const auto peer = veth_peer(file_, n, k)) {
        const u32 from = std::max(group[n], group[peer->first]), to = std::min(group[n], group[peer->first]);
        std::ranges::replace(group, from, to);
      }
  return group;
}

Result<void, std::string> Simulation::build() {
  const std::vector<u32> group = groups();
  for (u32 n = 0; n < file_.netns.size(); ++n) {
    hosts_.push_back(&world_.host(file_.netns[n].name, {.sysctl = file_.netns[n].sysctl, .group = group[n]}));
    interfaces_.emplace_back(file_.netns[n].interfaces.size());
  }
  for (u32 n = 0; n < file_.netns.size(); ++n)
    if (auto ok = add_interfaces(n); !ok) return ok;
  for (const FileLink& l : file_.links) add_link(l);
  for (u32 n = 0; n < file_.netns.size(); ++n) {
    if (auto ok = add_addresses(n); !ok) return ok;
    if (auto ok = add_routes(n); !ok) return ok;
  }
  for (u32 n = 0; n < file_.netns.size(); ++n)
    for (const FileService& s : file_.netns[n].services)
      if (auto ok = add_service(n, s); !ok) return ok;
  if (options_.pcap_directory.empty()) return {};
  auto capture = sim::Capture::into(world_, options_.pcap_directory);
  if (!capture) return std::unexpected(capture.error());
  capture_ = std::move(*capture);
  return {};
}

// Addresses of a kind that tells host and interface, and does not change with the seed.
InterfaceConfig Simulation::interface_config(u32 n, u32 k) const {
  InterfaceConfig c = config_of(file_.netns[n].interfaces[k]);
  if (c.mac.is_zero()) c.mac = sim::World::mac_of(n + 1, k);
  return c;
}

Result<void, std::string> Simulation::add_veth(u32 n, u32 k) {
  const auto [m, j] = *veth_peer(file_, n, k);
  Shard& shard = hosts_[n]->shard();
  const auto made = shard.add_veth(hosts_[n]->netns(), interface_config(n, k), hosts_[m]->netns(), interface_config(m, j), world_.now());
  if (!made) return std::unexpected(at(file_.netns[n].interfaces[k].line) + std::string(text(made.error())));
  interfaces_[n][k] = made->first;
  interfaces_[m][j] = made->second;
  world_.touch(hosts_[n]->shard_index());
  return {};
}

Result<void, std::string> Simulation::add_interfaces(u32 n) {
  for (u32 k = 0; k < file_.netns[n].interfaces.size(); ++k) {
    const FileInterface& f = file_.netns[n].interfaces[k];
    if (f.dhcp || f.automatic)
      return std::unexpected(at(f.line) +
                             fmt::format("interface {}: addresses: \"{}\" is not available yet", f.name, f.dhcp ? "dhcp" : "auto"));
    if (interfaces_[n][k] != 0) continue;  // the other end of a veth
    if (veth_peer(file_, n, k)) {
      if (auto ok = add_veth(n, k); !ok) return ok;
      continue;
    }
    interfaces_[n][k] = world_.add_interface(*hosts_[n], interface_config(n, k));
    // A real device has nothing behind it here.
    if (!f.device.empty()) hosts_[n]->shard().on_port(interfaces_[n][k], false, world_.now());
  }
  return {};
}

Result<void, std::string> Simulation::add_addresses(u32 n) {
  for (u32 k = 0; k < file_.netns[n].interfaces.size(); ++k)
    for (const Prefix& p : file_.netns[n].interfaces[k].addresses)
      if (const auto done = world_.add_address(*hosts_[n], interfaces_[n][k], p); !done)
        return std::unexpected(at(file_.netns[n].interfaces[k].line) + fmt::format("address {}: {}", to_string(p), text(done.error())));
  return {};
}

Result<void, std::string> Simulation::add_routes(u32 n) {
  for (const FileRoute& r : file_.netns[n].routes) {
    RouteConfig c{.to = r.to, .via = r.via, .metric = r.metric};
    for (u32 k = 0; k < file_.netns[n].interfaces.size(); ++k)
      if (file_.netns[n].interfaces[k].name == r.interface) c.interface = interfaces_[n][k];
    if (const auto done = hosts_[n]->shard().add_route(hosts_[n]->netns(), c, world_.now()); !done)
      return std::unexpected(at(r.line) + fmt::format("route to {}: {}", to_string(r.to), text(done.error())));
  }
  return {};
}

void Simulation::add_link(const FileLink& l) {
  sim::LinkEnd ends[2];
  std::string names[2];
  for (u32 i = 0; i < 2; ++i) {
    const FileNetns& ns = file_.netns[l.netns[i]];
    const FileInterface& x = ns.interfaces[l.interface[i]];
    ends[i] = {hosts_[l.netns[i]], interfaces_[l.netns[i]][l.interface[i]]};
    names[i] = ns.name + ":" + x.name;
  }
  sim::LinkConfig config[2] = {l.there, l.back};
  for (u32 i = 0; i < 2; ++i) {
    const u16 mtu = file_.netns[l.netns[i]].interfaces[l.interface[i]].mtu;
    config[i].mtu = mtu != 0 ? mtu : usual_mtu;
  }
  sim::Link& link = world_.connect(ends[0], ends[1], config[0], config[1], names[0] + "-" + names[1]);
  for (const auto& [from, to] : l.outages) link.outage(world_.now() + from, world_.now() + to);
}

std::unique_ptr<sim::Load> Simulation::make_load(Host& host, const FileService& s, const LoadPlan& plan) const {
  if (const auto other = options_.services.find(s.kind); other != options_.services.end()) return other->second(host, s);
  if (s.kind == "echo") return make_echo(host, s.port);
  if (s.kind == "discard") return make_discard(host, s.port);
  if (s.kind == "chargen") return make_chargen(host, s.port);
  if (s.kind == "bulk") return s.to ? make_bulk(host, plan) : make_bulk_server(host, s.port, s.bytes);
  if (s.kind == "rpc") return s.to ? make_rpc(host, plan) : make_rpc_server(host, s.port);
  if (s.kind == "cbr") return s.to ? make_cbr(host, plan) : make_cbr_sink(host, s.port);
  return nullptr;
}

Result<void, std::string> Simulation::add_service(u32 n, const FileService& s) {
  Host& host = *hosts_[n];
  const LoadPlan plan{.to = {s.to.value_or(IpAddr{}), s.port},
                      .start = world_.now() + s.start,
                      .bytes = s.bytes,
                      .connections = s.connections,
                      .request = s.request,
                      .response = s.response,
                      .requests = s.requests,
                      .think = s.think,
                      .bits_per_second = s.rate,
                      .size = s.size,
                      .time = s.time};
  std::unique_ptr<sim::Load> load;
  try {
    load = make_load(host, s, plan);
  } catch (const std::runtime_error& e) {
    return std::unexpected(at(s.line) + e.what());
  }
  if (!load) return std::unexpected(at(s.line) + fmt::format("service: kind \"{}\" is not available in a simulation", s.kind));
  loads_.push_back(std::move(load));
  return {};
}

std::vector<sim::FlowResult> Simulation::flows() const {
  std::vector<sim::FlowResult> all;
  for (const auto& load : loads_)
    for (sim::FlowResult& f : load->flows()) all.push_back(std::move(f));
  return all;
}

void Simulation::run() {
  if (options_.time) return world_.run_for(*options_.time);
  constexpr Duration at_most = Duration::seconds(3600);
  const auto over = [&] { return std::ranges::all_of(loads_, [](const auto& l) { return l->over(); }); };
  if (world_.run_until(over, at_most)) world_.run_until_idle(at_most);
}

Result<SimulationReport, std::string> Simulation::run_and_report() {
  try {
    run();
  } catch (const std::runtime_error& e) {
    return std::unexpected(file_.path + ": " + e.what());
  }
  return report();
}

Result<SimulationReport, std::string> run_simulation(const NetworkFile& file, const SimulationOptions& options) {
  auto s = Simulation::make(file, options);
  if (!s) return std::unexpected(s.error());
  return (*s)->run_and_report();
}

}  // namespace weir
