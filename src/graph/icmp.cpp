// graph/icmp.hpp: what is sent, and what both families have in common.
#include "graph/icmp.hpp"

#include "buf/gso.hpp"
#include "graph/route.hpp"
#include "graph/tcp_link.hpp"
#include "ip/address_check.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

constexpr u32 longest4 = 576, longest6 = 1280;  // RFC 1812 4.3.2.3, RFC 4443 2.4(c)
constexpr u32 icmp_len = 8;

u32 ip_length(const Packet& p) noexcept { return p.length - static_cast<u32>(p.l3 - p.head); }

//= rfc1122#3.2.2 I30
// A packet with 8 bytes of room for the ICMP header and as much of `about` as may be quoted. The room is not filled.
PacketId quote(Core& core, PacketId about, u32 most) {
  if (!buf::finish_checksum(core.pool, about)) return PacketId::none;
  const PacketId id = core.pool.alloc();
  if (id == PacketId::none) return id;
  const buf::BufferId b = core.pool.alloc_small();
  if (b == buf::BufferId::none) {
    core.pool.release(id);
    return PacketId::none;
  }
  const Packet& p = core.pool[about];
  const u32 n = std::min(ip_length(p), most);
  core.pool.copy_out(about, static_cast<u32>(p.l3 - p.head), {core.pool.data(b) + buf::Pool::headroom + icmp_len, n});
  (void)core.pool.append(id, {b, buf::Pool::headroom, static_cast<u16>(icmp_len + n)});
  return id;
}

//= rfc1122#3.3.4.2 I114
// RFC 1122 3.2.1.3, RFC 1812 4.3.2.4: the address that was meant, if it is ours; else one of the interface it came by.
IpAddr answering_address(Core& core, const Packet& about, const IpAddr& src, const IpAddr& dst) {
  const Netns& ns = *core.netns[about.netns];
  if (!dst.is_multicast() && is_own_address(core, ns, dst, about.if_in)) return dst;
  const Interface* in = core.find_interface(about.if_in);
  return in != nullptr ? select_source(core, *in, src, src) : IpAddr::any(src.family());
}

//= rfc1122#3.2.2 I33, I34, I35, I36, I37
bool may_answer4(Core& core, const Packet& p, const wire::Ipv4View& ip) {
  if ((p.flags & (PacketFlags::link_broadcast | PacketFlags::link_multicast | PacketFlags::to_group)) != 0) return false;
  if (ip.fragment_offset() != 0) return false;
  if (ip.dst().is_multicast() || ip.dst().is_broadcast() || !ip::is_single_host(ip.src())) return false;
  if (ip.src().is_loopback() && (p.flags & PacketFlags::from_loopback) == 0) return false;
  const Netns& ns = *core.netns[p.netns];
  for (const Ip4Addr a : {ip.src(), ip.dst()})
    if (const ip::Route* r = ns.fib.lookup(a); r != nullptr && r->type == ip::RouteType::broadcast) return false;
  if (ip.protocol() != wire::proto::icmp) return true;
  if (ip.payload().empty()) return false;  // a type that cannot be seen may be an error
  const u8 type = load_u8(ip.payload().data());
  const bool query = type == wire::icmp4::echo_request || type == wire::icmp4::echo_reply || type == wire::icmp4::timestamp ||
                     type == wire::icmp4::timestamp_reply;
  return query;
}

// RFC 4443 2.4(e).
bool may_answer6(const Packet& p, const wire::Ipv6View& ip, bool even_to_multicast) {
  const u8 to_many = PacketFlags::link_broadcast | PacketFlags::link_multicast | PacketFlags::to_group;
  if (!even_to_multicast && ((p.flags & to_many) != 0 || ip.dst().is_multicast())) return false;
  if (!ip::is_single_host(ip.src())) return false;
  const wire::Ip6Chain chain = wire::find_transport(ip);
  // What a later fragment is of cannot be seen; errors are never so long that they come in fragments.
  if (chain.protocol != wire::proto::icmp6 || (chain.has_fragment && chain.fragment.offset != 0)) return true;
  const usize at = chain.offset;
  if (ip.packet().size() <= at) return false;
  const u8 type = load_u8(ip.packet().data() + at);
  return !wire::icmp6::is_error(type) && type != wire::icmp6::redirect;
}

Icmp counter_of4(const wire::Icmp4Fields& f) noexcept {
  switch (f.type) {
    case wire::icmp4::unreachable: return f.code == wire::icmp4::fragmentation_needed ? Icmp::out_too_big : Icmp::out_unreachable;
    case wire::icmp4::time_exceeded: return Icmp::out_time_exceeded;
    default: return Icmp::out_parameter_problem;
  }
}

