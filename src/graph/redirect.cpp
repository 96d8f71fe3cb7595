// graph/redirect.hpp
#include "graph/redirect.hpp"

#include "graph/output.hpp"
#include "graph/route.hpp"
#include "wire/quoted.hpp"

namespace weir::graph {
namespace {

// What was learnt from redirects is a host route; a namespace keeps so many, whatever it is told.
constexpr u32 max_learnt = 256;
constexpr u32 learnt_metric = 1;

//= rfc1122#3.2.2.2 I44, I45, I46
//= rfc1122#3.3.1.2 I88
// A host and a net redirect mean the same: this destination, by that gateway (RFC 1122 3.2.2.2).
Drop learn(Core& core, Interface& in, const IpAddr& from, const IpAddr& dst, const IpAddr& gateway) {
  Netns& ns = *core.netns[in.netns];
  const ip::Route* now = ns.fib.lookup(dst);
  // Only from the gateway that is used for it now, to one on the same link, that is not ourselves.
  const bool from_current = now != nullptr && now->type == ip::RouteType::unicast && now->gateway == from && now->ifindex == in.index;
  const bool on_link =
      std::ranges::any_of(in.addresses, [&](const InterfaceAddress& a) { return a.usable() && a.prefix.contains(gateway); });
  if (!from_current || (!on_link && !gateway.is_link_local()) || is_own_address(core, ns, gateway, in.index) || gateway == from)
    return Drop::icmp_bad_redirect;
  const Prefix host{dst, static_cast<u8>(dst.bits())};
  const bool known = ns.fib.find(host, learnt_metric) != nullptr;
  if (!known && ns.redirects >= max_learnt) return Drop::icmp_bad_redirect;
  const IpAddr via = gateway == dst ? IpAddr{} : gateway;
  if (!ns.fib.replace({.dst = host, .gateway = via, .metric = learnt_metric, .ifindex = in.index})) return Drop::icmp_bad_redirect;
  if (!known) ++ns.redirects;
  ++ns.route_generation;
  return Drop::none;
}

}  // namespace

Drop hear_redirect4(Core& core, Interface& in, Ip4Addr from, const wire::Icmp4View& m) {
  Netns& ns = *core.netns[in.netns];
  ns.icmp4.add(Icmp::in_redirects);
  if (!ns.sysctl.accept_redirects || ns.sysctl.ip_forward) return Drop::icmp_ignored;
  const auto q = wire::parse_quoted4(m.quote());
  if (!q || !is_own_address(core, ns, q->src)) return Drop::icmp_bad_embedded;
  const Ip4Addr gateway = m.gateway();
  if (m.code() > 3 || gateway.is_multicast() || gateway.is_broadcast() || gateway.is_this_network()) return Drop::icmp_bad_redirect;
  return learn(core, in, from, q->dst, gateway);
}

// RFC 4861 8.1, 8.3; the message's own form has been checked by the parser.
Drop hear_redirect6(Core& core, Interface& in, const Ip6Addr& from, const wire::NdRedirect& r) {
  Netns& ns = *core.netns[in.netns];
  ns.icmp6.add(Icmp::in_redirects);
  if (!ns.sysctl.accept_redirects || ns.sysctl.ip6_forward) return Drop::icmp_ignored;
  if (!from.is_link_local() || r.destination.is_multicast()) return Drop::icmp_bad_redirect;
  if (r.target != r.destination && !r.target.is_link_local()) return Drop::icmp_bad_redirect;
  if (const Drop why = learn(core, in, from, r.destination, r.target); why != Drop::none) return why;
  if (const auto mac = r.options.link_address(wire::nd_option::target_link))
    send_pending(core, core.neighbours.on_solicitation(in.index, r.target, *mac, core.now));
  return Drop::none;
}

}  // namespace weir::graph
