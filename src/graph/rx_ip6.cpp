// IPv6 in: RFC 8200, RFC 4291 2, RFC 8504 5.3 (limits), RFC 5095. The extension chain is walked once, before delivery.
#include "graph/icmp.hpp"
#include "graph/nodes.hpp"
#include "ip/address_check.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

// What of a packet the walk may see: RFC 7112 wants the chain in the first fragment, the limits make it shorter still.
constexpr u32 chain_room = 1280;

inline Drop check(Core& core, Interface& in, PacketId id) {
  Packet& p = core.pool[id];
  if (!core.pool.pull_up(id, 40)) [[unlikely]]
    return p.length < 40 ? Drop::ip6_truncated : Drop::no_buffer;
  const std::byte* ip = core.pool.at(id, p.head);
  if (load_u8(ip) >> 4 != 6) [[unlikely]]
    return Drop::ip6_bad_version;
  const u32 total = 40u + load_be16(ip + 4);
  if (total > p.length) [[unlikely]]
    return Drop::ip6_bad_payload_length;
  const bool loopback = (p.flags & PacketFlags::from_loopback) != 0;
  const Ip6Addr src = Ip6Addr::load(ip + 8);
  if (const Drop why = ip::check_received6(src, Ip6Addr::load(ip + 24), loopback); why != Drop::none) [[unlikely]]
    return why;
  if (!loopback)
    for (const InterfaceAddress& a : in.addresses)
      if (a.prefix.address.v6() == src && a.usable()) [[unlikely]]
        return Drop::ip6_bad_source;  // it claims to be us
  p.l3 = p.head;
  p.l4 = static_cast<u16>(p.head + 40);
  p.family = 6;
  p.l4_protocol = load_u8(ip + 6);
  if (total < p.length) core.pool.trim_to(id, total);
  return p.gso.segments > 1 ? find_payload(core, id) : Drop::none;
}

void count_bad(Netns& ns, Drop why) {
  switch (why) {
    case Drop::ip6_bad_source:
    case Drop::ip6_bad_destination:
    case Drop::ip6_land: return ns.ip6.add(Ip::in_addr_errors);
    case Drop::ip6_bad_payload_length: return ns.ip6.add(Ip::in_truncated);
    case Drop::no_buffer: return ns.ip6.add(Ip::in_discards);
    default: return ns.ip6.add(Ip::in_hdr_errors);
  }
}

bool is_plain(u8 protocol) noexcept {
  return protocol == wire::proto::tcp || protocol == wire::proto::udp || protocol == wire::proto::icmp6;
}

void problem(Core& core, PacketId id, const wire::Ip6Problem& p) {
  core.netns_of(id).ip6.add(Ip::in_hdr_errors);
  if (p.report) send_icmp6_error(core, id, wire::Icmp6Fields::parameter_problem(p.code, p.pointer), p.even_to_multicast);
  core.drop(id, p.drop);
}

// Where the chain leads. It lies in the first run nearly always; what does not is copied together, and walked again.
Result<wire::Ip6Chain, wire::Ip6Problem> walk(Core& core, PacketId id) {
  const u32 wanted = std::min(core.pool[id].length, chain_room);
  for (;;) {
    const Bytes run = core.pool.first_run(id);
    const auto view = wire::Ipv6View::parse(run, core.pool[id].length);
    if (!view) return std::unexpected(wire::Ip6Problem{.drop = view.error()});
    auto chain = wire::walk_extensions(*view);
    if (chain || run.size() >= wanted) return chain;
    if (!core.pool.pull_up(id, wanted)) return std::unexpected(wire::Ip6Problem{.drop = Drop::no_buffer});
  }
}

// Walks the chain of a packet for us; reassembled ones come back here for what the fragment header hid.
[[gnu::noinline]] void to_ourselves_extended(Core& core, Interface& in, PacketId id, Batch& tcp) {
  for (u32 rounds = 0; rounds < 2; ++rounds) {
    const auto chain = walk(core, id);
    Packet& p = core.pool[id];
    if (!chain) return problem(core, id, chain.error());
    if (!chain->needs_reassembly()) {
      p.l4 = static_cast<u16>(p.l3 + chain->offset);
      p.l4_protocol = chain->protocol;
      if (chain->protocol == wire::proto::none) return core.pool.release(id);  // RFC 8200 4.7
      core.netns_of(id).ip6.add(Ip::in_delivers);
      return deliver(core, in, id, tcp);
    }
    id = reassemble6(core, in, id, chain->fragment_at, chain->fragment_named_at);
    if (id == PacketId::none) return;
  }
  core.drop(id, Drop::ip6_bad_extension);  // fragments of fragments
}

