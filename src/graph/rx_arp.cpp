// graph/arp.hpp: what is heard and what is said.
#include "graph/address.hpp"
#include "graph/arp.hpp"
#include "graph/output.hpp"
#include "wire/arp.hpp"

namespace weir::graph {
namespace {

using buf::PacketId;

void send_arp(Core& core, Interface& out, const wire::ArpFields& fields, const MacAddr& to) {
  std::array<std::byte, wire::ArpView::len> bytes;
  wire::emit(fields, bytes);
  const PacketId id = core.pool.from_bytes(bytes);
  if (id == PacketId::none) return;
  buf::Packet& p = core.pool[id];
  p.netns = out.netns;
  p.l3 = p.head;
  push_ethernet(core.pool, id, to, out.config.mac, wire::ethertype::arp);
  enqueue(core, out, id);
}

// RFC 826, RFC 5227 2.1.1: who may speak. A sender of 0.0.0.0 is a probe.
bool sender_is_sound(const Interface& in, const wire::ArpView& arp) noexcept {
  const MacAddr mac = arp.sender_mac();
  const Ip4Addr ip = arp.sender_ip();
  if (mac.is_zero() || mac.is_multicast() || mac == in.config.mac) return false;
  if (ip.is_any()) return arp.op() == wire::ArpOp::request;
  return !ip.is_multicast() && !ip.is_broadcast() && !ip.is_loopback() && !ip.is_reserved() && !ip.is_this_network();
}

// Our address to ask from: that of the first packet that waits if it is one of this interface, else one of the subnet.
Ip4Addr asking_address(Core& core, const Interface& out, u32 neighbour) {
  if (const auto waiting = core.neighbours.first_pending(neighbour)) {
    const buf::Packet& p = core.pool[*waiting];
    const Ip4Addr src = p.family == 4 ? Ip4Addr::load(core.pool.at(*waiting, p.l3) + 12) : Ip4Addr::any();
    if (std::ranges::find(out.own4, src) != out.own4.end()) return src;
  }
  const IpAddr target = core.neighbours[neighbour].addr;
  for (const InterfaceAddress& a : out.addresses)
    if (a.prefix.address.is_v4() && a.usable() && a.prefix.contains(target)) return a.prefix.address.v4();
  return out.own4.empty() ? Ip4Addr::any() : out.own4.front();
}

}  // namespace

//= rfc1122#2.3.2.1 L04
//= rfc1122#2.3.3 L12
void rx_arp(Core& core, Interface& in, PacketId id) {
  if (!core.pool.pull_up(id, std::min<u32>(core.pool[id].length, wire::ArpView::len))) return core.drop(id, Drop::no_buffer);
  const auto parsed = wire::ArpView::parse(core.pool.first_run(id));
  if (!parsed) return core.drop(id, parsed.error());
  const wire::ArpFields arp = parsed->fields();
  if (!sender_is_sound(in, *parsed)) return core.drop(id, Drop::arp_bad_sender);
  hear_arp(core, in, arp);
  if (in.owns(arp.sender_ip)) return core.drop(id, Drop::arp_bad_sender);
  const bool for_us = in.owns(arp.target_ip);
  if (!arp.sender_ip.is_any()) {
    send_pending(
        core, core.neighbours.on_arp(
                  in.index, {.sender = arp.sender_ip, .mac = arp.sender_mac, .reply = arp.op == wire::ArpOp::reply, .target_is_us = for_us},
                  core.now));
  }
  if (!for_us) return core.drop(id, Drop::arp_not_for_us);
  core.pool.release(id);
  if (arp.op == wire::ArpOp::request) {
    send_arp(core, in, {wire::ArpOp::reply, in.config.mac, arp.target_ip, arp.sender_mac, arp.sender_ip}, arp.sender_mac);
  }
}

void send_arp_request(Core& core, u32 neighbour, bool unicast) {
  const link::Neighbour& n = core.neighbours[neighbour];
  Interface* out = core.find_interface(n.ifindex);
  if (out == nullptr) return;
  const MacAddr to = unicast ? n.mac : MacAddr::broadcast();
  send_arp(core, *out, {wire::ArpOp::request, out->config.mac, asking_address(core, *out, neighbour), {}, n.addr.v4()}, to);
}

void send_arp_probe(Core& core, Interface& out, Ip4Addr address) {
  send_arp(core, out, {wire::ArpOp::request, out.config.mac, Ip4Addr::any(), {}, address}, MacAddr::broadcast());
}

void send_arp_announcement(Core& core, Interface& out, Ip4Addr address) {
  send_arp(core, out, {wire::ArpOp::request, out.config.mac, address, {}, address}, MacAddr::broadcast());
}

}  // namespace weir::graph
