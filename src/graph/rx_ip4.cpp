// IPv4 in: RFC 791, RFC 1122 3.2.1, RFC 1812 4.2.2 and 5.3.7, RFC 7126. Checks each header, asks the FIB for the whole
// batch, and sends each packet to ourselves or through.
#include "base/checksum.hpp"
#include "graph/icmp.hpp"
#include "graph/nodes.hpp"
#include "ip/address_check.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

// First octets of addresses that need a closer look: 0, 127, 224 and above.
constexpr std::array<u8, 256> special_octet = [] {
  std::array<u8, 256> t{};
  t[0] = t[127] = 1;
  for (usize i = 224; i < 256; ++i) t[i] = 1;
  return t;
}();

struct Header4 {
  Ip4Addr src, dst;
  bool special = false;  // multicast or broadcast destination
};

// Everything but the plain header of 20 bytes at the front of a good packet.
[[gnu::noinline]] Drop check_options(Core& core, Interface& in, PacketId id, u32 header_len) {
  const Bytes options{core.pool.at(id, core.pool[id].head) + 20, header_len - 20};
  const auto parsed = wire::parse_ip4_options(options);
  if (!parsed) {
    //= rfc1122#3.2.2.5 I51
    send_icmp4_error(core, id, wire::Icmp4Fields::parameter_problem(parsed.error().pointer));
    return parsed.error().drop;
  }
  //= rfc1122#3.3.5 I124, I125
  const bool accepted = core.netns[in.netns]->sysctl.accept_source_route;
  return parsed->source_route && !accepted ? Drop::ip4_source_route : Drop::none;  // RFC 7126 4.3, 4.4
}

[[gnu::noinline]] Drop check_special(const Packet& p, Header4& h) {
  const bool loopback = (p.flags & PacketFlags::from_loopback) != 0;
  if (const Drop why = ip::check_received4(h.src, h.dst, loopback); why != Drop::none) return why;
  h.special = h.dst.is_multicast() || h.dst.is_broadcast() || h.dst.is_any();
  return Drop::none;
}

//= rfc1122#3.2.1.1 I10
//= rfc1122#3.2.1.2 I11
//= rfc1122#3.2.1.3 I14, I15, I128
inline Drop check(Core& core, Interface& in, PacketId id, Header4& h) {
  Packet& p = core.pool[id];
  if (!core.pool.pull_up(id, 20)) [[unlikely]]
    return p.length < 20 ? Drop::ip4_truncated : Drop::no_buffer;
  const std::byte* ip = core.pool.at(id, p.head);
  const u32 word = load_be32(ip);
  u32 header_len = 20;
  if (word >> 24 != 0x45) [[unlikely]] {
    if (word >> 28 != 4) return Drop::ip4_bad_version;
    header_len = ((word >> 24) & 0xf) * 4;
    if (header_len < 20 || header_len > p.length) return Drop::ip4_bad_header_length;
    if (!core.pool.pull_up(id, header_len)) return Drop::no_buffer;
    ip = core.pool.at(id, p.head);
  }
  const u32 total = word & 0xffff;
  if (total < header_len || total > p.length) [[unlikely]]
    return Drop::ip4_bad_total_length;
  if (csum_fold(csum_add({ip, header_len})) != 0xffff) [[unlikely]]
    return Drop::ip4_bad_checksum;
  h.src = Ip4Addr::load(ip + 12);
  h.dst = Ip4Addr::load(ip + 16);
  p.l3 = p.head;
  p.l4 = static_cast<u16>(p.head + header_len);
  p.family = 4;
  p.l4_protocol = load_u8(ip + 9);
  if ((special_octet[h.src.host >> 24] | special_octet[h.dst.host >> 24]) != 0 || h.src == h.dst) [[unlikely]]
    if (const Drop why = check_special(p, h); why != Drop::none) return why;
  if ((p.flags & PacketFlags::from_loopback) == 0)
    for (const Ip4Addr own : in.own4)
      if (own == h.src) [[unlikely]]
        return Drop::ip4_bad_source;  // RFC 1812 5.3.8: it claims to be us
  if (total < p.length) core.pool.trim_to(id, total);  // link padding
  if (header_len != 20) [[unlikely]]
    if (const Drop why = check_options(core, in, id, header_len); why != Drop::none) return why;
  return p.gso.segments > 1 ? find_payload(core, id) : Drop::none;
}

void count_bad(Netns& ns, Drop why) {
  switch (why) {
    case Drop::ip4_bad_source:
    case Drop::ip4_bad_destination:
    case Drop::ip4_land: return ns.ip4.add(Ip::in_addr_errors);
    case Drop::ip4_bad_total_length: return ns.ip4.add(Ip::in_truncated);
    case Drop::no_buffer: return ns.ip4.add(Ip::in_discards);
    default: return ns.ip4.add(Ip::in_hdr_errors);
  }
}

bool is_fragment(Core& core, PacketId id) noexcept { return (load_be16(core.pool.at(id, core.pool[id].l3) + 6) & 0x3fff) != 0; }

