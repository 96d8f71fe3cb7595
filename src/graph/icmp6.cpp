// ICMPv6, what is heard: RFC 4443, RFC 8201, RFC 5927; neighbour discovery is in nd.cpp, group queries in groups.cpp.
#include "base/checksum.hpp"
#include "graph/groups.hpp"
#include "graph/icmp.hpp"
#include "graph/nd.hpp"
#include "graph/route.hpp"
#include "wire/ipv6.hpp"
#include "wire/mld.hpp"
#include "wire/quoted.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;
using Kind = ip::IcmpError::Kind;
namespace icmp6 = wire::icmp6;

constexpr u32 looked_at = 1280;

struct Addresses {
  Ip6Addr src, dst;
  u8 traffic_class, hop_limit;
};

Addresses addresses_of(Core& core, PacketId id) noexcept {
  const std::byte* ip = core.pool.at(id, core.pool[id].l3);
  return {Ip6Addr::load(ip + 8), Ip6Addr::load(ip + 24), static_cast<u8>(load_be16(ip) >> 4), load_u8(ip + 7)};
}

bool checksum_ok(Core& core, PacketId id, const Addresses& a) {
  const Packet& p = core.pool[id];
  if (p.csum.kind != buf::CsumKind::none) return true;
  const u32 header = static_cast<u32>(p.l4 - p.head);
  const u64 pseudo = wire::pseudo_sum(a.src, a.dst, wire::proto::icmp6, p.length - header);
  return csum_finish(csum_plus(pseudo, core.pool.sum_from(id, header))) == 0;
}

// RFC 4443 4.2: the source is the destination of the request, if that is one host's.
Drop answer_echo(Core& core, Interface& in, PacketId id, const Addresses& a) {
  Netns& ns = *core.netns[in.netns];
  ns.icmp6.add(Icmp::in_echos);
  if (a.src.is_any()) return Drop::ip6_bad_source;
  if (!core.icmp_limit.allow_echo_reply(ns.id, core.now)) return Drop::icmp_rate_limited;
  Packet& p = core.pool[id];
  const IfIndex oif = a.src.is_link_local() || a.dst.is_multicast() ? in.index : IfIndex{0};
  IpAddr from = a.dst;
  if (a.dst.is_multicast()) from = select_source(core, in, a.src, a.src);
  if (from.is_any()) return Drop::ip_no_source;
  core.pool.trim_front(id, static_cast<u32>(p.l4 - p.head));
  const bool roomy = p.inline_end == 0 && p.head >= buf::l4_anchor && core.pool.refs(p.slices[0].buffer) == 1;
  if (!roomy && !core.pool.front_to_block(id, 8)) return Drop::no_buffer;
  std::byte* const icmp = core.pool.at(id, p.head);
  store_u8(icmp, icmp6::echo_reply);
  store_be16(icmp + 2, 0);
  const u64 pseudo = wire::pseudo_sum(from.v6(), a.src, wire::proto::icmp6, p.length);
  const u16 sum = csum_finish(csum_plus(pseudo, core.pool.sum_from(id, 0)));
  std::memcpy(icmp + 2, &sum, 2);
  ns.icmp6.add(Icmp::out_msgs);
  ns.icmp6.add(Icmp::out_echo_replies);
  output_ip(core, id, {.netns = ns.id, .src = from, .dst = a.src, .oif = oif, .protocol = wire::proto::icmp6, .tos = a.traffic_class});
  return Drop::none;
}

bool kind_of(const wire::Icmp6View& m, Kind& kind) noexcept {
  switch (m.type()) {
    case icmp6::packet_too_big: kind = Kind::too_big; return true;
    case icmp6::time_exceeded: kind = Kind::time_exceeded; return true;
    case icmp6::parameter_problem:
      kind = m.code() == icmp6::unknown_next_header ? Kind::protocol_unreachable : Kind::parameter_problem;
      return true;
    case icmp6::unreachable: break;
    default: return false;
  }
  switch (m.code()) {
    case icmp6::no_route:
    case icmp6::reject_route: kind = Kind::net_unreachable; return true;
    case icmp6::admin_prohibited:
    case icmp6::policy: kind = Kind::admin_prohibited; return true;
    case icmp6::port: kind = Kind::port_unreachable; return true;
    case icmp6::source_route_error: kind = Kind::source_route_failed; return true;
    default: kind = Kind::host_unreachable; return true;
  }
}

