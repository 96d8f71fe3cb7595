// ICMP for IPv4, what is heard: RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 5927, RFC 6633, RFC 6918.
#include "base/checksum.hpp"
#include "graph/icmp.hpp"
#include "graph/redirect.hpp"
#include "graph/route.hpp"
#include "wire/ipv4.hpp"
#include "wire/quoted.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;
using Kind = ip::IcmpError::Kind;
namespace icmp4 = wire::icmp4;

// The header and as much of a quote as can matter.
constexpr u32 looked_at = 8 + 576;

struct Addresses {
  Ip4Addr src, dst;
  u8 tos;
};

Addresses addresses_of(Core& core, PacketId id) noexcept {
  const std::byte* ip = core.pool.at(id, core.pool[id].l3);
  return {Ip4Addr::load(ip + 12), Ip4Addr::load(ip + 16), load_u8(ip + 1)};
}

//= rfc1122#3.2.2.6 I54, I56, I57, I58, I59
Drop answer_echo(Core& core, Interface& in, PacketId id) {
  Netns& ns = *core.netns[in.netns];
  ns.icmp4.add(Icmp::in_echos);
  Packet& p = core.pool[id];
  const bool to_group = (p.flags & PacketFlags::to_group) != 0;
  if (to_group && ns.sysctl.icmp_echo_ignore_broadcasts) return Drop::icmp_broadcast;
  const Addresses a = addresses_of(core, id);
  if (!core.icmp_limit.allow_echo_reply(ns.id, core.now)) return Drop::icmp_rate_limited;
  core.pool.trim_front(id, static_cast<u32>(p.l4 - p.head));
  const bool roomy = p.inline_end == 0 && p.head >= buf::l4_anchor && core.pool.refs(p.slices[0].buffer) == 1;
  if (!roomy && !core.pool.front_to_block(id, 8)) return Drop::no_buffer;
  std::byte* const icmp = core.pool.at(id, p.head);
  const u16 before = load_raw<u16>(icmp);
  store_u8(icmp, icmp4::echo_reply);
  const u16 sum = csum_update16(load_raw<u16>(icmp + 2), before, load_raw<u16>(icmp));
  std::memcpy(icmp + 2, &sum, 2);
  ns.icmp4.add(Icmp::out_msgs);
  ns.icmp4.add(Icmp::out_echo_replies);
  const IpAddr from = to_group ? IpAddr::any(Family::v4) : IpAddr{a.dst};
  output_ip(core, id, {.netns = ns.id, .src = from, .dst = a.src, .protocol = wire::proto::icmp, .tos = a.tos});
  return Drop::none;
}

//= rfc1122#3.2.2.1 I40
//= rfc1122#3.2.2.4 I50
//= rfc1122#3.2.2.5 I52
bool kind_of(const wire::Icmp4View& m, Kind& kind) noexcept {
  if (m.type() == icmp4::time_exceeded) return kind = Kind::time_exceeded, true;
  if (m.type() == icmp4::parameter_problem) return kind = Kind::parameter_problem, true;
  switch (m.code()) {
    case icmp4::net:
    case icmp4::net_unknown:
    case icmp4::net_tos: kind = Kind::net_unreachable; return true;
    case icmp4::host:
    case icmp4::host_unknown:
    case icmp4::host_isolated:
    case icmp4::host_tos: kind = Kind::host_unreachable; return true;
    case icmp4::protocol: kind = Kind::protocol_unreachable; return true;
    case icmp4::port: kind = Kind::port_unreachable; return true;
    case icmp4::fragmentation_needed: kind = Kind::too_big; return true;
    case icmp4::source_route_failed: kind = Kind::source_route_failed; return true;
    case icmp4::net_prohibited:
    case icmp4::host_prohibited:
    case icmp4::admin_prohibited:
    case icmp4::host_precedence:
    case icmp4::precedence_cutoff: kind = Kind::admin_prohibited; return true;
    default: return false;
  }
}

void count_error(Netns& ns, Kind kind) {
  switch (kind) {
    case Kind::too_big: return ns.icmp4.add(Icmp::in_too_big);
    case Kind::time_exceeded: return ns.icmp4.add(Icmp::in_time_exceeded);
    case Kind::parameter_problem: return;
    default: return ns.icmp4.add(Icmp::in_unreachable);
  }
}