void to_ourselves(Core& core, Interface& in, PacketId id, Batch& tcp) {
  if (!is_plain(core.pool[id].l4_protocol)) [[unlikely]]
    return to_ourselves_extended(core, in, id, tcp);
  core.netns[in.netns]->ip6.add(Ip::in_delivers);
  deliver(core, in, id, tcp);
}

void handle_group(Core& core, Interface& in, PacketId id, const Ip6Addr& dst, Batch& tcp) {
  core.netns[in.netns]->ip6.add(Ip::in_mcast);
  if (!in.is_member(dst)) return core.drop(id, Drop::ip_not_for_us);
  core.pool[id].flags |= PacketFlags::to_group;
  to_ourselves(core, in, id, tcp);
}

void handle_local(Core& core, Interface& in, PacketId id, const Ip6Addr& src, const Ip6Addr& dst, IfIndex owner, Batch& tcp) {
  Netns& ns = *core.netns[in.netns];
  const u8 flags = core.pool[id].flags;
  if ((flags & PacketFlags::from_loopback) == 0) [[likely]] {
    if ((flags & (PacketFlags::link_broadcast | PacketFlags::link_multicast)) != 0) return core.drop(id, Drop::ip_link_broadcast);
    if (owner != in.index && !ns.sysctl.ip6_forward && ns.sysctl.strong_end_system && !in.owns(dst)) {
      ns.ip6.add(Ip::in_addr_errors);
      return core.drop(id, Drop::ip_wrong_interface);
    }
    const u32 back = ns.fib.lookup6(src);
    if (back != 0 && ns.fib.next_hop(back).type == ip::RouteType::local) {
      ns.ip6.add(Ip::in_addr_errors);
      return core.drop(id, Drop::ip6_bad_source);
    }
  }
  to_ourselves(core, in, id, tcp);
}

void handle(Core& core, Interface& in, PacketId id, u32 hop, Batch& tcp) {
  Netns& ns = *core.netns[in.netns];
  const std::byte* ip = core.pool.at(id, core.pool[id].l3);
  const Ip6Addr src = Ip6Addr::load(ip + 8), dst = Ip6Addr::load(ip + 24);
  if (dst.is_multicast()) [[unlikely]]
    return handle_group(core, in, id, dst, tcp);
  if (dst.is_link_local()) [[unlikely]] {  // not in the FIB: it means something on its link only
    const bool loopback = (core.pool[id].flags & PacketFlags::from_loopback) != 0;
    if (in.owns(dst) || loopback) return handle_local(core, in, id, src, dst, in.index, tcp);
    return core.drop(id, Drop::ip_not_for_us);
  }
  if (hop != 0) [[likely]] {
    const ip::NextHop& next = ns.fib.next_hop(hop);
    if (next.type == ip::RouteType::local) return handle_local(core, in, id, src, dst, next.ifindex, tcp);
  }
  if (!ns.sysctl.ip6_forward) {
    ns.ip6.add(Ip::in_addr_errors);
    return core.drop(id, Drop::ip_not_for_us);
  }
  forward6(core, in, id, hop);
}

}  // namespace

void rx_ip6(Core& core, Interface& in, std::span<const PacketId> packets) {
  Netns& ns = *core.netns[in.netns];
  Batch good;
  std::array<Ip6Addr, batch_size> dst;
  u64 bytes = 0;
  for (const PacketId id : packets) {
    bytes += core.pool[id].length;
    if (const Drop why = check(core, in, id); why != Drop::none) [[unlikely]] {
      count_bad(ns, why);
      core.drop(id, why);
      continue;
    }
    dst[good.n] = Ip6Addr::load(core.pool.at(id, core.pool[id].l3) + 24);
    good.add(id);
  }
  ns.ip6.add(Ip::in_receives, packets.size());
  ns.ip6.add(Ip::in_octets, bytes);
  std::array<u32, batch_size> hops;
  ns.fib.lookup6_batch({dst.data(), good.n}, {hops.data(), good.n});
  Batch tcp;
  for (u32 i = 0; i < good.n; ++i) handle(core, in, good.id[i], hops[i], tcp);
  deliver_tcp(core, tcp);
}

}  // namespace weir::graph
