// The way out for what transports have made: destination entry, neighbour, link header, queue. RFC 1122 3.3.1, RFC 4861 7.2.
#include "base/checksum.hpp"
#include "buf/gso.hpp"
#include "graph/fragment.hpp"
#include "graph/icmp.hpp"
#include "graph/output.hpp"
#include "graph/route.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;
using ip::DestinationKind;

Counters<Ip>& counters_of(Core& core, const Packet& p) {
  Netns& ns = *core.netns[p.netns];
  return p.family == 4 ? ns.ip4 : ns.ip6;
}

// A datagram that routers may cut needs a number of its own (RFC 6864 4.3); atomic ones have none.
inline void identify(Core& core, PacketId id) {
  const Packet& p = core.pool[id];
  std::byte* const ip = core.pool.at(id, p.l3);
  if ((load_raw<u32>(ip + 4) & ~detail::be32_raw(0xa000'ffffu)) == detail::be32_raw(0x4000'0000u)) [[likely]]
    return;
  if (load_be16(ip + 4) != 0 || (load_be16(ip + 6) & 0x5fff) != 0) return;
  const u16 number = core.ident.next4(p.netns, Ip4Addr::load(ip + 12), Ip4Addr::load(ip + 16), p.l4_protocol);
  u16 raw;
  store_be16(&raw, number);
  const u16 sum = csum_update16(load_raw<u16>(ip + 10), 0, raw);
  std::memcpy(ip + 4, &raw, 2);
  std::memcpy(ip + 10, &sum, 2);
}

// A packet to one of the link, whose header comes from the destination entry.
inline void to_link(Core& core, ip::Destination& d, Interface& out, PacketId id) {
  if (!out.has_link_addresses()) return enqueue(core, out, id);
  if (d.kind == DestinationKind::unicast) [[likely]] {
    if (!core.neighbours.valid(d.neighbour, d.neighbour_generation)) [[unlikely]] {
      d.neighbour = core.neighbours.get_or_create(out.index, d.next_hop, core.now);
      d.neighbour_generation = d.neighbour != 0 ? core.neighbours[d.neighbour].generation : 0;
    }
    return send_to_neighbour(core, out, id, d.neighbour);
  }
  //= rfc1122#3.3.6 I133
  send_to_mac(core, out, id, d.kind == DestinationKind::broadcast ? MacAddr::broadcast() : multicast_mac(d.key.dst));
}

// Our own groups and broadcasts come back to us, as if the link had brought them.
void copy_to_self(Core& core, const ip::Destination& d, Interface& out, PacketId id) {
  if (d.kind == DestinationKind::unicast || (d.kind == DestinationKind::multicast && !out.is_member(d.key.dst))) return;
  const PacketId copy = core.pool.clone(id);
  if (copy != PacketId::none) loop_back(core, out, copy);
}

//= rfc1122#3.3.3 I111
[[gnu::noinline]] void oversize(Core& core, u32 destination, Interface& out, PacketId id, u32 mtu) {
  Packet& p = core.pool[id];
  Counters<Ip>& counters = counters_of(core, p);
  counters.add(Ip::frag_reqds);
  const bool v4 = p.family == 4;
  const bool may_cut =
      !buf::is_super(p) && (v4 ? (load_be16(core.pool.at(id, p.l3) + 6) & 0x4000) == 0 : p.l4_protocol != wire::proto::tcp);
  if (!may_cut) {
    report_too_big(core, id, mtu);
    counters.add(Ip::frag_fails);
    return core.drop(id, Drop::ip_too_big);
  }
  fragment(core, id, mtu, [&](PacketId piece) { to_link(core, core.destinations[destination], out, piece); });
}

// Current again after routes or addresses have changed.
[[gnu::noinline]] bool refresh(Core& core, PacketId id, u32 destination) {
  if (refresh_destination(core, destination)) return true;
  counters_of(core, core.pool[id]).add(Ip::out_no_routes);
  report_undeliverable(core, id, Unreachable::net);
  core.drop(id, Drop::ip_no_route);
  return false;
}

inline void send(Core& core, PacketId id) {
  Packet& p = core.pool[id];
  const u32 destination = p.destination;
  ip::Destination& d = core.destinations[destination];
  p.netns = d.key.netns;
  p.if_in = 0;
  Netns& ns = *core.netns[p.netns];
  if (d.route_generation != ns.route_generation && !refresh(core, id, destination)) [[unlikely]]
    return;
  Interface& out = *core.interfaces[d.if_out];
  p.if_out = out.index;
  Counters<Ip>& counters = p.family == 4 ? ns.ip4 : ns.ip6;
  counters.add(Ip::out_requests);
  counters.add(Ip::out_octets, p.length);
  const std::byte* const ip = core.pool.at(id, p.l3);
  //= rfc1122#2.4 L14
  p.priority = static_cast<u8>((p.family == 4 ? load_u8(ip + 1) : load_be16(ip) >> 4) >> 5 & 7);  // the class selector (RFC 2474 4.2.2)
  if (p.family == 4) identify(core, id);
  if (d.kind != DestinationKind::unicast) [[unlikely]] {
    if (d.kind == DestinationKind::local) return loop_back(core, out, id);
    counters.add(d.kind == DestinationKind::broadcast ? Ip::out_bcast : Ip::out_mcast);
    if ((p.flags & PacketFlags::to_self) != 0) copy_to_self(core, d, out, id);
  }
  // A packet that fits the smallest MTU there is needs no look at the path's.
  if (p.length > ip::pmtu_hard_min4) {
    const u32 mtu = core.destinations.mtu(destination, core.now);
    if (buf::segment_ip_length(p) > mtu) [[unlikely]]
      return oversize(core, destination, out, id, mtu);
  }
  to_link(core, d, out, id);
}

}  // namespace

void tx(Core& core) {
  while (!core.out.empty()) {
    std::array<PacketId, batch_size> ids;
    const u32 n = core.out.pop(core.pool, ids);
    for (u32 i = 0; i < n; ++i) send(core, ids[i]);
  }
}

}  // namespace weir::graph
