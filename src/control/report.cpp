// control/report.hpp
#include "control/report.hpp"

#include <array>

#include "control/estats.hpp"
#include "sock/table.hpp"
#include "weir/stats.hpp"

namespace weir::control {
namespace {

template <class F>
void for_each_netns(const graph::Core& core, F&& f) {
  for (const auto& ns : core.netns)
    if (ns && ns->live) f(*ns);
}

std::string_view kind_name(InterfaceKind k) noexcept {
  constexpr std::array<std::string_view, 4> names{"ethernet", "raw_ip", "loopback", "veth"};
  return names[static_cast<usize>(k)];
}

Json interface_json(const InterfaceStatus& i) {
  const InterfaceStats& s = i.stats;
  Json addresses = Json::array();
  for (const auto& a : i.addresses) addresses.push_back({{"address", to_string(a.prefix)}, {"state", a.state}});
  return {
      {"name", i.name},
      {"index", i.index},
      {"kind", kind_name(i.kind)},
      {"mac", to_string(i.mac)},
      {"mtu", i.mtu},
      {"up", i.up},
      {"carrier", i.carrier},
      {"offload",
       {{"tx_checksum", i.offload.tx_checksum}, {"rx_checksum", i.offload.rx_checksum}, {"tso", i.offload.tso}, {"gro", i.offload.gro}}},
      {"addresses", std::move(addresses)},
      {"rx",
       {{"packets", s.rx_packets},
        {"bytes", s.rx_bytes},
        {"errors", s.rx_errors},
        {"dropped", s.rx_dropped},
        {"multicast", s.multicast},
        {"queue", s.rx_queue}}},
      {"tx",
       {{"packets", s.tx_packets},
        {"bytes", s.tx_bytes},
        {"errors", s.tx_errors},
        {"dropped", s.tx_dropped},
        {"collisions", s.collisions},
        {"queue", s.tx_queue}}}};
}

Json counters_json(const HostStats& stats) {
  Json groups = Json::object();
  for (const CounterValue& c : stats.counters) {
    Json counter{{"value", c.value}, {"text", c.info.text}};
    if (!c.info.mib.empty()) counter["mib"] = c.info.mib;
    groups[std::string(c.group)][std::string(c.info.name)] = std::move(counter);
  }
  return groups;
}

Json pool_json(const PoolStatus& p) {
  return {{"packets", {{"hits", p.packet_hits}, {"misses", p.packet_misses}, {"in_use", p.packets_in_use}, {"free", p.packets_free}}},
          {"buffers",
           {{"hits", p.buffer_hits},
            {"misses", p.buffer_misses},
            {"in_use", p.buffers_in_use},
            {"small_free", p.small_free},
            {"large_free", p.large_free}}}};
}

Json tcp_json(const graph::Core& core, const tcp::Info& i) {
  return {{"netns", core.netns[i.netns]->name},
          {"protocol", "tcp"},
          {"state", tcp::name(i.state)},
          {"local", to_string(i.local)},
          {"remote", to_string(i.remote)},
          {"receive_queue", i.rx_bytes},
          {"send_queue", i.flight + i.unsent},
          {"timer", tcp::name(i.timer)},
          {"path", tcp::name(i.path)},
          {"cwnd_bytes", i.cwnd},
          {"ssthresh_bytes", i.ssthresh},
          {"snd_mss", i.snd_mss},
          {"rcv_mss", i.rcv_mss},
          {"srtt_us", i.srtt_us},
          {"rttvar_us", i.rttvar_us},
          {"rto_us", i.rto_us},
          {"snd_wnd", i.snd_wnd},
          {"rcv_wnd", i.rcv_wnd},
          {"flight_bytes", i.flight},
          {"unsent_bytes", i.unsent},
          {"retransmitted", i.retransmitted},
          {"backoff", i.backoff},
          {"bytes_received", i.bytes_in},
          {"bytes_acknowledged", i.bytes_out},
          {"snd_wscale", i.snd_wscale},
          {"rcv_wscale", i.rcv_wscale},
          {"timestamps", i.timestamps},
          {"sack", i.sack}};
}

std::string_view name_of(ip::RouteType t) noexcept {
  switch (t) {
    case ip::RouteType::unicast: return "unicast";
    case ip::RouteType::local: return "local";
    case ip::RouteType::broadcast: return "broadcast";
    default: return "other";
  }
}

std::string_view name_of(link::Nud s) noexcept {
  switch (s) {
    case link::Nud::incomplete: return "incomplete";
    case link::Nud::reachable: return "reachable";
    case link::Nud::stale: return "stale";
    case link::Nud::delay: return "delay";
    case link::Nud::probe: return "probe";
    default: return "failed";
  }
}

}  // namespace

Json report_stat(const Shard& shard) {
  Json all = Json::array();
  HostStats stats;
  for_each_netns(shard.core(), [&](const graph::Netns& ns) {
    stats = host_stats(shard, ns.id);
    Json interfaces = Json::array();
    for (const InterfaceStatus& i : stats.interfaces) interfaces.push_back(interface_json(i));
    all.push_back({{"netns", ns.name}, {"interfaces", std::move(interfaces)}, {"counters", counters_json(stats)}});
  });
  return {{"namespaces", std::move(all)},
          {"pool", pool_json(stats.pool)},
          {"tcp", {{"connections", stats.connections}, {"half_open", stats.half_open}, {"time_wait", stats.time_wait}}},
          {"neighbours", shard.core().neighbours.size()}};
}

Json report_ss(Shard& shard) {
  struct Visit {
    const graph::Core& core;
    Json all = Json::array();
  } visit{shard.core()};
  shard.core().tcp->for_each(
      [](void* v, const tcp::Info& i) {
        auto& to = *static_cast<Visit*>(v);
        if (i.state == tcp::State::closed) return;
        Json one = tcp_json(to.core, i);
        if (i.state != tcp::State::listen) one["estats"] = estats_json(i, tcp::send_info(to.core.tcp->context(), i.connection));
        to.all.push_back(std::move(one));
      },
      &visit);
  shard.core().sockets->for_each([&](Sock s, const sock::Socket& socket) {
    if (socket.type == SocketType::stream) return;
    const auto local = shard.local(s), remote = shard.remote(s);
    visit.all.push_back({{"netns", visit.core.netns[socket.netns]->name},
                         {"protocol", socket.type == SocketType::datagram ? "udp"
                                      : socket.type == SocketType::raw    ? "raw"
                                                                          : "packet"},
                         {"state", remote ? "connected" : "open"},
                         {"local", local ? to_string(*local) : ""},
                         {"remote", remote ? to_string(*remote) : ""}});
  });
  return std::move(visit.all);
}

Json report_addr(const Shard& shard) {
  Json all = Json::array();
  for_each_netns(shard.core(), [&](const graph::Netns& ns) {
    for (const InterfaceStatus& i : host_stats(shard, ns.id).interfaces) {
      Json one = interface_json(i);
      one.erase("rx");
      one.erase("tx");
      all.push_back({{"netns", ns.name}, {"interface", std::move(one)}});
    }
  });
  return all;
}

Json report_route(const Shard& shard) {
  Json all = Json::array();
  for_each_netns(shard.core(), [&](const graph::Netns& ns) {
    ns.fib.for_each([&](const ip::Route& r) {
      Json one{{"netns", ns.name}, {"to", to_string(r.dst)}, {"type", name_of(r.type)}, {"metric", r.metric}};
      if (!r.gateway.is_any()) one["via"] = to_string(r.gateway);
      if (r.ifindex != 0) one["interface"] = shard.core().interfaces[r.ifindex]->config.name;
      all.push_back(std::move(one));
    });
  });
  return all;
}

Json report_neigh(const Shard& shard, Instant now) {
  Json all = Json::array();
  const graph::Core& core = shard.core();
  core.neighbours.for_each([&](u32, const link::Neighbour& n) {
    const graph::Interface& i = *core.interfaces[n.ifindex];
    all.push_back({{"netns", core.netns[i.netns]->name},
                   {"interface", i.config.name},
                   {"address", to_string(n.addr)},
                   {"mac", to_string(n.mac)},
                   {"state", name_of(n.state)},
                   {"router", n.is_router},
                   {"pending", n.pending_n},
                   {"confirmed_s", n.confirmed.ns > 0 ? Json((now - n.confirmed).s()) : Json()}});
  });
  return all;
}

}  // namespace weir::control
