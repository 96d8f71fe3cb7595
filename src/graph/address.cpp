// graph/address.hpp
#include "graph/address.hpp"

#include "graph/arp.hpp"
#include "graph/groups.hpp"
#include "graph/nd.hpp"

namespace weir::graph {
namespace {

using State = InterfaceAddress::State;

// Static addresses are checked for about a second and a half, not for the nine of RFC 5227 1.1: its times are for radio and
// spanning tree, and nothing else on the machine waits that long either.
constexpr link::ArpProbeConfig probe_config{.probe_wait = Duration::millis(200),
                                            .probe_min = Duration::millis(200),
                                            .probe_max = Duration::millis(400),
                                            .announce_wait = Duration::millis(400)};
constexpr link::ArpProbeConfig trusted_config{.probe_num = 0, .announce_num = 1};
constexpr u32 second_choice = 1024;  // metric of a prefix that another interface has too

void add_route(Netns& ns, ip::Route r) {
  if (ns.fib.add(r)) return;
  if (const ip::Route* there = ns.fib.find(r.dst, r.metric); there != nullptr && there->ifindex == r.ifindex) return;
  r.metric = second_choice + r.ifindex;
  (void)ns.fib.add(r);
}

void remove_route(Netns& ns, const Prefix& dst, IfIndex i) {
  for (const u32 metric : {0u, second_choice + i}) {
    const ip::Route* r = ns.fib.find(dst, metric);
    if (r == nullptr || r->ifindex != i) continue;
    (void)ns.fib.remove(dst, metric);
    return;
  }
}

bool is_link_local6(const IpAddr& a) { return a.is_v6() && a.v6().is_link_local(); }

//= rfc1122#3.2.1.3 I12
//= rfc1122#3.2.2.9 I74
//= rfc1122#3.3.1.1 I85, I86
// What the FIB says because of an address: f(Route), the connected prefix last.
template <class F>
void for_routes(const Interface& i, const Prefix& p, F&& f) {
  const u8 bits = static_cast<u8>(p.address.bits());
  if (is_link_local6(p.address)) return;  // the same on each interface: looked up by interface
  const Prefix self{p.address, bits};
  const Prefix net = p.masked();
  if (i.is_loopback()) {
    f(ip::Route{.dst = p.address.is_v4() ? net : self, .ifindex = i.index, .type = ip::RouteType::local});
    return;
  }
  f(ip::Route{.dst = self, .ifindex = i.index, .type = ip::RouteType::local});
  //= rfc1122#3.3.6 I129, I132
  if (p.address.is_v4() && p.length < 31) {
    f(ip::Route{.dst = {p.broadcast4(), 32}, .ifindex = i.index, .type = ip::RouteType::broadcast});
    f(ip::Route{.dst = {net.address, 32}, .ifindex = i.index, .type = ip::RouteType::broadcast});
  }
  if (p.length < bits) f(ip::Route{.dst = net, .ifindex = i.index});
}

void list_own4(Interface& i) {
  i.own4.clear();
  for (const InterfaceAddress& a : i.addresses)
    if (a.prefix.address.is_v4() && a.usable()) i.own4.push_back(a.prefix.address.v4());
}

InterfaceAddress* find(Interface& i, const IpAddr& a) { return const_cast<InterfaceAddress*>(std::as_const(i).find(a)); }

// From now on it is ours.
void assign(Core& core, Interface& i, const IpAddr& address) {
  InterfaceAddress* a = find(i, address);
  if (a == nullptr) return;
  a->state = State::preferred;
  Netns& ns = *core.netns[i.netns];
  for_routes(i, a->prefix, [&](const ip::Route& r) { add_route(ns, r); });
  list_own4(i);
  ++ns.route_generation;
}

void withdraw(Core& core, Interface& i, const Prefix& prefix) {
  Netns& ns = *core.netns[i.netns];
  for_routes(i, prefix, [&](const ip::Route& r) {
    // Another address of the same subnet still needs what the two have in common.
    const bool shared = r.type != ip::RouteType::local && std::ranges::any_of(i.addresses, [&](const InterfaceAddress& x) {
                          return x.usable() && x.prefix.address != prefix.address && x.prefix.masked() == prefix.masked();
                        });
    if (!shared) remove_route(ns, r.dst, r.ifindex);
  });
  list_own4(i);
  ++ns.route_generation;
}

void mark_duplicate(Core& core, Interface& i, const IpAddr& address) {
  InterfaceAddress* a = find(i, address);
  if (a == nullptr) return;
  const bool was_ours = a->usable();
  a->state = State::duplicate;
  ++i.conflicts;
  if (was_ours) withdraw(core, i, a->prefix);
}

void forget_probe(Interface& i, const IpAddr& address) {
  std::erase_if(i.probes, [&](const AddressProbe& p) { return p.address == address; });
}

// Begins detection or, without it, goes on as if nobody else had the address.
void start_probe(Core& core, Interface& i, const IpAddr& address, bool probe) {
  if (address.is_v4()) {
    AddressProbe p{address, link::ArpProbe(probe ? probe_config : trusted_config), ip::Dad{}};
    p.arp.start(core.now, core.rng, i.conflicts);
    if (!probe) (void)p.arp.on_deadline(core.now, core.rng);  // bound: it only defends
    i.probes.push_back(p);
  } else if (probe) {
    AddressProbe p{address, link::ArpProbe{}, ip::Dad{}};
    p.dad.start(core.now, core.rng, true);
    i.probes.push_back(p);
  }
  if (!i.probes.empty()) core.chores_at = std::min(core.chores_at, i.probes.back().deadline());
}

bool is_valid(const Prefix& p) {
  if (p.length > p.address.bits() || p.address.is_any() || p.address.is_multicast()) return false;
  return !p.address.is_v4() || (!p.address.v4().is_broadcast() && !p.address.v4().is_reserved() && !p.address.v4().is_this_network());
}

}  // namespace

Result<void> add_address(Core& core, Interface& i, const Prefix& prefix, bool probe) {
  if (!is_valid(prefix)) return fail(Errc::invalid);
  if (i.find(prefix.address) != nullptr) return fail(Errc::exists);
  const bool secondary = prefix.address.is_v4() && std::ranges::any_of(i.addresses, [&](const InterfaceAddress& x) {
                           return x.prefix.length == prefix.length && x.prefix.masked() == prefix.masked();
                         });
  const bool checked = probe && i.has_link_addresses();
  i.addresses.push_back({.prefix = prefix, .state = State::tentative, .permanent = true, .secondary = secondary});
  if (prefix.address.is_v6() && i.has_link_addresses()) join_group(core, i, prefix.address.v6().solicited_node());
  if (i.has_link_addresses()) start_probe(core, i, prefix.address, checked);
  if (!checked) assign(core, i, prefix.address);
  return {};
}

Result<void> remove_address(Core& core, Interface& i, const IpAddr& address) {
  const InterfaceAddress* a = i.find(address);
  if (a == nullptr) return fail(Errc::addr_not_available);
  const Prefix prefix = a->prefix;
  const bool was_ours = a->usable();
  std::erase_if(i.addresses, [&](const InterfaceAddress& x) { return x.prefix.address == address; });
  forget_probe(i, address);
  if (address.is_v6() && i.has_link_addresses()) leave_group(core, i, address.v6().solicited_node());
  if (was_ours) withdraw(core, i, prefix);
  return {};
}

Ip6Addr link_local_of(const MacAddr& mac) noexcept {
  const auto& m = mac.b;
  return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<u8>(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

AddressProbe* find_probe(Interface& i, const IpAddr& address) noexcept {
  const auto it = std::ranges::find(i.probes, address, &AddressProbe::address);
  return it == i.probes.end() ? nullptr : &*it;
}

void act(Core& core, Interface& i, const IpAddr& address, ip::Dad::Act what) {
  switch (what) {
    case ip::Dad::Act::nothing: return;
    case ip::Dad::Act::solicit:
      if (const AddressProbe* p = find_probe(i, address)) send_dad_solicitation(core, i, address.v6(), p->dad.nonce());
      return;
    case ip::Dad::Act::assign: forget_probe(i, address); return assign(core, i, address);
    case ip::Dad::Act::duplicate: forget_probe(i, address); return mark_duplicate(core, i, address);
  }
}

void act(Core& core, Interface& i, const IpAddr& address, link::ArpProbe::Act what) {
  using Act = link::ArpProbe::Act;
  switch (what) {
    case Act::nothing: return;
    case Act::send_probe: return send_arp_probe(core, i, address.v4());
    case Act::send_announce:
      if (!i.owns(address)) assign(core, i, address);
      return send_arp_announcement(core, i, address.v4());
    case Act::defend: return send_arp_announcement(core, i, address.v4());
    case Act::conflict:
    case Act::give_up: return mark_duplicate(core, i, address);
  }
}

void hear_arp(Core& core, Interface& in, const wire::ArpFields& arp) {
  for (AddressProbe& p : in.probes) {
    if (!p.address.is_v4()) continue;
    act(core, in, p.address, p.arp.on_arp(p.address.v4(), arp.sender_ip, arp.target_ip, core.now));
  }
}

void advance_probes(Core& core, Interface& i) {
  for (usize k = 0; k < i.probes.size();) {
    AddressProbe& p = i.probes[k];
    const bool due = p.deadline() <= core.now;
    if (!due || !i.running()) {  // without a link nobody could hear: the question waits
      core.chores_at = std::min(core.chores_at, due ? core.now + Duration::millis(500) : p.deadline());
      ++k;
      continue;
    }
    const IpAddr address = p.address;  // the probe may be gone after its last act
    if (address.is_v4()) act(core, i, address, p.arp.on_deadline(core.now, core.rng));
    else act(core, i, address, p.dad.on_deadline(core.now, core.rng));
  }
}

}  // namespace weir::graph
