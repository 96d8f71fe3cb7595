// graph/route.hpp
#include "graph/route.hpp"

#include "base/fixed_vector.hpp"
#include "ip/source_select.hpp"

namespace weir::graph {
namespace {

using ip::DestinationKind;
using ip::Resolution;

constexpr u32 max_candidates = 32;
using Candidates = FixedVector<ip::SourceCandidate, max_candidates>;

void add_candidates(const Interface& i, bool v4, Candidates& out) {
  for (const InterfaceAddress& a : i.addresses) {
    if (a.prefix.address.is_v4() != v4) continue;
    out.push({.prefix = a.prefix,
              .interface = i.index,
              .deprecated = a.state == InterfaceAddress::State::deprecated,
              .secondary = a.secondary,
              .unusable = !a.usable()});
  }
}

IpAddr select_from(const Candidates& all, const Interface& out, const IpAddr& dst, const IpAddr& next_hop) {
  const ip::SourceCandidate* best = dst.is_v4()
                                        ? ip::select_source4(dst.v4(), next_hop.is_v4() ? next_hop.v4() : dst.v4(), out.index, all.span())
                                        : ip::select_source6(dst.v6(), out.index, all.span());
  return best != nullptr ? best->prefix.address : IpAddr::any(dst.family());
}

// An interface for what has no route of its own: multicast and limited broadcast without an interface given.
const Interface* default_interface(const Core& core, const Netns& ns, const IpAddr& dst) {
  const ip::Route* r = ns.fib.lookup(IpAddr::any(dst.family()));
  if (r != nullptr && r->type == ip::RouteType::unicast) return core.interfaces[r->ifindex].get();
  for (const IfIndex i : ns.interfaces)
    if (!core.interfaces[i]->is_loopback() && core.interfaces[i]->running()) return core.interfaces[i].get();
  return nullptr;
}

Result<void> finish(const Core& core, const Interface& out, const ip::DestinationKey& key, Resolution& r) {
  if (!out.up) return fail(Errc::net_down);
  r.if_out = out.index;
  if (r.mtu == 0) r.mtu = out.config.mtu;
  if (key.src.is_any() && r.source.is_any()) r.source = select_source(core, out, key.dst, r.next_hop);
  else if (!key.src.is_any()) r.source = key.src;
  // A host without an address may still broadcast and multicast: DHCP, IGMP.
  if (r.source.is_any() && r.kind == DestinationKind::unicast) return fail(Errc::addr_not_available);
  return {};
}

Resolution local_resolution(const Netns& ns, const IpAddr& dst) {
  return {.next_hop = dst, .source = dst, .if_out = ns.loopback, .mtu = 0, .kind = DestinationKind::local};
}

Result<Resolution> resolve_on(const Core& core, const Netns& ns, const ip::DestinationKey& key, const Interface* out,
                              DestinationKind kind) {
  if (out == nullptr || out->netns != ns.id) return fail(Errc::net_unreachable);
  Resolution r{.next_hop = key.dst, .source = IpAddr::any(key.dst.family()), .mtu = 0, .kind = kind};
  if (auto ok = finish(core, *out, key, r); !ok) return fail(ok.error());
  return r;
}

// A route that is of the interface asked for: with two of the same prefix the one by `oif` counts.
const ip::Route* lookup(const Netns& ns, const IpAddr& dst, IfIndex oif) {
  const ip::Route* r = ns.fib.lookup(dst);
  if (r == nullptr || oif == 0 || r->ifindex == oif || r->type == ip::RouteType::local) return r;
  const ip::Route* best = nullptr;
  ns.fib.for_each([&](const ip::Route& x) {
    if (x.ifindex == oif && x.dst.contains(dst) && (best == nullptr || x.dst.length > best->dst.length)) best = &x;
  });
  return best;
}

bool is_dead(const Core& core, const ip::Route& r) {
  if (r.gateway.is_any()) return false;
  const u32 neighbour = core.neighbours.lookup(r.ifindex, r.gateway);
  return neighbour != 0 && core.neighbours[neighbour].state == link::Nud::failed;
}

//= rfc1122#3.3.1.2 I90
//= rfc1122#3.3.1.5 I101
// Of several routes to one prefix the next best while the gateway of the best does not answer.
const ip::Route* living(const Core& core, const Netns& ns, const ip::Route* best) {
  constexpr u32 most = 4096;  // a host has few routes; a router with many has a protocol that tells it
  if (!is_dead(core, *best) || ns.fib.size() > most) return best;
  const ip::Route* other = nullptr;
  ns.fib.for_each([&](const ip::Route& r) {
    if (r.dst != best->dst || r.type != ip::RouteType::unicast || is_dead(core, r)) return;
    if (other == nullptr || r.metric < other->metric) other = &r;
  });
  return other != nullptr ? other : best;
}

//= rfc1122#3.3.1.2 I89
Result<Resolution> resolve_routed(const Core& core, const Netns& ns, const ip::DestinationKey& key) {
  const ip::Route* route = lookup(ns, key.dst, key.oif);
  if (route == nullptr) return fail(Errc::net_unreachable);
  switch (route->type) {
    case ip::RouteType::blackhole: return fail(Errc::invalid);
    case ip::RouteType::unreachable: return fail(Errc::host_unreachable);
    case ip::RouteType::prohibit: return fail(Errc::permission_denied);
    case ip::RouteType::local: {
      Resolution r = local_resolution(ns, key.dst);
      if (auto ok = finish(core, *core.interfaces[ns.loopback], key, r); !ok) return fail(ok.error());
      return r;
    }
    case ip::RouteType::broadcast: return resolve_on(core, ns, key, core.interfaces[route->ifindex].get(), DestinationKind::broadcast);
    case ip::RouteType::unicast: break;
  }
  route = living(core, ns, route);
  const bool on_link = route->gateway.is_any();
  Resolution r{.next_hop = on_link ? key.dst : route->gateway,
               .source = route->pref_src.is_any() ? IpAddr::any(key.dst.family()) : route->pref_src,
               .mtu = route->mtu,
               .kind = DestinationKind::unicast,
               .gateway = !on_link};
  if (auto ok = finish(core, *core.interfaces[route->ifindex], key, r); !ok) return fail(ok.error());
  return r;
}

Result<Resolution> resolve_link_local(const Core& core, const Netns& ns, const ip::DestinationKey& key) {
  const Interface* out = nullptr;
  if (key.oif != 0) {
    out = core.interfaces[key.oif].get();
  } else {  // without a scope it is clear only where one interface could be meant
    for (const IfIndex i : ns.interfaces) {
      const Interface& x = *core.interfaces[i];
      if (x.is_loopback() || !x.running()) continue;
      if (x.owns(key.dst)) {
        out = &x;
        break;
      }
      if (out != nullptr) return fail(Errc::invalid);
      out = &x;
    }
  }
  if (out != nullptr && out->owns(key.dst)) {
    Resolution r = local_resolution(ns, key.dst);
    if (auto ok = finish(core, *core.interfaces[ns.loopback], key, r); !ok) return fail(ok.error());
    return r;
  }
  return resolve_on(core, ns, key, out, DestinationKind::unicast);
}

Result<Resolution> resolve(const Core& core, const Netns& ns, const ip::DestinationKey& key) {
  if (key.oif != 0 && (key.oif >= core.interfaces.size() || core.interfaces[key.oif]->netns != ns.id)) return fail(Errc::device_not_found);
  //= rfc1122#4.1.3.6 U16
  //= rfc1122#3.2.1.3 I13
  if (!key.src.is_any() && !is_own_address(core, ns, key.src)) return fail(Errc::addr_not_available);
  const bool v4 = key.dst.is_v4();
  const Interface* given = key.oif != 0 ? core.interfaces[key.oif].get() : nullptr;
  if (key.dst.is_multicast()) {
    const Interface* out = given != nullptr ? given : default_interface(core, ns, key.dst);
    return resolve_on(core, ns, key, out, DestinationKind::multicast);
  }
  if (v4 && key.dst.v4().is_broadcast()) {
    const Interface* out = given != nullptr ? given : default_interface(core, ns, key.dst);
    return resolve_on(core, ns, key, out, DestinationKind::broadcast);
  }
  if (key.dst.is_any()) return fail(Errc::net_unreachable);
  if (!v4 && key.dst.v6().is_link_local()) return resolve_link_local(core, ns, key);
  return resolve_routed(core, ns, key);
}

}  // namespace

IpAddr select_source(const Core& core, const Interface& out, const IpAddr& dst, const IpAddr& next_hop) {
  Candidates all;
  const bool v4 = dst.is_v4();
  add_candidates(out, v4, all);
  const IpAddr source = select_from(all, out, dst, next_hop);
  if (!source.is_any()) return source;
  // The interface has no address of its own that would do (unnumbered, or only link-local ones): any of the host's.
  for (const IfIndex i : core.netns[out.netns]->interfaces)
    if (i != out.index && !core.interfaces[i]->is_loopback()) add_candidates(*core.interfaces[i], v4, all);
  return select_from(all, out, dst, next_hop);
}

bool is_own_address(const Core& core, const Netns& ns, const IpAddr& a, IfIndex scope) {
  if (a.is_v6() && a.v6().is_link_local()) {
    for (const IfIndex i : ns.interfaces)
      if ((scope == 0 || scope == i) && core.interfaces[i]->owns(a)) return true;
    return false;
  }
  const ip::Route* r = ns.fib.lookup(a);
  return r != nullptr && r->type == ip::RouteType::local;
}

Result<void> refresh_destination(Core& core, u32 destination) {
  const ip::DestinationKey key = core.destinations[destination].key;
  const Netns& ns = *core.netns[key.netns];
  if (!ns.live) return fail(Errc::net_down);
  const auto r = resolve(core, ns, key);
  if (!r) return fail(r.error());
  core.destinations.resolve(destination, *r, ns.route_generation);
  return {};
}

//= rfc1122#3.3.1.2 I87
Result<u32> find_destination(Core& core, const ip::RouteQuery& query, Instant now) {
  const Netns* ns = core.find_netns(query.netns);
  if (ns == nullptr) return fail(Errc::net_down);
  ip::DestinationKey key{.dst = query.dst, .src = query.src, .netns = query.netns, .oif = query.oif};
  if (key.src.is_any()) key.src = IpAddr::any(key.dst.family());
  if (const u32 id = core.destinations.find(key, now); id != 0 && !core.destinations.needs_refresh(id, ns->route_generation)) return id;
  const auto r = resolve(core, *ns, key);
  if (!r) return fail(r.error());
  u32 id = core.destinations.find(key, now);
  if (id == 0) id = core.destinations.create(key, now);
  core.destinations.resolve(id, *r, ns->route_generation);
  return id;
}

}  // namespace weir::graph