Drop hear_error(Core& core, Interface& in, PacketId id, const wire::Icmp4View& m) {
  Netns& ns = *core.netns[in.netns];
  ip::IcmpError e;
  if (!kind_of(m, e.kind)) return Drop::icmp_unknown_type;
  count_error(ns, e.kind);
  const auto q = wire::parse_quoted4(m.quote());
  if (!q || !q->first_fragment) return Drop::icmp_bad_embedded;
  if (!is_own_address(core, ns, q->src)) return Drop::icmp_bad_embedded;
  e.type = m.type();
  e.code = m.code();
  e.netns = ns.id;
  e.interface = in.index;
  e.reporter = addresses_of(core, id).src;
  e.src = q->src;
  e.dst = q->dst;
  e.protocol = q->protocol;
  e.transport = q->transport;
  if (e.kind == Kind::too_big) e.mtu = m.next_hop_mtu();
  const bool known = tell_transport(core, e);
  //= rfc1122#3.3.3 I109
  // RFC 5927 7.2: of TCP's data it is TCP that knows what is in flight; other protocols cannot, and are believed.
  if (e.kind == Kind::too_big && known && q->protocol != wire::proto::tcp) {
    if (const auto d = find_destination(core, {.netns = ns.id, .dst = q->dst, .src = {}, .oif = 0}, core.now))
      core.destinations.too_big(*d, e.mtu, q->total_length, core.now);
  }
  return Drop::none;
}

Drop hear(Core& core, Interface& in, PacketId id, const wire::Icmp4View& m) {
  switch (m.type()) {
    case icmp4::echo_request: return answer_echo(core, in, id);
    case icmp4::echo_reply:  // I60: raw sockets have got it
      core.netns[in.netns]->icmp4.add(Icmp::in_echo_replies);
      return Drop::none;
    case icmp4::unreachable:
    case icmp4::time_exceeded:
    case icmp4::parameter_problem: return hear_error(core, in, id, m);
    case icmp4::redirect: return hear_redirect4(core, in, addresses_of(core, id).src, m);
    //= rfc9293#3.9.2.2 MUST-55
    case icmp4::source_quench:  // RFC 6633
    case icmp4::router_advertisement:
    case icmp4::router_solicitation:
    case icmp4::timestamp:  // off: a clock is nobody's business
    case icmp4::timestamp_reply:
    case icmp4::information_request:  // RFC 6918
    //= rfc1122#3.2.2.7 I63
    case icmp4::information_reply:
    case icmp4::mask_request:
    case icmp4::mask_reply: return Drop::icmp_ignored;
    default: return Drop::icmp_unknown_type;  //= rfc1122#3.2.2 I28
  }
}

}  // namespace

//= rfc1122#3.1 I01
void rx_icmp4(Core& core, Interface& in, PacketId id) {
  Packet& p = core.pool[id];
  Netns& ns = *core.netns[in.netns];
  ns.icmp4.add(Icmp::in_msgs);
  const u32 header = static_cast<u32>(p.l4 - p.head);
  const auto look_at = [&](u32 n) { return core.pool.pull_up(id, std::min(p.length, header + n)); };
  Drop why = Drop::none;
  bool consumed = false;
  if (p.length - header < wire::Icmp4View::header_len) {
    why = Drop::icmp_truncated;
  } else if (p.csum.kind == buf::CsumKind::none && csum_finish(core.pool.sum_from(id, header)) != 0) {
    why = Drop::icmp_bad_checksum;
  } else if (!look_at(8) || (load_u8(core.pool.at(id, p.l4)) != icmp4::echo_request && !look_at(looked_at))) {
    why = Drop::no_buffer;
  } else if (const auto m = wire::Icmp4View::parse(core.pool.run_from(id, p.l4)); !m) {
    why = m.error();
  } else {
    consumed = m->type() == icmp4::echo_request;
    why = hear(core, in, id, *m);
  }
  if (why != Drop::none) {
    ns.icmp4.add(Icmp::in_errors);
    return core.drop(id, why);
  }
  if (!consumed) core.pool.release(id);
}

}  // namespace weir::graph
