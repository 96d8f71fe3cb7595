// weir/stats.hpp
#include "weir/stats.hpp"

#include "shard/shard.hpp"
#include "weir/stack.hpp"

namespace weir {
namespace {

template <class Id>
void add_counters(HostStats& out, std::string_view group, const Counters<Id>& counters, std::span<const CounterInfo> infos) {
  for (usize i = 0; i < infos.size(); ++i) out.counters.push_back({group, infos[i], counters.read(static_cast<Id>(i))});
}

std::string_view name_of(graph::InterfaceAddress::State s) {
  using State = graph::InterfaceAddress::State;
  switch (s) {
    case State::tentative: return "tentative";
    case State::preferred: return "preferred";
    case State::deprecated: return "deprecated";
    case State::duplicate: return "duplicate";
  }
  return "";
}

InterfaceStatus status_of(const graph::Interface& i) {
  InterfaceStatus s{.index = i.index,
                    .name = i.config.name,
                    .kind = i.config.kind,
                    .mac = i.config.mac,
                    .mtu = i.config.mtu,
                    .up = i.up,
                    .carrier = i.carrier,
                    .offload = i.config.offload,
                    .addresses = {},
                    .stats = i.stats};
  s.stats.tx_queue = i.tx.size();
  s.stats.rx_queue = i.waiting;
  for (const graph::InterfaceAddress& a : i.addresses) s.addresses.push_back({a.prefix, name_of(a.state)});
  return s;
}

PoolStatus status_of(const buf::Pool& pool) {
  const buf::PoolStats& s = pool.stats();
  return {.packet_hits = s.packet_hits,
          .packet_misses = s.packet_misses,
          .buffer_hits = s.buffer_hits,
          .buffer_misses = s.buffer_misses,
          .packets_in_use = pool.packets_in_use(),
          .buffers_in_use = pool.buffers_in_use(),
          .packets_free = pool.packets_available(),
          .small_free = pool.small_available(),
          .large_free = pool.large_available()};
}

}  // namespace

HostStats host_stats(const Shard& shard, NetnsId netns) {
  const graph::Core& core = shard.core();
  const graph::Netns& ns = *core.netns[netns];
  HostStats out;
  out.name = ns.name;
  add_counters(out, "ip4", ns.ip4, graph::ip_counter_info);
  add_counters(out, "ip6", ns.ip6, graph::ip_counter_info);
  add_counters(out, "icmp4", ns.icmp4, graph::icmp_counter_info);
  add_counters(out, "icmp6", ns.icmp6, graph::icmp_counter_info);
  add_counters(out, "udp", core.udp->counters(netns), udp::udp_counter_info);
  add_counters(out, "tcp", core.tcp->counters(netns), tcp::tcp_counter_info);
  for (u32 d = 1; d < drop_count; ++d) {
    const Drop why = static_cast<Drop>(d);
    out.counters.push_back({"drop", {name(why), {}, text(why)}, ns.drops.read(why)});
  }
  for (const IfIndex i : ns.interfaces) out.interfaces.push_back(status_of(*core.interfaces[i]));
  out.pool = status_of(core.pool);
  out.connections = core.tcp->connections();
  out.half_open = core.tcp->half_open();
  out.time_wait = core.tcp->time_wait();
  return out;
}

HostStats Host::stats() const {
  HostStats out;
  executor_->enter([&](Shard& shard, Instant) { out = host_stats(shard, netns_); });
  return out;
}

}  // namespace weir
