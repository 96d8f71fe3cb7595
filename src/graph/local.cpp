// To ourselves: raw sockets get copies, then the one protocol whose it is. RFC 1122 3.2.2.1 and 3.4, RFC 4443 3.4.
#include "graph/icmp.hpp"
#include "graph/nodes.hpp"
#include "graph/tcp_link.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {
namespace {

using buf::PacketFlags;
using buf::PacketId;

Counters<Ip>& counters_of(Core& core, const buf::Packet& p) {
  Netns& ns = *core.netns[p.netns];
  return p.family == 4 ? ns.ip4 : ns.ip6;
}

void no_such_protocol(Core& core, PacketId id) {
  const buf::Packet& p = core.pool[id];
  counters_of(core, p).add(Ip::in_unknown_protos);
  if (p.family == 4) {
    //= rfc1122#3.2.2.1 I39
    send_unreachable(core, id, Unreachable::protocol);
    return core.drop(id, Drop::ip_unknown_protocol);
  }
  // RFC 8200 4: parameter problem, code 1, pointing to the Next Header byte that names it.
  const auto ip = wire::Ipv6View::parse(core.pool.run_from(id, p.l3), p.length);
  const u16 named_at = ip ? wire::find_transport(*ip).protocol_at : u16{6};
  send_icmp6_error(core, id, wire::Icmp6Fields::parameter_problem(wire::icmp6::unknown_next_header, named_at));
  core.drop(id, Drop::ip6_unknown_header);
}

void deliver_udp(Core& core, PacketId id) {
  if (core.udp->receive(id, core.now)) return;
  //= rfc1122#4.1.3.1 U01
  send_unreachable(core, id, Unreachable::port);
  core.drop(id, Drop::udp_no_port);
}

}  // namespace

void deliver_tcp(Core& core, Batch& tcp) {
  if (tcp.empty()) return;
  if (core.tcp) core.tcp->receive(tcp.span(), core.now);
  else
    for (const PacketId id : tcp.span()) core.drop(id, Drop::tcp_no_port);
  tcp.n = 0;
}

void deliver(Core& core, Interface& in, PacketId id, Batch& tcp) {
  const buf::Packet& p = core.pool[id];
  const bool raw = core.raw->wants(p.netns, p.l4_protocol) && core.raw->receive(id, core.now);
  switch (p.l4_protocol) {
    case wire::proto::tcp:
      if ((p.flags & PacketFlags::to_group) != 0) return core.drop(id, Drop::tcp_bad_address);
      tcp.add(id);
      if (tcp.n == batch_size) deliver_tcp(core, tcp);
      return;
    case wire::proto::udp: return deliver_udp(core, id);
    case wire::proto::icmp:
      if (p.family == 4) return rx_icmp4(core, in, id);
      break;
    case wire::proto::icmp6:
      if (p.family == 6) return rx_icmp6(core, in, id);
      break;
    case wire::proto::igmp:
      if (p.family == 4) return rx_igmp(core, in, id);
      break;
    default: break;
  }
  if (const Handler& h = core.protocols[p.l4_protocol]; h.call != nullptr) return h.call(h.self, in.index, id, core.now);
  if (raw) return core.pool.release(id);
  no_such_protocol(core, id);
}

}  // namespace weir::graph
