// shard/shard.hpp: configuration, from checked values to what the graph works on.
#include "graph/address.hpp"
#include "graph/groups.hpp"
#include "graph/interfaces.hpp"
#include "graph/output.hpp"
#include "graph/route.hpp"
#include "graph/tcp_link.hpp"
#include "shard/shard.hpp"

namespace weir {

using graph::Interface;
using graph::Netns;

Result<NetnsId> Shard::add_netns(const NetnsConfig& config, Instant now) {
  core_->now = now;
  return graph::add_netns(*core_, config);
}

Result<void> Shard::remove_netns(NetnsId netns, Instant now) {
  core_->now = now;
  return graph::remove_netns(*core_, netns);
}

Result<IfIndex> Shard::add_interface(NetnsId netns, const InterfaceConfig& config, Instant now) {
  core_->now = now;
  if (config.kind == InterfaceKind::loopback || config.kind == InterfaceKind::veth) return fail(Errc::invalid);
  return graph::add_interface(*core_, netns, config);
}

Result<std::pair<IfIndex, IfIndex>> Shard::add_veth(NetnsId a, const InterfaceConfig& ca, NetnsId b, const InterfaceConfig& cb,
                                                    Instant now) {
  core_->now = now;
  InterfaceConfig first = ca, second = cb;
  first.kind = second.kind = InterfaceKind::veth;
  if (a == b && ca.name == cb.name) return fail(Errc::exists);
  const auto i = graph::add_interface(*core_, a, first);
  if (!i) return fail(i.error());
  const auto j = graph::add_interface(*core_, b, second);
  if (!j) {
    (void)graph::remove_interface(*core_, *i);
    return fail(j.error());
  }
  core_->interface(*i).peer = *j;
  core_->interface(*j).peer = *i;
  return std::pair{*i, *j};
}

Result<void> Shard::remove_interface(IfIndex interface, Instant now) {
  core_->now = now;
  const Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  if (i->is_loopback()) return fail(Errc::invalid);
  return graph::remove_interface(*core_, interface);
}

Result<void> Shard::set_interface_up(IfIndex interface, bool up, Instant now) {
  core_->now = now;
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  graph::set_up(*core_, *i, up);
  return {};
}

Result<void> Shard::set_offload(IfIndex interface, const Offload& offload) {
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  i->config.offload = offload;
  return {};
}

Result<void> Shard::add_address(IfIndex interface, const Prefix& prefix, Instant now, bool probe) {
  core_->now = now;
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  return graph::add_address(*core_, *i, prefix, probe);
}

Result<void> Shard::remove_address(IfIndex interface, const IpAddr& address, Instant now) {
  core_->now = now;
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  return graph::remove_address(*core_, *i, address);
}

namespace {

// The interface whose subnet has the address, by its addresses: one that is still being checked has no route yet.
IfIndex neighbour_on(const graph::Core& core, const Netns& ns, const IpAddr& via) {
  IfIndex best = 0;
  u8 longest = 0;
  for (const IfIndex i : ns.interfaces)
    for (const graph::InterfaceAddress& a : core.interfaces[i]->addresses) {
      if (core.interfaces[i]->is_loopback() || a.prefix.length < longest || !a.prefix.contains(via)) continue;
      best = i;
      longest = a.prefix.length;
    }
  return best;
}

// What a route needs beyond what the user said: the interface through which its gateway can be reached.
Result<ip::Route> checked(const graph::Core& core, const Netns& ns, const RouteConfig& r) {
  ip::Route out{.dst = r.to.masked(), .gateway = r.via, .metric = r.metric, .ifindex = r.interface};
  if (r.to.length > r.to.address.bits()) return fail(Errc::invalid);
  if (r.via.is_any()) {
    out.gateway = IpAddr{};
    if (r.interface == 0) return fail(Errc::invalid);
  } else {
    if (r.via.is_v4() != r.to.address.is_v4() || r.via.is_multicast()) return fail(Errc::invalid);
    const bool link_local = r.via.is_v6() && r.via.is_link_local();
    const ip::Route* on = link_local ? nullptr : ns.fib.lookup(r.via);
    if (out.ifindex == 0 && on != nullptr && on->type == ip::RouteType::unicast && on->gateway.is_any()) out.ifindex = on->ifindex;
    if (out.ifindex == 0 && !link_local) out.ifindex = neighbour_on(core, ns, r.via);
    if (out.ifindex == 0) return fail(Errc::net_unreachable);
  }
  if (out.ifindex >= core.interfaces.size() || core.interfaces[out.ifindex]->netns != ns.id) return fail(Errc::device_not_found);
  return out;
}

}  // namespace

//= rfc1122#3.3.1.6 I102
//= rfc1122#3.3.1.2 I91
Result<void> Shard::add_route(NetnsId netns, const RouteConfig& route, Instant now) {
  core_->now = now;
  Netns* ns = core_->find_netns(netns);
  if (ns == nullptr) return fail(Errc::not_found);
  const auto r = checked(*core_, *ns, route);
  if (!r) return fail(r.error());
  if (auto ok = ns->fib.add(*r); !ok) return ok;
  ++ns->route_generation;
  return {};
}

Result<void> Shard::remove_route(NetnsId netns, const RouteConfig& route, Instant now) {
  core_->now = now;
  Netns* ns = core_->find_netns(netns);
  if (ns == nullptr) return fail(Errc::not_found);
  if (auto ok = ns->fib.remove(route.to.masked(), route.metric); !ok) return ok;
  ++ns->route_generation;
  return {};
}

Result<void> Shard::add_neighbour(IfIndex interface, const IpAddr& address, const MacAddr& mac, Instant now) {
  core_->now = now;
  const Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  if (!i->has_link_addresses() || mac.is_multicast() || mac.is_zero()) return fail(Errc::invalid);
  graph::send_pending(*core_, core_->neighbours.add_permanent(interface, address, mac, now));
  return {};
}

Result<void> Shard::join_group(IfIndex interface, const IpAddr& group, Instant now) {
  core_->now = now;
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  if (!group.is_multicast()) return fail(Errc::invalid);
  graph::join_group(*core_, *i, group);
  return {};
}

Result<void> Shard::leave_group(IfIndex interface, const IpAddr& group, Instant now) {
  core_->now = now;
  Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  if (!i->is_member(group)) return fail(Errc::addr_not_available);
  graph::leave_group(*core_, *i, group);
  return {};
}

Result<InterfaceStats> Shard::interface_stats(IfIndex interface) const {
  const Interface* i = core_->find_interface(interface);
  if (i == nullptr) return fail(Errc::device_not_found);
  InterfaceStats s = i->stats;
  s.rx_queue = i->waiting;
  s.tx_queue = i->tx.size();
  return s;
}

Sysctl* Shard::sysctl(NetnsId netns) noexcept {
  Netns* ns = core_->find_netns(netns);
  return ns != nullptr ? &ns->sysctl : nullptr;
}

bool Shard::addresses_ready(NetnsId netns) const noexcept {
  const Netns* ns = core_->find_netns(netns);
  if (ns == nullptr) return false;
  for (const IfIndex i : ns->interfaces)
    for (const graph::InterfaceAddress& a : core_->interfaces[i]->addresses)
      if (a.state == graph::InterfaceAddress::State::tentative && core_->interfaces[i]->up) return false;
  return true;
}

}  // namespace weir