Icmp counter_of6(const wire::Icmp6Fields& f) noexcept {
  switch (f.type) {
    case wire::icmp6::unreachable: return Icmp::out_unreachable;
    case wire::icmp6::packet_too_big: return Icmp::out_too_big;
    case wire::icmp6::time_exceeded: return Icmp::out_time_exceeded;
    default: return Icmp::out_parameter_problem;
  }
}

// Scope of an answer: link-local addresses need the interface they were heard on.
IfIndex scope_of(const IpAddr& a, IfIndex in) noexcept { return a.is_v6() && a.is_link_local() ? in : IfIndex{0}; }

}  // namespace

void send_icmp4_error(Core& core, PacketId about, const wire::Icmp4Fields& fields) {
  const Packet& p = core.pool[about];
  Netns& ns = *core.netns[p.netns];
  const auto ip = wire::Ipv4View::parse(core.pool.run_from(about, p.l3), ip_length(p));
  if (!ip || !may_answer4(core, p, *ip)) return;
  const Ip4Addr to = ip->src();
  if (!core.icmp_limit.allow_error(ns.id, to, core.now)) return ns.icmp4.add(Icmp::out_rate_limited);
  const IpAddr from = answering_address(core, p, to, ip->dst());
  const PacketId id = quote(core, about, longest4 - 20 - icmp_len);
  if (id == PacketId::none) return ns.icmp4.add(Icmp::out_errors);
  const MutBytes message{core.pool.at(id, core.pool[id].head), core.pool[id].length};
  wire::emit(fields, message.subspan(icmp_len), message);
  ns.icmp4.add(Icmp::out_msgs);
  ns.icmp4.add(counter_of4(fields));
  //= rfc1122#3.2.2 I32
  output_ip(core, id, {.netns = ns.id, .src = from, .dst = to, .protocol = wire::proto::icmp});
}

void send_icmp6_error(Core& core, PacketId about, const wire::Icmp6Fields& fields, bool even_to_multicast) {
  const Packet& p = core.pool[about];
  Netns& ns = *core.netns[p.netns];
  const auto ip = wire::Ipv6View::parse(core.pool.run_from(about, p.l3), ip_length(p));
  if (!ip || !may_answer6(p, *ip, even_to_multicast)) return;
  const IpAddr to = ip->src();
  if (!core.icmp_limit.allow_error(ns.id, to, core.now)) return ns.icmp6.add(Icmp::out_rate_limited);
  IpAddr from = answering_address(core, p, to, ip->dst());
  const IfIndex oif = scope_of(to, p.if_in);
  if (from.is_any()) {
    const auto d = find_destination(core, {.netns = ns.id, .dst = to, .src = {}, .oif = oif}, core.now);
    if (!d) return ns.icmp6.add(Icmp::out_errors);
    from = core.destinations[*d].source;
  }
  const PacketId id = quote(core, about, longest6 - 40 - icmp_len);
  if (id == PacketId::none) return ns.icmp6.add(Icmp::out_errors);
  const MutBytes message{core.pool.at(id, core.pool[id].head), core.pool[id].length};
  wire::emit(fields, message.subspan(icmp_len), from.v6(), to.v6(), message);
  ns.icmp6.add(Icmp::out_msgs);
  ns.icmp6.add(counter_of6(fields));
  output_ip(core, id, {.netns = ns.id, .src = from, .dst = to, .oif = oif, .protocol = wire::proto::icmp6});
}

//= rfc1122#3.3.8 I38
//= rfc1122#3.4 I143
void send_unreachable(Core& core, PacketId about, Unreachable why) {
  namespace v4 = wire::icmp4;
  namespace v6 = wire::icmp6;
  static constexpr u8 code4[] = {v4::net, v4::host, v4::protocol, v4::port, v4::admin_prohibited};
  static constexpr u8 code6[] = {v6::no_route, v6::address, v6::address, v6::port, v6::admin_prohibited};
  const usize i = static_cast<usize>(why);
  if (core.pool[about].family == 4) send_icmp4_error(core, about, wire::Icmp4Fields::unreachable(code4[i]));
  else send_icmp6_error(core, about, wire::Icmp6Fields::unreachable(code6[i]));
}

void send_time_exceeded(Core& core, PacketId about, bool reassembly) {
  const u8 code = reassembly ? 1 : 0;
  if (core.pool[about].family == 4) send_icmp4_error(core, about, wire::Icmp4Fields::time_exceeded(code));
  else send_icmp6_error(core, about, wire::Icmp6Fields::time_exceeded(code));
}

void send_too_big(Core& core, PacketId about, u32 mtu) {
  if (core.pool[about].family == 4) send_icmp4_error(core, about, wire::Icmp4Fields::too_big(static_cast<u16>(mtu)));
  else send_icmp6_error(core, about, wire::Icmp6Fields::too_big(mtu), true);  // RFC 4443 2.4(e.3): multicast as well
}

