// The first node of an Ethernet port: RFC 894, RFC 1042, IEEE 802.1Q. Filters by destination MAC address and hands on by
// EtherType.
#include "graph/nodes.hpp"
#include "wire/ethernet.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"
#include "wire/vlan.hpp"

namespace weir::graph {
namespace {

using buf::PacketFlags;
using buf::PacketId;

constexpr usize header_len = wire::EthernetView::header_len;
constexpr u32 room_for_tags = 8;

void tap_all(Core& core, const Interface& in, std::span<const PacketId> packets) {
  for (const PacketId id : packets) core.tap(in.index, false, id, Drop::none);
}

// The common part of both kinds of ports.
inline void arrive(Core& core, Interface& in, buf::Packet& p) noexcept {
  p.if_in = in.index;
  p.netns = in.netns;
  if ((p.flags & PacketFlags::has_time) == 0) p.time = core.now;
  in.stats.rx_bytes += p.length;
}

void count_drop(Core& core, Interface& in, PacketId id, Drop why) {
  ++in.stats.rx_errors;
  core.drop(id, why);
}

constexpr u64 mac_mask = std::endian::native == std::endian::little ? ~u64{0} >> 16 : ~u64{0} << 16;

Drop check_destination(Interface& in, buf::Packet& p, const std::byte* frame) noexcept {
  if ((load_raw<u64>(frame) & mac_mask) == in.mac_word) [[likely]]
    return Drop::none;
  const MacAddr dst = load_raw<MacAddr>(frame);
  if (dst.is_broadcast()) p.flags |= PacketFlags::link_broadcast;
  else if (dst.is_multicast()) p.flags |= PacketFlags::link_multicast;
  else return Drop::eth_not_for_us;
  ++in.stats.multicast;
  return Drop::none;
}

void move_head(buf::Pool& pool, PacketId id, u32 n) noexcept {
  pool.trim_front(id, n);
  pool[id].l3 = pool[id].head;
}

// LLC/SNAP and tags: everything but an EtherType right behind the addresses. Sets the EtherType and the start of what it
// carries; cuts off the padding that an 802.3 length tells of.
Drop parse_slow(buf::Pool& pool, PacketId id, u16& type, u32& start) {
  buf::Packet& p = pool[id];
  if (!pool.pull_up(id, std::min<u32>(p.length, 64))) return Drop::no_buffer;
  const Bytes frame = pool.first_run(id);
  const Bytes all{frame.data(), p.length};  // lengths are checked against the frame, bytes read are in the first run
  auto field = wire::TypeField::parse(all.subspan(12));
  start = 12;
  while (field && wire::is_vlan_type(field->type)) {
    const u32 tag_at = start + field->header_len;
    if (p.length < tag_at + wire::VlanView::tag_len) return Drop::vlan_truncated;
    // A tag with VLAN id 0 carries only a priority (802.1Q 6.9); other ids need an interface of their own.
    if ((load_be16(frame.data() + tag_at) & 0x0fff) != 0 || tag_at != header_len) return Drop::vlan_unknown;
    start = tag_at + 2;
    field = wire::TypeField::parse(all.subspan(start));
  }
  if (!field) return field.error();
  type = field->type;
  start += field->header_len;
  pool.trim_to(id, start + field->payload_len);
  return Drop::none;
}

bool hand_to_handler(Core& core, const Interface& in, PacketId id, u16 type, u32 start) {
  for (const auto& [wanted, handler] : core.ethertypes) {
    if (wanted != type) continue;
    core.pool[id].l3 = static_cast<u16>(core.pool[id].head + start);
    handler.call(handler.self, in.index, id, core.now);
    return true;
  }
  return false;
}

struct Sorted {
  Batch ip4, ip6;
};

void sort_slow(Core& core, Interface& in, PacketId id, Sorted& out) {
  u16 type = 0;
  u32 start = 0;
  if (const Drop why = parse_slow(core.pool, id, type, start); why != Drop::none) return count_drop(core, in, id, why);
  core.pool[id].ethertype = type;
  if (type == wire::ethertype::ipv4 || type == wire::ethertype::ipv6) {
    move_head(core.pool, id, start);
    return (type == wire::ethertype::ipv4 ? out.ip4 : out.ip6).add(id);
  }
  if (type == wire::ethertype::arp) {
    move_head(core.pool, id, start);
    return rx_arp(core, in, id);
  }
  if (!core.ethertypes.empty() && hand_to_handler(core, in, id, type, start)) return;
  core.drop(id, Drop::eth_unknown_type);
}

void sort(Core& core, Interface& in, PacketId id, Sorted& out) {
  buf::Packet& p = core.pool[id];
  arrive(core, in, p);
  if (p.length < header_len) [[unlikely]]
    return count_drop(core, in, id, Drop::eth_truncated);
  if (p.length > in.config.mtu + header_len + room_for_tags && p.gso.segments <= 1) [[unlikely]]
    return count_drop(core, in, id, Drop::eth_giant);
  if (!core.pool.pull_up(id, header_len)) [[unlikely]]
    return core.drop(id, Drop::no_buffer);
  const std::byte* frame = core.pool.at(id, p.head);
  if (const Drop why = check_destination(in, p, frame); why != Drop::none) [[unlikely]]
    return core.drop(id, why);
  if ((p.vlan & 0x0fff) != 0) [[unlikely]]
    return core.drop(id, Drop::vlan_unknown);  // taken off by the driver
  const u16 type = load_raw<u16>(frame + 12);
  constexpr bool little = std::endian::native == std::endian::little;
  constexpr u16 ip4 = little ? std::byteswap(wire::ethertype::ipv4) : wire::ethertype::ipv4;
  constexpr u16 ip6 = little ? std::byteswap(wire::ethertype::ipv6) : wire::ethertype::ipv6;
  if (type != ip4 && type != ip6) [[unlikely]]
    return sort_slow(core, in, id, out);
  move_head(core.pool, id, header_len);
  (type == ip4 ? out.ip4 : out.ip6).add(id);
}

void hand_on(Core& core, Interface& in, Sorted& sorted) {
  if (!sorted.ip4.empty()) rx_ip4(core, in, sorted.ip4.span());
  if (!sorted.ip6.empty()) rx_ip6(core, in, sorted.ip6.span());
}

}  // namespace

//= rfc1122#2.3.3 L07, L08
//= rfc1122#2.4 L13
void rx_ethernet(Core& core, Interface& in, std::span<const PacketId> packets) {
  while (!packets.empty()) {
    const auto batch = packets.first(std::min<usize>(packets.size(), batch_size));
    packets = packets.subspan(batch.size());
    in.stats.rx_packets += batch.size();
    if (!core.taps.empty()) [[unlikely]]
      tap_all(core, in, batch);
    Sorted sorted;
    for_each_ahead(core.pool, batch, [&](PacketId id) { sort(core, in, id, sorted); });
    hand_on(core, in, sorted);
  }
}

void rx_raw_ip(Core& core, Interface& in, std::span<const PacketId> packets) {
  while (!packets.empty()) {
    const auto batch = packets.first(std::min<usize>(packets.size(), batch_size));
    packets = packets.subspan(batch.size());
    in.stats.rx_packets += batch.size();
    if (!core.taps.empty()) [[unlikely]]
      tap_all(core, in, batch);
    Sorted sorted;
    for_each_ahead(core.pool, batch, [&](PacketId id) {
      buf::Packet& p = core.pool[id];
      arrive(core, in, p);
      p.l3 = p.head;
      if (p.length == 0 || !core.pool.pull_up(id, 1)) return count_drop(core, in, id, Drop::ip4_truncated);
      const u8 version = load_u8(core.pool.at(id, p.head)) >> 4;
      (version == 6 ? sorted.ip6 : sorted.ip4).add(id);
    });
    hand_on(core, in, sorted);
  }
}

Drop find_payload(Core& core, PacketId id) {
  buf::Packet& p = core.pool[id];
  const u32 before = static_cast<u32>(p.l4 - p.head);
  if (p.gso.type == buf::GsoType::udp) {
    if (p.l4_protocol != wire::proto::udp || p.length < before + wire::UdpView::header_len) return Drop::udp_truncated;
    p.payload = static_cast<u16>(p.l4 + wire::UdpView::header_len);
  } else {
    if (p.l4_protocol != wire::proto::tcp || p.length < before + wire::TcpView::min_len) return Drop::tcp_truncated;
    if (!core.pool.pull_up(id, before + wire::TcpView::min_len)) return Drop::no_buffer;
    const u32 header = (load_u8(core.pool.at(id, p.l4) + 12) >> 4) * 4u;
    if (header < wire::TcpView::min_len || before + header > p.length) return Drop::tcp_bad_doff;
    p.payload = static_cast<u16>(p.l4 + header);
  }
  const u32 all = static_cast<u32>(p.payload - p.head);
  if (p.gso.size == 0 || p.length <= all) return Drop::tcp_truncated;
  return core.pool.pull_up(id, all) ? Drop::none : Drop::no_buffer;
}

}  // namespace weir::graph
