// posix/options.hpp: membership of multicast groups.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "posix/options.hpp"

namespace weir::posix {
namespace {

struct Membership {
  IpAddr group;
  IfIndex interface = 0;
};

// The interface that has the address, or the one by which the group is reached, or the first that is not the loopback.
IfIndex interface_for(Shard& shard, NetnsId netns, const IpAddr& own, const IpAddr& group, Instant now) {
  graph::Core& core = shard.core();
  const graph::Netns* ns = core.find_netns(netns);
  if (ns == nullptr) return 0;
  if (!own.is_any()) {
    const auto i = std::ranges::find_if(ns->interfaces, [&](IfIndex x) { return core.interface(x).owns(own); });
    return i != ns->interfaces.end() ? *i : IfIndex{0};
  }
  const auto d = core.transport.route(core.transport.cx, {.netns = netns, .dst = group, .src = IpAddr::any(group.family()), .oif = 0}, now);
  if (d && core.destinations[*d].if_out != 0) return core.destinations[*d].if_out;
  const auto i = std::ranges::find_if(ns->interfaces, [&](IfIndex x) { return !core.interface(x).is_loopback(); });
  return i != ns->interfaces.end() ? *i : IfIndex{0};
}

Result<Membership, int> read_membership(const OptionCall& c) {
  Membership m;
  IpAddr own;
  if (c.entry.level == IPPROTO_IPV6) {
    ipv6_mreq request{};
    if (!c.read(request)) return std::unexpected(EINVAL);
    m.group = Ip6Addr::load(&request.ipv6mr_multiaddr);
    m.interface = static_cast<IfIndex>(request.ipv6mr_interface);
  } else {
    ip_mreqn request{};
    ip_mreq old{};
    if (!c.read(request)) {
      if (!c.read(old)) return std::unexpected(EINVAL);
      request.imr_multiaddr = old.imr_multiaddr;
      request.imr_address = old.imr_interface;
    }
    m.group = Ip4Addr{ntohl(request.imr_multiaddr.s_addr)};
    m.interface = static_cast<IfIndex>(request.imr_ifindex);
    if (request.imr_address.s_addr != 0) own = Ip4Addr{ntohl(request.imr_address.s_addr)};
  }
  if (!m.group.is_multicast()) return std::unexpected(EINVAL);
  if (m.interface == 0) m.interface = interface_for(c.shard, c.file.netns, own, m.group, c.now);
  if (m.interface == 0 || c.shard.core().find_interface(m.interface) == nullptr) return std::unexpected(ENODEV);
  return m;
}

}  // namespace

int join_group(OptionCall& c) {
  const auto m = read_membership(c);
  if (!m) return m.error();
  const std::pair entry{m->interface, m->group};
  if (std::ranges::find(c.file.memberships, entry) != c.file.memberships.end()) return EADDRINUSE;
  const auto r = c.shard.join_group(m->interface, m->group, c.now);
  if (!r) return to_errno(r.error());
  c.file.memberships.push_back(entry);
  return 0;
}

int leave_group(OptionCall& c) {
  const auto m = read_membership(c);
  if (!m) return m.error();
  const auto entry = std::ranges::find(c.file.memberships, std::pair{m->interface, m->group});
  if (entry == c.file.memberships.end()) return EADDRNOTAVAIL;
  c.file.memberships.erase(entry);
  const auto r = c.shard.leave_group(m->interface, m->group, c.now);
  return r ? 0 : to_errno(r.error());
}

}  // namespace weir::posix
