// The last steps out: link-layer header, the interface's queue, the way across a veth or back from the loopback.
#pragma once

#include "graph/nodes.hpp"
#include "wire/protocol.hpp"

namespace weir::graph {

// What the ordinary case below leaves over.
void enqueue_slow(Core& core, Interface& out, buf::PacketId frame);
void send_to_neighbour_slow(Core& core, Interface& out, buf::PacketId id, u32 neighbour);

//= rfc1122#2.3.3 L10, L11
// Puts an Ethernet II header in front: the other encapsulation is never sent. There is room for it in the header block, and in
// front of received frames.
inline void push_ethernet(buf::Pool& pool, buf::PacketId id, const MacAddr& dst, const MacAddr& src, u16 type) noexcept {
  pool.push_front(id, 14);
  buf::Packet& p = pool[id];
  std::byte* const at = pool.at(id, p.head);
  std::memcpy(at, dst.b.data(), 6);
  std::memcpy(at + 6, src.b.data(), 6);
  store_be16(at + 12, type);
  p.ethertype = type;
}

[[nodiscard]] inline u16 ethertype_of(const buf::Packet& p) noexcept {
  return p.family == 4 ? wire::ethertype::ipv4 : wire::ethertype::ipv6;
}

// A finished frame (or IP packet, on a port without link addresses) into the queue of its interface, or across.
inline void enqueue(Core& core, Interface& out, buf::PacketId frame) {
  core.pool[frame].if_out = out.index;
  const bool ready = out.queues && out.running() && out.tx.size() < out.config.queue_packets;
  if (!ready) [[unlikely]]
    return enqueue_slow(core, out, frame);
  out.tx.push(core.pool, frame);
}
// An IP packet to a link address.
inline void send_to_mac(Core& core, Interface& out, buf::PacketId id, const MacAddr& mac) {
  push_ethernet(core.pool, id, mac, out.config.mac, ethertype_of(core.pool[id]));
  enqueue(core, out, id);
}
// An IP packet to a neighbour: at once, or when it has answered. `neighbour`: of the table, 0: refused.
inline void send_to_neighbour(Core& core, Interface& out, buf::PacketId id, u32 neighbour) {
  const MacAddr* mac = neighbour != 0 ? core.neighbours.fresh_mac(neighbour, core.now) : nullptr;
  if (mac == nullptr) [[unlikely]]
    return send_to_neighbour_slow(core, out, id, neighbour);
  send_to_mac(core, out, id, *mac);
}
// An IP packet back to ourselves: it arrives at `in` as if it came from there.
void loop_back(Core& core, Interface& in, buf::PacketId id);

// What a change of a neighbour has set free, or condemned.
void send_pending(Core& core, const link::NeighbourOutcome& outcome);
void solicit(Core& core, u32 neighbour, bool unicast);
void advance_neighbours(Core& core, u32 budget);

// The MAC address of a multicast group: RFC 1112 6.4, RFC 2464 7.
[[nodiscard]] MacAddr multicast_mac(const IpAddr& group) noexcept;

}  // namespace weir::graph