//= rfc1122#3.2.1.7 I22
void to_ourselves(Core& core, Interface& in, PacketId id, Batch& tcp) {
  if (is_fragment(core, id)) {
    id = reassemble4(core, in, id);
    if (id == PacketId::none) return;
  }
  core.netns[in.netns]->ip4.add(Ip::in_delivers);
  deliver(core, in, id, tcp);
}

void to_group(Core& core, Interface& in, PacketId id, Ip4Addr dst, Batch& tcp) {
  core.pool[id].flags |= PacketFlags::to_group;
  core.netns[in.netns]->ip4.add(dst.is_multicast() ? Ip::in_mcast : Ip::in_bcast);
  to_ourselves(core, in, id, tcp);
}

// Multicast and limited broadcast: whatever the FIB has to say, it is for this link.
void handle_special(Core& core, Interface& in, PacketId id, Ip4Addr dst, Batch& tcp) {
  if (dst.is_multicast() && !in.is_member(dst)) return core.drop(id, Drop::ip_not_for_us);
  to_group(core, in, id, dst, tcp);
}

// Our own address, and not forged: a source that is ours, or a broadcast address, did not come from a host (RFC 1122
// 3.2.1.3). Packets to an address of another interface are refused by a host (3.3.4.2), not by a router.
void handle_local(Core& core, Interface& in, PacketId id, const Header4& h, const ip::NextHop& hop, Batch& tcp) {
  Netns& ns = *core.netns[in.netns];
  const u8 flags = core.pool[id].flags;
  if ((flags & PacketFlags::from_loopback) == 0) [[likely]] {
    //= rfc1122#3.3.6 I134
    if ((flags & (PacketFlags::link_broadcast | PacketFlags::link_multicast)) != 0) return core.drop(id, Drop::ip_link_broadcast);
    //= rfc1122#3.3.4.2 I116
    if (hop.ifindex != in.index && !ns.sysctl.ip_forward && ns.sysctl.strong_end_system && !in.owns(h.dst)) {
      ns.ip4.add(Ip::in_addr_errors);
      return core.drop(id, Drop::ip_wrong_interface);
    }
    const u32 back = ns.fib.lookup4(h.src);
    if (back != 0) {
      const ip::RouteType type = ns.fib.next_hop(back).type;
      if (type == ip::RouteType::local || type == ip::RouteType::broadcast) {
        ns.ip4.add(Ip::in_addr_errors);
        return core.drop(id, Drop::ip4_bad_source);
      }
    }
  }
  to_ourselves(core, in, id, tcp);
}

void handle_routed(Core& core, Interface& in, PacketId id, const Header4& h, u32 hop, Batch& tcp) {
  Netns& ns = *core.netns[in.netns];
  if (hop != 0) [[likely]] {
    const ip::NextHop& next = ns.fib.next_hop(hop);
    if (next.type == ip::RouteType::local) return handle_local(core, in, id, h, next, tcp);
    if (next.type == ip::RouteType::broadcast) {
      if (next.ifindex == in.index || (core.pool[id].flags & PacketFlags::from_loopback) != 0) return to_group(core, in, id, h.dst, tcp);
      return core.drop(id, Drop::ip_directed_broadcast);  // RFC 2644
    }
  }
  //= rfc1122#3.1 I05, I06, I07
  if (!ns.sysctl.ip_forward) {
    ns.ip4.add(Ip::in_addr_errors);
    return core.drop(id, Drop::ip_not_for_us);
  }
  forward4(core, in, id, hop);
}

// Good packets of a batch. Only the first packets.n headers are there: clearing all of them would cost as much as a packet.
struct Checked {
  Batch packets;
  [[nodiscard]] Header4& header(u32 i) noexcept { return reinterpret_cast<Header4*>(raw)[i]; }
  alignas(Header4) std::byte raw[batch_size * sizeof(Header4)];
  std::array<Ip4Addr, batch_size> dst;
};

}  // namespace

void rx_ip4(Core& core, Interface& in, std::span<const PacketId> packets) {
  Netns& ns = *core.netns[in.netns];
  Checked good;
  u64 bytes = 0;
  for (const PacketId id : packets) {
    bytes += core.pool[id].length;
    Header4& h = *std::construct_at(&good.header(good.packets.n));
    if (const Drop why = check(core, in, id, h); why != Drop::none) [[unlikely]] {
      count_bad(ns, why);
      core.drop(id, why);
      continue;
    }
    good.dst[good.packets.n] = h.dst;
    good.packets.add(id);
  }
  ns.ip4.add(Ip::in_receives, packets.size());
  ns.ip4.add(Ip::in_octets, bytes);
  const u32 n = good.packets.n;
  std::array<u32, batch_size> hops;
  ns.fib.lookup4_batch({good.dst.data(), n}, {hops.data(), n});
  Batch tcp;
  for (u32 i = 0; i < n; ++i) {
    const PacketId id = good.packets.id[i];
    if (good.header(i).special) [[unlikely]]
      handle_special(core, in, id, good.header(i).dst, tcp);
    else handle_routed(core, in, id, good.header(i), hops[i], tcp);
  }
  deliver_tcp(core, tcp);
}

}  // namespace weir::graph
