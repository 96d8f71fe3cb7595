// Through: forwarding of IPv4 (RFC 1812 5.2, 5.3) and IPv6 (RFC 8200 3, RFC 4443). An ordinary packet loses one from its TTL,
// gets new link addresses and is queued; everything else is out of line.
#include "base/checksum.hpp"
#include "buf/gso.hpp"
#include "graph/fragment.hpp"
#include "graph/icmp.hpp"
#include "graph/output.hpp"
#include "ip/address_check.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

void refuse(Core& core, PacketId id, Drop why, Ip counter) {
  const Packet& p = core.pool[id];
  Netns& ns = *core.netns[p.netns];
  (p.family == 4 ? ns.ip4 : ns.ip6).add(counter);
  core.drop(id, why);
}

// A value as it lies in memory. (Loading back what has just been stored by bytes would wait for the stores.)
constexpr u16 raw_be(u16 v) noexcept { return std::endian::native == std::endian::little ? std::byteswap(v) : v; }

// RFC 1812 5.3.1: the packet ends here, and its sender is told.
[[gnu::noinline]] void ttl_exceeded(Core& core, PacketId id) {
  send_time_exceeded(core, id, false);
  refuse(core, id, Drop::ip_ttl_exceeded, Ip::in_hdr_errors);
}

[[gnu::noinline]] void no_route(Core& core, PacketId id, const ip::NextHop* hop) {
  if (hop == nullptr) send_unreachable(core, id, Unreachable::net);
  else if (hop->type == ip::RouteType::unreachable) send_unreachable(core, id, Unreachable::host);
  else if (hop->type == ip::RouteType::prohibit) send_unreachable(core, id, Unreachable::prohibited);
  refuse(core, id, Drop::ip_no_route, Ip::in_no_routes);
}

// The neighbour of a route: kept with the route where it is a gateway, of the destination itself where that is on the link.
u32 find_neighbour(Core& core, ip::NextHop& hop, const IpAddr& dst) {
  const bool on_link = hop.gateway.is_any();
  const u32 neighbour = core.neighbours.get_or_create(hop.ifindex, on_link ? dst : hop.gateway, core.now);
  if (!on_link && neighbour != 0) {
    hop.neighbour = neighbour;
    hop.neighbour_generation = core.neighbours[neighbour].generation;
  }
  return neighbour;
}

inline void to_next_hop(Core& core, ip::NextHop& hop, Interface& out, PacketId id) {
  if (!out.has_link_addresses()) return enqueue(core, out, id);
  u32 neighbour = hop.neighbour;
  if (!core.neighbours.valid(neighbour, hop.neighbour_generation)) [[unlikely]] {
    const std::byte* ip = core.pool.at(id, core.pool[id].l3);
    const bool v4 = core.pool[id].family == 4;
    neighbour = find_neighbour(core, hop, v4 ? IpAddr{Ip4Addr::load(ip + 16)} : IpAddr{Ip6Addr::load(ip + 24)});
  }
  send_to_neighbour(core, out, id, neighbour);
}

// Room for a link header in front and bytes that are ours alone to change.
inline bool prepare(buf::Pool& pool, PacketId id) {
  Packet& p = pool[id];
  if (!pool.make_writable(id)) [[unlikely]]
    return false;
  return p.head >= 14 || pool.front_to_block(id, std::min<u32>(p.length, 60));
}

// Larger than the next link takes: a super-segment whose segments fit goes on, another packet is cut or refused.
[[gnu::noinline]] void oversize(Core& core, ip::NextHop& hop, Interface& out, PacketId id, u32 mtu) {
  Packet& p = core.pool[id];
  if (buf::segment_ip_length(p) <= mtu) return to_next_hop(core, hop, out, id);
  Netns& ns = *core.netns[p.netns];
  const bool v4 = p.family == 4;
  (v4 ? ns.ip4 : ns.ip6).add(Ip::frag_reqds);
  const bool may_cut = v4 && !buf::is_super(p) && (load_be16(core.pool.at(id, p.l3) + 6) & 0x4000) == 0;
  if (!may_cut) {
    send_too_big(core, id, mtu);
    (v4 ? ns.ip4 : ns.ip6).add(Ip::frag_fails);
    return core.drop(id, Drop::ip_too_big);
  }
  fragment(core, id, mtu, [&](PacketId f) { to_next_hop(core, hop, out, f); });
}

// Record Route and Timestamp (RFC 791 3.1): our address goes into them.
[[gnu::noinline]] void note_passage(Core& core, const Interface& out, std::byte* ip, u32 header_len) {
  if (out.own4.empty()) return;
  const MutBytes options{ip + 20, header_len - 20};
  const auto parsed = wire::parse_ip4_options(options);
  if (!parsed) return;
  const u32 midnight_ms = static_cast<u32>(core.now.ms() % 86'400'000);
  if (parsed->record_route) wire::record_route(options.subspan(parsed->record_route.at, parsed->record_route.len), out.own4.front());
  if (parsed->timestamp)
    wire::record_timestamp(options.subspan(parsed->timestamp.at, parsed->timestamp.len), out.own4.front(), midnight_ms);
  store_be16(ip + 10, 0);
  const u16 sum = csum_finish(csum_add({ip, header_len}));
  std::memcpy(ip + 10, &sum, 2);
}

}  // namespace

