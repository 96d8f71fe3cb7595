// Fragments in: from packets to ip::Reassembly and back to one packet. RFC 791 3.2, RFC 815, RFC 1122 3.3.2, RFC 8200 4.5.
#include "base/checksum.hpp"
#include "buf/join.hpp"
#include "graph/icmp.hpp"
#include "graph/nodes.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

u32 true_size(Core& core, PacketId id) {
  u32 size = sizeof(Packet) + buf::header_block_size;
  core.pool.for_each_slice(id, [&](buf::Slice& s) { size += core.pool.capacity(s.buffer); });
  return size;
}

// The pieces become the tail of the first one, whose headers stay. `skip` of a piece: its headers, which go.
PacketId join_pieces(Core& core, ip::FragmentChain& chain, u16& headers) {
  PacketId first = PacketId::none;
  bool ok = true;
  core.reassembly.take(chain, [&](PacketId id, u32 offset, u32 length) {
    Packet& p = core.pool[id];
    const u32 header = static_cast<u32>(p.l4 - p.head);
    core.pool.trim_to(id, header + length);
    if (offset == 0) {
      first = id;
      headers = static_cast<u16>(header);
      return;
    }
    core.pool.trim_front(id, header);
    ok = ok && first != PacketId::none && buf::join(core.pool, first, id);
    if (!ok) core.drop(id, Drop::no_buffer);
  });
  if (ok || first == PacketId::none) return first;
  core.drop(first, Drop::no_buffer);
  return PacketId::none;
}

// What the reassembly says of a fragment. Returns the joined packet, none if there is none yet.
PacketId add(Core& core, Netns& ns, Counters<Ip>& counters, const ip::FragmentKey& key, ip::Fragment& f, u16& headers, u8& ecn) {
  counters.add(Ip::reasm_reqds);
  ip::ReassemblyResult r = core.reassembly.add(key, f, core.now);
  (void)ns;
  if (r.what == ip::ReassemblyResult::What::complete) {
    ecn = r.ecn;
    const PacketId whole = join_pieces(core, r.chain, headers);
    counters.add(whole != PacketId::none ? Ip::reasm_oks : Ip::reasm_fails);
    return whole;
  }
  if (!r.chain.empty()) {
    counters.add(Ip::reasm_fails);
    core.reassembly.take(r.chain, [&](PacketId p, u32, u32) { core.drop(p, r.chain_why); });
  }
  if (r.what == ip::ReassemblyResult::What::dropped) core.drop(f.packet, r.why);
  return PacketId::none;
}

}  // namespace

//= rfc1122#3.2.1.4 I16
//= rfc1122#3.3.2 I103, I104, I105, I106
PacketId reassemble4(Core& core, Interface& in, PacketId id) {
  Netns& ns = *core.netns[in.netns];
  Packet& p = core.pool[id];
  const auto ip = wire::Ipv4View::parse(core.pool.first_run(id), p.length);
  if (!ip) {
    core.drop(id, ip.error());
    return PacketId::none;
  }
  const ip::FragmentKey key{.src = ip->src(), .dst = ip->dst(), .id = ip->id(), .netns = ns.id, .interface = 0, .protocol = ip->protocol()};
  ip::Fragment f{.offset = ip->fragment_offset(),
                 .length = static_cast<u32>(ip->payload_len()),
                 .more = ip->more_fragments(),
                 .header_length = static_cast<u16>(ip->header_len()),
                 .protocol = ip->protocol(),
                 .ecn = ip->ecn(),
                 .charge = true_size(core, id),
                 .packet = id};
  u16 headers = 0;
  u8 ecn = 0;
  const PacketId whole = add(core, ns, ns.ip4, key, f, headers, ecn);
  if (whole == PacketId::none) return whole;
  if (!core.pool.make_writable(whole)) {
    core.drop(whole, Drop::no_buffer);
    return PacketId::none;
  }
  Packet& w = core.pool[whole];
  std::byte* const header = core.pool.at(whole, w.l3);
  store_u8(header + 1, static_cast<u8>((load_u8(header + 1) & 0xfc) | ecn));
  store_be16(header + 2, static_cast<u16>(w.length));
  store_be16(header + 6, 0);
  store_be16(header + 10, 0);
  const u16 sum = csum_finish(csum_add({header, headers}));
  std::memcpy(header + 10, &sum, 2);
  w.flags |= PacketFlags::reassembled;
  w.csum = {};
  return whole;
}

