// graph/nd.hpp
#include "graph/nd.hpp"

#include "graph/address.hpp"
#include "graph/output.hpp"
#include "graph/redirect.hpp"
#include "graph/route.hpp"
#include "wire/ipv6.hpp"
#include "wire/nd.hpp"

namespace weir::graph {
namespace {

using buf::PacketFlags;
using buf::PacketId;

struct Message {
  Ip6Addr src, dst;
  std::optional<MacAddr> mac;  // where the frame goes, if that is known without asking
};

// IPv6 header and checksum around an ND message, and out of the interface: no route is asked, no neighbour waited for.
void send_message(Core& core, Interface& out, std::span<std::byte> body, const Message& m) {
  wire::set_transport_checksum(body, wire::Icmp6View::checksum_at, m.src, m.dst, wire::proto::icmp6);
  const PacketId id = core.pool.from_bytes(body);
  if (id == PacketId::none) return;
  buf::Packet& p = core.pool[id];
  p.netns = out.netns;
  p.family = 6;
  p.l4 = p.head;
  p.l4_protocol = wire::proto::icmp6;
  core.pool.push_front(id, 40);
  p.l3 = p.head;
  wire::emit(wire::Ipv6Fields{.payload_len = static_cast<u16>(body.size()),
                              .next_header = wire::proto::icmp6,
                              .hop_limit = wire::nd_hop_limit,
                              .src = m.src,
                              .dst = m.dst},
             {core.pool.at(id, p.head), 40});
  Netns& ns = *core.netns[out.netns];
  ns.icmp6.add(Icmp::out_msgs);
  if (!out.has_link_addresses()) enqueue(core, out, id);
  else if (m.mac) send_to_mac(core, out, id, *m.mac);
  else send_to_neighbour(core, out, id, core.neighbours.get_or_create(out.index, m.dst, core.now));
}

// Our address to ask from: that of the first packet that waits, if it is one of this interface (RFC 4861 7.2.2).
Ip6Addr asking_address(Core& core, const Interface& out, u32 neighbour) {
  if (const auto waiting = core.neighbours.first_pending(neighbour)) {
    const buf::Packet& p = core.pool[*waiting];
    if (p.family == 6) {
      const Ip6Addr src = Ip6Addr::load(core.pool.at(*waiting, p.l3) + 8);
      if (out.owns(src)) return src;
    }
  }
  const IpAddr target = core.neighbours[neighbour].addr;
  return select_source(core, out, target, target).v6();
}

void answer(Core& core, Interface& in, const Ip6Addr& target, const Ip6Addr& asker, std::optional<MacAddr> asker_mac) {
  std::array<std::byte, 32> body;
  const bool to_all = asker.is_any();  // somebody is probing for our address: all are told (RFC 4861 7.2.4)
  const Netns& ns = *core.netns[in.netns];
  const usize n =
      wire::emit(wire::NeighborAdvert{.router = ns.sysctl.ip6_forward, .solicited = !to_all, .override_ = true, .target = target}, body);
  wire::emit_link_address(wire::nd_option::target_link, in.config.mac, MutBytes{body}.subspan(n));
  const Ip6Addr dst = to_all ? Ip6Addr::all_nodes() : asker;
  core.netns[in.netns]->icmp6.add(Icmp::out_neighbour_advertisements);
  send_message(core, in, body, {target, dst, to_all ? std::optional{multicast_mac(dst)} : asker_mac});
}

struct Heard {
  Interface& in;
  Ip6Addr src, dst;
};

// RFC 4861 7.1.1, 7.2.3, 7.2.4; RFC 4862 5.4.3.
Drop hear_solicitation(Core& core, const Heard& h, const wire::NeighborSolicit& ns) {
  const bool from_unspecified = h.src.is_any();
  auto mac = ns.options.link_address(wire::nd_option::source_link);
  if (mac && (!mac->is_unicast() || *mac == h.in.config.mac)) return Drop::nd_bad_option;
  if (from_unspecified && (mac || h.dst != ns.target.solicited_node())) return Drop::nd_bad_option;
  if (AddressProbe* probe = find_probe(h.in, ns.target)) {
    std::optional<ip::DadNonce> nonce;
    if (const auto n = ns.options.nonce(); n && n->size() == 6) nonce = load_raw<ip::DadNonce>(n->data());
    act(core, h.in, ns.target, probe->dad.on_solicitation(from_unspecified, nonce));
    return Drop::none;  // a tentative address answers nothing
  }
  if (!h.in.owns(ns.target)) return Drop::nd_bad_target;
  if (h.in.owns(h.src)) return Drop::ip6_land;
  if (!from_unspecified && mac) send_pending(core, core.neighbours.on_solicitation(h.in.index, h.src, *mac, core.now));
  answer(core, h.in, ns.target, h.src, mac);
  return Drop::none;
}

// RFC 4861 7.1.2, 7.2.5; RFC 4862 5.4.4; RFC 9131 for routers.
Drop hear_advertisement(Core& core, const Heard& h, const wire::NeighborAdvert& na) {
  if (AddressProbe* probe = find_probe(h.in, na.target)) {
    act(core, h.in, na.target, probe->dad.on_advertisement());
    return Drop::none;
  }
  if (h.in.find(na.target) != nullptr) return Drop::nd_bad_target;  // ours: a conflict that is not ours to solve
  auto mac = na.options.link_address(wire::nd_option::target_link);
  if (mac && !mac->is_unicast()) return Drop::nd_bad_option;
  const Netns& ns = *core.netns[h.in.netns];
  send_pending(
      core,
      core.neighbours.on_advertisement(
          h.in.index, na.target,
          {.mac = mac, .router = na.router, .solicited = na.solicited, .override_ = na.override_, .may_create = ns.sysctl.ip6_forward},
          core.now));
  return Drop::none;
}

template <class T, class F>
Drop parsed(const wire::Icmp6View& m, F&& f) {
  const auto message = T::parse(m);
  return message ? f(*message) : message.error();
}

}  // namespace

Drop rx_nd(Core& core, Interface& in, PacketId id, const wire::Icmp6View& m) {
  const buf::Packet& p = core.pool[id];
  const std::byte* ip = core.pool.at(id, p.l3);
  if (load_u8(ip + 7) != wire::nd_hop_limit) return Drop::nd_bad_hop_limit;
  if ((p.flags & PacketFlags::reassembled) != 0) return Drop::nd_fragmented;  // RFC 6980
  if (!in.has_link_addresses()) return Drop::icmp_ignored;
  const Heard h{in, Ip6Addr::load(ip + 8), Ip6Addr::load(ip + 24)};
  Counters<Icmp>& counters = core.netns[in.netns]->icmp6;
  switch (m.type()) {
    case wire::icmp6::neighbor_solicit:
      counters.add(Icmp::in_neighbour_solicitations);
      return parsed<wire::NeighborSolicit>(m, [&](const auto& x) { return hear_solicitation(core, h, x); });
    case wire::icmp6::neighbor_advert:
      counters.add(Icmp::in_neighbour_advertisements);
      return parsed<wire::NeighborAdvert>(m, [&](const auto& x) { return hear_advertisement(core, h, x); });
    case wire::icmp6::redirect: return parsed<wire::NdRedirect>(m, [&](const auto& x) { return hear_redirect6(core, in, h.src, x); });
    default: return Drop::icmp_ignored;  // routers are configured, not heard
  }
}

void send_neighbour_solicitation(Core& core, u32 neighbour, bool unicast) {
  const link::Neighbour& n = core.neighbours[neighbour];
  Interface* out = core.find_interface(n.ifindex);
  if (out == nullptr) return;
  const Ip6Addr target = n.addr.v6(), src = asking_address(core, *out, neighbour);
  if (src.is_any()) return;  // RFC 4861 4.3: only a probe is sent from nobody
  std::array<std::byte, 32> body;
  const usize fixed = wire::emit(wire::NeighborSolicit{.target = target}, body);
  wire::emit_link_address(wire::nd_option::source_link, out->config.mac, MutBytes{body}.subspan(fixed));
  const Ip6Addr dst = unicast ? target : target.solicited_node();
  core.netns[out->netns]->icmp6.add(Icmp::out_neighbour_solicitations);
  send_message(core, *out, body, {src, dst, unicast ? n.mac : multicast_mac(dst)});
}

void send_dad_solicitation(Core& core, Interface& out, const Ip6Addr& address, const ip::DadNonce& nonce) {
  std::array<std::byte, 32> body;
  const usize fixed = wire::emit(wire::NeighborSolicit{.target = address}, body);
  wire::emit_nonce(bytes_of(nonce), MutBytes{body}.subspan(fixed));
  const Ip6Addr dst = address.solicited_node();
  core.netns[out.netns]->icmp6.add(Icmp::out_neighbour_solicitations);
  send_message(core, out, body, {Ip6Addr::any(), dst, multicast_mac(dst)});
}

}  // namespace weir::graph