//= rfc1122#3.1 I04
void forward4(Core& core, Interface& in, PacketId id, u32 hop_id) {
  Packet& p = core.pool[id];
  Netns& ns = *core.netns[in.netns];
  if ((p.flags & (PacketFlags::link_broadcast | PacketFlags::link_multicast)) != 0) [[unlikely]]
    return refuse(core, id, Drop::ip_link_broadcast, Ip::in_addr_errors);  // RFC 1812 5.3.4
  if (hop_id == 0) [[unlikely]]
    return no_route(core, id, nullptr);
  ip::NextHop& hop = ns.fib.next_hop(hop_id);
  if (hop.type != ip::RouteType::unicast) [[unlikely]]
    return no_route(core, id, &hop);
  std::byte* ip = core.pool.at(id, p.l3);
  const Ip4Addr src = Ip4Addr::load(ip + 12), dst = Ip4Addr::load(ip + 16);
  if (const Drop why = ip::check_forwarded4(src, dst); why != Drop::none) [[unlikely]]
    return refuse(core, id, why, Ip::in_addr_errors);
  if (load_u8(ip + 8) <= 1) [[unlikely]]
    return ttl_exceeded(core, id);
  Interface& out = *core.interfaces[hop.ifindex];
  const u32 mtu = hop.mtu != 0 ? hop.mtu : out.config.mtu;
  const bool too_long = p.length > mtu;
  if (too_long && buf::segment_ip_length(p) > mtu && (load_be16(ip + 6) & 0x4000) != 0) [[unlikely]]
    return oversize(core, hop, out, id, mtu);  // refused: what is quoted is what was received
  if (!prepare(core.pool, id)) [[unlikely]]
    return refuse(core, id, Drop::no_buffer, Ip::in_discards);
  ip = core.pool.at(id, p.l3 = p.head);
  // RFC 1624 eqn. 3 for TTL and protocol.
  const u16 before = load_be16(ip + 8), after = static_cast<u16>(before - 0x0100);
  store_be16(ip + 8, after);
  const u16 sum = csum_update16(load_raw<u16>(ip + 10), raw_be(before), raw_be(after));
  std::memcpy(ip + 10, &sum, 2);
  p.flags |= PacketFlags::forwarded;
  ns.ip4.add(Ip::in_forwarded);
  ns.ip4.add(Ip::out_forwarded);
  if (load_u8(ip) != 0x45) [[unlikely]]
    note_passage(core, out, ip, (load_u8(ip) & 0xfu) * 4);
  if (too_long) [[unlikely]]
    return oversize(core, hop, out, id, mtu);
  to_next_hop(core, hop, out, id);
}

namespace {

// RFC 8200 4.3: hop-by-hop options are looked at by each router on the way; what they ask for is done.
[[gnu::noinline]] bool hop_by_hop_allows(Core& core, PacketId id) {
  const Packet& p = core.pool[id];
  if (!core.pool.pull_up(id, std::min<u32>(p.length, 1280))) return core.drop(id, Drop::no_buffer), false;
  const auto view = wire::Ipv6View::parse(core.pool.first_run(id), p.length);
  if (!view) return core.drop(id, view.error()), false;
  const auto chain = wire::walk_extensions(*view, {}, wire::Ip6Walk::router);
  if (chain) return true;
  const wire::Ip6Problem& e = chain.error();
  if (e.report) send_icmp6_error(core, id, wire::Icmp6Fields::parameter_problem(e.code, e.pointer), e.even_to_multicast);
  refuse(core, id, e.drop, Ip::in_hdr_errors);
  return false;
}

}  // namespace

void forward6(Core& core, Interface& in, PacketId id, u32 hop_id) {
  Packet& p = core.pool[id];
  Netns& ns = *core.netns[in.netns];
  if ((p.flags & (PacketFlags::link_broadcast | PacketFlags::link_multicast)) != 0) [[unlikely]]
    return refuse(core, id, Drop::ip_link_broadcast, Ip::in_addr_errors);
  if (hop_id == 0) [[unlikely]]
    return no_route(core, id, nullptr);
  ip::NextHop& hop = ns.fib.next_hop(hop_id);
  if (hop.type != ip::RouteType::unicast) [[unlikely]]
    return no_route(core, id, &hop);
  const std::byte* ip = core.pool.at(id, p.l3);
  const Ip6Addr src = Ip6Addr::load(ip + 8), dst = Ip6Addr::load(ip + 24);
  if (const Drop why = ip::check_forwarded6(src, dst); why != Drop::none) [[unlikely]]
    return refuse(core, id, why, Ip::in_addr_errors);
  if (load_u8(ip + 7) <= 1) [[unlikely]]
    return ttl_exceeded(core, id);
  if (load_u8(ip + 6) == wire::proto::hop_by_hop && !hop_by_hop_allows(core, id)) [[unlikely]]
    return;
  Interface& out = *core.interfaces[hop.ifindex];
  const u32 mtu = hop.mtu != 0 ? hop.mtu : out.config.mtu;
  if (p.length > mtu && buf::segment_ip_length(p) > mtu) [[unlikely]]
    return oversize(core, hop, out, id, mtu);
  if (!prepare(core.pool, id)) [[unlikely]]
    return refuse(core, id, Drop::no_buffer, Ip::in_discards);
  std::byte* const header = core.pool.at(id, p.l3 = p.head);
  store_u8(header + 7, static_cast<u8>(load_u8(header + 7) - 1));
  p.flags |= PacketFlags::forwarded;
  ns.ip6.add(Ip::in_forwarded);
  ns.ip6.add(Ip::out_forwarded);
  to_next_hop(core, hop, out, id);
}

}  // namespace weir::graph