Drop hear_error(Core& core, Interface& in, const Addresses& a, const wire::Icmp6View& m) {
  Netns& ns = *core.netns[in.netns];
  ip::IcmpError e;
  if (!kind_of(m, e.kind)) return Drop::icmp_unknown_type;
  ns.icmp6.add(e.kind == Kind::too_big ? Icmp::in_too_big : e.kind == Kind::time_exceeded ? Icmp::in_time_exceeded : Icmp::in_unreachable);
  const auto q = wire::parse_quoted6(m.quote());
  if (!q || !q->first_fragment) return Drop::icmp_bad_embedded;
  if (!is_own_address(core, ns, q->src, in.index)) return Drop::icmp_bad_embedded;
  e.type = m.type();
  e.code = m.code();
  e.netns = ns.id;
  e.interface = in.index;
  e.reporter = a.src;
  e.src = q->src;
  e.dst = q->dst;
  e.protocol = q->protocol;
  e.transport = q->transport;
  if (e.kind == Kind::too_big) e.mtu = m.mtu();
  const bool known = tell_transport(core, e);
  if (e.kind == Kind::too_big && known && q->protocol != wire::proto::tcp) {
    const IfIndex oif = q->dst.is_link_local() ? in.index : IfIndex{0};
    if (const auto d = find_destination(core, {.netns = ns.id, .dst = q->dst, .src = {}, .oif = oif}, core.now))
      core.destinations.too_big(*d, e.mtu, q->total_length, core.now);
  }
  return Drop::none;
}

// RFC 3810 5.1.14 and RFC 2710 3: only from a link-local source, with hop limit 1.
Drop hear_group_query(Core& core, Interface& in, const Addresses& a, const wire::Icmp6View& m) {
  if (!a.src.is_link_local() || a.hop_limit != 1) return Drop::icmp_ignored;
  const auto query = wire::MldQuery::parse(m);
  if (!query) return query.error();
  schedule_reports(core, in, query->max_response_ms);
  return Drop::none;
}

Drop hear(Core& core, Interface& in, PacketId id, const Addresses& a, const wire::Icmp6View& m) {
  switch (m.type()) {
    case icmp6::echo_request: return answer_echo(core, in, id, a);
    case icmp6::echo_reply: core.netns[in.netns]->icmp6.add(Icmp::in_echo_replies); return Drop::none;
    case icmp6::unreachable:
    case icmp6::packet_too_big:
    case icmp6::time_exceeded:
    case icmp6::parameter_problem: return hear_error(core, in, a, m);
    case icmp6::router_solicit:
    case icmp6::router_advert:
    case icmp6::neighbor_solicit:
    case icmp6::neighbor_advert:
    case icmp6::redirect: return rx_nd(core, in, id, m);
    case icmp6::mld_query: return hear_group_query(core, in, a, m);
    case icmp6::mld1_report:
    case icmp6::mld1_done:
    case icmp6::mld2_report: return Drop::icmp_ignored;
    default: return Drop::icmp_unknown_type;  // RFC 4443 2.4(a), (b): raw sockets have got it
  }
}

}  // namespace

void rx_icmp6(Core& core, Interface& in, PacketId id) {
  Packet& p = core.pool[id];
  Netns& ns = *core.netns[in.netns];
  ns.icmp6.add(Icmp::in_msgs);
  const u32 header = static_cast<u32>(p.l4 - p.head);
  const Addresses a = addresses_of(core, id);
  const auto look_at = [&](u32 n) { return core.pool.pull_up(id, std::min(p.length, header + n)); };
  Drop why = Drop::none;
  bool consumed = false;
  if (p.length - header < wire::Icmp6View::header_len) {
    why = Drop::icmp_truncated;
  } else if (!checksum_ok(core, id, a)) {
    why = Drop::icmp_bad_checksum;
  } else if (!look_at(8) || (load_u8(core.pool.at(id, p.l4)) != icmp6::echo_request && !look_at(looked_at))) {
    why = Drop::no_buffer;
  } else if (const auto m = wire::Icmp6View::parse(core.pool.run_from(id, p.l4)); !m) {
    why = m.error();
  } else {
    consumed = m->type() == icmp6::echo_request;
    why = hear(core, in, id, a, *m);
  }
  if (why != Drop::none) {
    ns.icmp6.add(Icmp::in_errors);
    return core.drop(id, why);
  }
  if (!consumed) core.pool.release(id);
}

}  // namespace weir::graph