namespace {

bool describe(Core& core, PacketId about, ip::IcmpError& e) {
  const Packet& p = core.pool[about];
  const std::byte* ip = core.pool.at(about, p.l3);
  if (core.pool.run_from(about, p.l3).size() < (p.family == 4 ? 20u : 40u)) return false;
  if (p.family == 4) {
    e.src = Ip4Addr::load(ip + 12);
    e.dst = Ip4Addr::load(ip + 16);
  } else {
    e.src = Ip6Addr::load(ip + 8);
    e.dst = Ip6Addr::load(ip + 24);
  }
  e.reporter = e.src;
  e.netns = p.netns;
  e.interface = p.if_out;
  e.protocol = p.l4_protocol;
  e.transport = core.pool.run_from(about, p.l4);
  return e.transport.size() >= 8;
}

bool is_ours(const Packet& p) noexcept { return p.if_in == 0; }

}  // namespace

void report_undeliverable(Core& core, PacketId about, Unreachable why) {
  if (!is_ours(core.pool[about])) return send_unreachable(core, about, why);
  ip::IcmpError e;
  if (!describe(core, about, e)) return;
  e.kind = why == Unreachable::net ? ip::IcmpError::Kind::net_unreachable : ip::IcmpError::Kind::host_unreachable;
  const bool v4 = core.pool[about].family == 4;
  e.type = v4 ? wire::icmp4::unreachable : wire::icmp6::unreachable;
  e.code = v4 ? (why == Unreachable::net ? wire::icmp4::net : wire::icmp4::host)
              : (why == Unreachable::net ? wire::icmp6::no_route : wire::icmp6::address);
  tell_transport(core, e);
}

void report_too_big(Core& core, PacketId about, u32 mtu) {
  if (!is_ours(core.pool[about])) return send_too_big(core, about, mtu);
  ip::IcmpError e;
  if (!describe(core, about, e)) return;
  e.kind = ip::IcmpError::Kind::too_big;
  const bool v4 = core.pool[about].family == 4;
  e.type = v4 ? wire::icmp4::unreachable : wire::icmp6::packet_too_big;
  e.code = v4 ? wire::icmp4::fragmentation_needed : u8{0};
  e.mtu = mtu;
  tell_transport(core, e);
}

//= rfc1122#3.2.2 I31
//= rfc1122#3.4 I144, I145
bool tell_transport(Core& core, const ip::IcmpError& error) {
  bool known = core.raw->icmp_error(error, core.now);
  if (error.protocol == wire::proto::tcp && core.tcp) core.tcp->icmp_error(error, core.now);
  if (error.protocol == wire::proto::udp) known = core.udp->icmp_error(error, core.now) || known;
  return known;
}

bool output_ip(Core& core, PacketId id, const IpOut& out) {
  Packet& p = core.pool[id];
  p.netns = out.netns;
  p.if_in = 0;
  p.flags = 0;
  p.csum = {};
  p.gso = {};
  const auto d = find_destination(core, {.netns = out.netns, .dst = out.dst, .src = out.src, .oif = out.oif}, core.now);
  const u32 room = out.dst.is_v4() ? 20 : 40;
  if (!d || p.length + room > 65'535 + (room == 40 ? room : 0)) {
    core.drop(id, d ? Drop::ip_too_big : d.error() == Errc::addr_not_available ? Drop::ip_no_source : Drop::ip_no_route);
    return false;
  }
  //= rfc1122#3.2.1.7 I24
  const u8 ttl = out.ttl != 0 ? out.ttl : core.netns[out.netns]->sysctl.default_ttl;
  const IpAddr src = out.src.is_any() ? core.destinations[*d].source : out.src;
  const u16 payload = static_cast<u16>(p.length);
  p.l4 = p.head;
  p.l4_protocol = out.protocol;
  core.pool.push_front(id, static_cast<u16>(room));
  p.l3 = p.head;
  const MutBytes header{core.pool.at(id, p.head), room};
  if (out.dst.is_v4()) {
    p.family = 4;
    wire::emit(wire::Ipv4Fields{.tos = out.tos,
                                .payload_len = payload,
                                .dont_fragment = out.dont_fragment,
                                .ttl = ttl,
                                .protocol = out.protocol,
                                .src = src.v4(),
                                .dst = out.dst.v4()},
               header);
  } else {
    p.family = 6;
    wire::emit(wire::Ipv6Fields{.traffic_class = out.tos,
                                .payload_len = payload,
                                .next_header = out.protocol,
                                .hop_limit = ttl,
                                .src = src.v6(),
                                .dst = out.dst.v6()},
               header);
  }
  p.destination = *d;
  core.out.push(core.pool, id);
  return true;
}

}  // namespace weir::graph
