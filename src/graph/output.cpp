// graph/output.hpp
#include "graph/output.hpp"

#include "buf/gso.hpp"
#include "graph/arp.hpp"
#include "graph/icmp.hpp"
#include "graph/nd.hpp"

namespace weir::graph {
namespace {

using buf::PacketFlags;
using buf::PacketId;

// What belongs to the sender's namespace stays there; the bytes are handed over as they are.
void hand_over(Core& core, Interface& in, PacketId id, u8 flags) {
  if (in.waiting >= in.config.queue_packets) return core.drop(id, Drop::queue_full);
  buf::Packet& p = core.pool[id];
  p.if_in = in.index;
  p.if_out = 0;
  p.netns = in.netns;
  p.flags = flags;
  p.destination = 0;
  p.owner = 0;
  p.charged = 0;
  p.mark = 0;
  p.conntrack = 0;
  p.l3 = p.head;
  ++in.waiting;
  core.veth_rx.push(core.pool, id);
}

void count_sent(Core& core, Interface& out, PacketId id) {
  ++out.stats.tx_packets;
  out.stats.tx_bytes += core.pool[id].length;
  if (!core.taps.empty()) [[unlikely]]
    core.tap(out.index, true, id, Drop::none);
}

void cross(Core& core, Interface& out, Interface& in, PacketId id) {
  count_sent(core, out, id);
  hand_over(core, in, id, 0);
}

// A veth without offloads does what a driver's port does: what the peer gets are ordinary frames with whole checksums.
void cross_finished(Core& core, Interface& out, Interface& in, PacketId id) {
  const bool finish = !out.config.offload.tx_checksum;
  if (!buf::is_super(core.pool[id]) || out.config.offload.tso) {
    if (finish && !buf::finish_checksum(core.pool, id)) return core.drop(id, Drop::no_buffer);
    return cross(core, out, in, id);
  }
  std::array<PacketId, batch_size> frames;
  for (;;) {
    const u32 n = buf::split(core.pool, id, frames, finish);
    for (u32 i = 0; i < n; ++i) cross(core, out, in, frames[i]);
    if (n != 0 && frames[n - 1] == id) return;
    if (n == 0) return core.drop(id, Drop::no_buffer);
    if (!buf::is_super(core.pool[id])) return cross(core, out, in, id);
  }
}

void into_veth(Core& core, Interface& out, PacketId id) {
  Interface* in = core.find_interface(out.peer);
  if (in == nullptr || !in->running()) {
    ++out.stats.tx_dropped;
    return core.drop(id, Drop::link_down);
  }
  const auto& offload = out.config.offload;
  if (offload.tso && offload.tx_checksum) [[likely]]
    return cross(core, out, *in, id);
  cross_finished(core, out, *in, id);
}

}  // namespace

void enqueue_slow(Core& core, Interface& out, PacketId id) {
  if (!out.running()) [[unlikely]] {
    ++out.stats.tx_dropped;
    return core.drop(id, Drop::link_down);
  }
  if (out.config.kind == InterfaceKind::veth) return into_veth(core, out, id);
  if (out.is_loopback()) return loop_back(core, out, id);
  ++out.stats.tx_dropped;
  core.drop(id, Drop::queue_full);
}

void loop_back(Core& core, Interface& in, PacketId id) {
  count_sent(core, in, id);
  hand_over(core, in, id, PacketFlags::from_loopback);
}

void send_to_neighbour_slow(Core& core, Interface& out, PacketId id, u32 neighbour) {
  if (neighbour == 0) return core.drop(id, Drop::neigh_limit);
  link::NeighbourUse use = core.neighbours.use(neighbour, core.now);
  if (use.reach == link::Reach::failed && core.pool[id].if_in == 0) use = core.neighbours.ask_again(neighbour, core.now);
  if (use.reach == link::Reach::ready) [[likely]]
    return send_to_mac(core, out, id, use.mac);
  if (use.reach == link::Reach::failed) {
    report_undeliverable(core, id, Unreachable::host);
    return core.drop(id, Drop::neigh_unresolved);
  }
  core.pool[id].if_out = out.index;
  if (const auto pushed_out = core.neighbours.enqueue(neighbour, id)) core.drop(*pushed_out, Drop::neigh_queue_full);
  if (use.solicit) solicit(core, neighbour, false);
}

void send_pending(Core& core, const link::NeighbourOutcome& outcome) {
  if (outcome.pending.empty()) return;
  const MacAddr mac = core.neighbours[outcome.id].mac;
  IndexQueue pending = outcome.pending;
  core.neighbours.drain(pending, [&](PacketId id) { send_to_mac(core, core.interface(core.pool[id].if_out), id, mac); });
}

void solicit(Core& core, u32 neighbour, bool unicast) {
  if (core.neighbours[neighbour].addr.is_v4()) send_arp_request(core, neighbour, unicast);
  else send_neighbour_solicitation(core, neighbour, unicast);
}

void advance_neighbours(Core& core, u32 budget) {
  using Kind = link::NeighbourAction::Kind;
  core.neighbours.advance(core.now, budget, [&](link::NeighbourAction& action) {
    switch (action.kind) {
      case Kind::solicit_multicast: return solicit(core, action.id, false);
      case Kind::solicit_unicast: return solicit(core, action.id, true);
      case Kind::failed: break;
    }
    // Who goes by this gateway asks the routes again: there may be another (RFC 1122 3.3.1.5).
    if (Interface* i = core.find_interface(core.neighbours[action.id].ifindex)) {
      Netns& ns = *core.netns[i->netns];
      const IpAddr gone = core.neighbours[action.id].addr;
      const ip::Route* r = ns.fib.find({IpAddr::any(gone.family()), 0});
      if (r != nullptr && r->gateway == gone) ++ns.route_generation;
    }
    core.neighbours.drain(action.pending, [&](PacketId id) {
      report_undeliverable(core, id, Unreachable::host);
      core.drop(id, Drop::neigh_unresolved);
    });
  });
}

MacAddr multicast_mac(const IpAddr& group) noexcept {
  if (group.is_v4()) {
    const u32 a = group.v4().host;
    return {{0x01, 0x00, 0x5e, static_cast<u8>((a >> 16) & 0x7f), static_cast<u8>(a >> 8), static_cast<u8>(a)}};
  }
  const auto& b = group.v6().b;
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

}  // namespace weir::graph