PacketId reassemble6(Core& core, Interface& in, PacketId id, u16 fragment_at, u16 named_at) {
  Netns& ns = *core.netns[in.netns];
  Packet& p = core.pool[id];
  const std::byte* ip = core.pool.at(id, p.l3);
  const auto frag = wire::Ip6FragmentFields::load(ip + fragment_at);
  const IpAddr src = Ip6Addr::load(ip + 8), dst = Ip6Addr::load(ip + 24);
  const u16 skip = static_cast<u16>(fragment_at + wire::Ip6FragmentFields::header_len);
  const u32 length = p.length - skip;
  const bool local = src.is_link_local() || dst.is_link_local();
  const u32 unfragmentable = fragment_at - 40u;
  // RFC 8200 4.5: these two are told to the sender.
  if (frag.more && length % 8 != 0) {
    send_icmp6_error(core, id, wire::Icmp6Fields::parameter_problem(wire::icmp6::erroneous_field, 4));
    return core.drop(id, Drop::frag_bad), PacketId::none;
  }
  if (unfragmentable + frag.offset + length > 65'535) {
    send_icmp6_error(core, id, wire::Icmp6Fields::parameter_problem(wire::icmp6::erroneous_field, fragment_at + 2u));
    return core.drop(id, Drop::frag_too_long), PacketId::none;
  }
  p.l4 = static_cast<u16>(p.l3 + skip);
  p.payload = named_at;
  const ip::FragmentKey key{.src = src, .dst = dst, .id = frag.id, .netns = ns.id, .interface = local ? in.index : IfIndex{0}};
  ip::Fragment f{.offset = frag.offset,
                 .length = length,
                 .more = frag.more,
                 .header_length = static_cast<u16>(unfragmentable),
                 .protocol = frag.next_header,
                 .ecn = static_cast<u8>((load_u8(ip + 1) >> 4) & 3),
                 .charge = true_size(core, id),
                 .packet = id};
  u16 headers = 0;
  u8 ecn = 0;
  const PacketId whole = add(core, ns, ns.ip6, key, f, headers, ecn);
  if (whole == PacketId::none) return whole;
  if (!core.pool.make_writable(whole)) return core.drop(whole, Drop::no_buffer), PacketId::none;
  // The fragment header goes; what named it names what it named.
  Packet& w = core.pool[whole];
  std::byte* const start = core.pool.at(whole, w.l3);
  const u32 at = headers - static_cast<u32>(wire::Ip6FragmentFields::header_len);
  const u8 next = load_u8(start + at);
  store_u8(start + w.payload, next);
  std::memmove(start + 8, start, at);
  core.pool.trim_front(whole, 8);
  w.l3 = w.head;
  std::byte* const header = core.pool.at(whole, w.l3);
  store_u8(header + 1, static_cast<u8>((load_u8(header + 1) & 0xcf) | ecn << 4));
  store_be16(header + 4, static_cast<u16>(w.length - 40));
  w.l4_protocol = load_u8(header + 6);
  w.flags |= PacketFlags::reassembled;
  w.csum = {};
  return whole;
}

//= rfc1122#3.3.2 I107, I108
void expire_fragments(Core& core, u32 budget) {
  core.reassembly.expire(core.now, budget, [&](ip::Reassembly::Expired& e) {
    Netns& ns = *core.netns[e.key.netns];
    (e.key.src.is_v4() ? ns.ip4 : ns.ip6).add(Ip::reasm_fails);
    if (e.first != PacketId::none) send_time_exceeded(core, e.first, true);
    core.reassembly.take(e.chain, [&](PacketId id, u32, u32) { core.drop(id, Drop::frag_timeout); });
  });
}

}  // namespace weir::graph
