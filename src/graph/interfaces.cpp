// graph/interfaces.hpp
#include "graph/interfaces.hpp"

#include "graph/address.hpp"
#include "graph/groups.hpp"
#include "graph/tcp_link.hpp"
#include "sock/table.hpp"

namespace weir::graph {
namespace {

using buf::PacketId;

constexpr usize longest_name = 15;
constexpr u16 smallest_mtu = 68;

// One whose sockets have all been closed: they must not wake up in another namespace.
NetnsId free_netns(Core& core) {
  for (usize i = 1; i < core.netns.size(); ++i)
    if (!core.netns[i]->live && core.sockets->size(static_cast<NetnsId>(i)) == 0) return static_cast<NetnsId>(i);
  if (core.netns.size() > 0xffff) return 0;
  core.netns.push_back(nullptr);
  return static_cast<NetnsId>(core.netns.size() - 1);
}

IfIndex free_interface(Core& core) {
  if (!core.free_interfaces.empty()) {
    const IfIndex i = core.free_interfaces.back();
    core.free_interfaces.pop_back();
    return i;
  }
  if (core.interfaces.size() > 0xffff) return 0;
  core.interfaces.push_back(nullptr);
  return static_cast<IfIndex>(core.interfaces.size() - 1);
}

MacAddr random_mac(Core& core) {
  MacAddr m;
  core.rng.fill(std::as_writable_bytes(std::span{m.b}));
  m.b[0] = static_cast<u8>((m.b[0] & 0xfc) | 2);  // locally administered, unicast
  return m;
}

Result<void> check(const Core& core, const Netns& ns, const InterfaceConfig& c) {
  if (c.name.empty() || c.name.size() > longest_name || c.mtu < smallest_mtu || c.mac.is_multicast()) return fail(Errc::invalid);
  for (const IfIndex i : ns.interfaces)
    if (core.interfaces[i]->config.name == c.name) return fail(Errc::exists);
  return {};
}

// Groups and the link-local address that an interface has from the beginning.
void equip(Core& core, Interface& i) {
  if (i.is_loopback()) {
    (void)add_address(core, i, {Ip4Addr::loopback(), 8}, false);
    (void)add_address(core, i, {Ip6Addr::loopback(), 128}, false);
    return;
  }
  //= rfc1122#3.3.7 I138
  join_group(core, i, Ip4Addr{0xe000'0001});
  join_group(core, i, Ip6Addr::all_nodes());
  if (i.has_link_addresses()) (void)add_address(core, i, {link_local_of(i.config.mac), 64}, false);
}

// Packets on their way to an interface that is no more.
void purge(Core& core, buf::PacketQueue& queue, IfIndex index) {
  const u32 n = queue.size();
  for (u32 k = 0; k < n; ++k) {
    const PacketId id = queue.pop(core.pool);
    if (core.pool[id].if_in == index) core.drop(id, Drop::closing);
    else queue.push(core.pool, id);
  }
}

void flush(Core& core, Interface& i, Drop why) {
  while (!i.tx.empty()) {
    ++i.stats.tx_dropped;
    core.drop(i.tx.pop(core.pool), why);
  }
  i.returned = 0;
}

void forget_neighbours(Core& core, IfIndex index, Drop why) {
  core.neighbours.remove_interface(index, [&](PacketId id) { core.drop(id, why); });
}

}  // namespace

Result<NetnsId> add_netns(Core& core, const NetnsConfig& config) {
  const NetnsId id = free_netns(core);
  if (id == 0) return fail(Errc::too_many);
  auto ns = std::make_unique<Netns>();
  ns->id = id;
  ns->live = true;
  ns->name = config.name;
  ns->sysctl = config.sysctl;
  core.netns[id] = std::move(ns);
  core.transport.netns.resize(core.netns.size());
  core.transport.netns[id] = {&core.netns[id]->sysctl, &core.netns[id]->drops};
  core.icmp_limit.set_error_rate(id, config.sysctl.icmp_rate_per_s);
  core.sockets->set_limit(id, config.max_sockets);
  core.udp->add_netns(id);
  if (core.tcp) core.tcp->add_netns(id);
  const auto lo = add_interface(
      core, id,
      {.name = "lo", .kind = InterfaceKind::loopback, .mtu = 65'535, .offload = {.tx_checksum = true, .rx_checksum = true, .tso = true}});
  if (!lo) return fail(lo.error());
  core.netns[id]->loopback = *lo;
  return id;
}

Result<void> remove_netns(Core& core, NetnsId id) {
  Netns* ns = core.find_netns(id);
  if (ns == nullptr) return fail(Errc::not_found);
  core.udp->remove_netns(id, core.now);
  core.raw->remove_netns(id, core.now);
  if (core.tcp) core.tcp->remove_netns(id, core.now);
  tx(core);
  core.reassembly.remove_netns(id, [&](PacketId p) { core.drop(p, Drop::closing); });
  const std::vector<IfIndex> all = ns->interfaces;
  for (const IfIndex i : all) (void)remove_interface(core, i);
  core.destinations.remove_netns(id);
  core.icmp_limit.remove_netns(id);
  ns->fib.clear();
  ns->live = false;
  return {};
}

Result<IfIndex> add_interface(Core& core, NetnsId netns, const InterfaceConfig& config) {
  Netns* ns = core.find_netns(netns);
  if (ns == nullptr) return fail(Errc::not_found);
  if (auto ok = check(core, *ns, config); !ok) return fail(ok.error());
  const IfIndex index = free_interface(core);
  if (index == 0) return fail(Errc::too_many);
  auto i = std::make_unique<Interface>();
  i->index = index;
  i->netns = netns;
  i->config = config;
  i->up = config.up;
  if (i->has_link_addresses() && config.mac.is_zero()) i->config.mac = random_mac(core);
  std::memcpy(&i->mac_word, i->config.mac.b.data(), 6);
  i->queues = config.kind == InterfaceKind::ethernet || config.kind == InterfaceKind::raw_ip;
  core.interfaces[index] = std::move(i);
  ns->interfaces.push_back(index);
  ++ns->route_generation;
  if (config.kind == InterfaceKind::loopback) ns->loopback = index;
  equip(core, *core.interfaces[index]);
  return index;
}

Result<void> remove_interface(Core& core, IfIndex index) {
  Interface* i = core.find_interface(index);
  if (i == nullptr) return fail(Errc::device_not_found);
  Netns& ns = *core.netns[i->netns];
  const IfIndex peer = i->peer;
  flush(core, *i, Drop::closing);
  purge(core, core.veth_rx, index);
  forget_neighbours(core, index, Drop::closing);
  core.destinations.remove_interface(index);
  ns.fib.remove_interface(index);
  std::erase(ns.interfaces, index);
  ++ns.route_generation;
  *i = Interface{};
  core.free_interfaces.push_back(index);
  if (peer == 0) return {};
  core.interface(peer).peer = 0;
  return remove_interface(core, peer);  // a veth goes with its other end
}

void set_up(Core& core, Interface& i, bool up) {
  if (i.up == up) return;
  i.up = up;
  ++core.netns[i.netns]->route_generation;
  if (!up) {
    flush(core, i, Drop::link_down);
    forget_neighbours(core, i.index, Drop::link_down);
  }
}

void set_carrier(Core& core, Interface& i, bool carrier) {
  if (i.carrier == carrier) return;
  i.carrier = carrier;
  if (!carrier) flush(core, i, Drop::link_down);
}

}  // namespace weir::graph
