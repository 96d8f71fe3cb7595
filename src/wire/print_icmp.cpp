#include "wire/mld.hpp"
#include "wire/nd.hpp"
#include "wire/print.hpp"
#include "wire/print_text.hpp"
#include "wire/quoted.hpp"

namespace weir::wire {
namespace {

using print::name_of;
using print::Named;
using print::num;

constexpr Named types4[] = {{icmp4::echo_reply, "echo reply"},
                            {icmp4::unreachable, "unreachable"},
                            {icmp4::source_quench, "source quench"},
                            {icmp4::redirect, "redirect"},
                            {icmp4::echo_request, "echo request"},
                            {icmp4::router_advertisement, "router advertisement"},
                            {icmp4::router_solicitation, "router solicitation"},
                            {icmp4::time_exceeded, "time exceeded"},
                            {icmp4::parameter_problem, "parameter problem"},
                            {icmp4::timestamp, "timestamp request"},
                            {icmp4::timestamp_reply, "timestamp reply"},
                            {icmp4::information_request, "information request"},
                            {icmp4::information_reply, "information reply"},
                            {icmp4::mask_request, "address mask request"},
                            {icmp4::mask_reply, "address mask reply"}};

constexpr Named unreachable4[] = {{icmp4::net, "net"},
                                  {icmp4::host, "host"},
                                  {icmp4::protocol, "protocol"},
                                  {icmp4::port, "port"},
                                  {icmp4::fragmentation_needed, "fragmentation needed"},
                                  {icmp4::source_route_failed, "source route failed"},
                                  {icmp4::net_unknown, "net unknown"},
                                  {icmp4::host_unknown, "host unknown"},
                                  {icmp4::host_isolated, "host isolated"},
                                  {icmp4::net_prohibited, "net prohibited"},
                                  {icmp4::host_prohibited, "host prohibited"},
                                  {icmp4::net_tos, "net for tos"},
                                  {icmp4::host_tos, "host for tos"},
                                  {icmp4::admin_prohibited, "admin prohibited"},
                                  {icmp4::host_precedence, "host precedence"},
                                  {icmp4::precedence_cutoff, "precedence cutoff"}};

constexpr Named types6[] = {{icmp6::unreachable, "unreachable"},
                            {icmp6::packet_too_big, "packet too big"},
                            {icmp6::time_exceeded, "time exceeded"},
                            {icmp6::parameter_problem, "parameter problem"},
                            {icmp6::echo_request, "echo request"},
                            {icmp6::echo_reply, "echo reply"},
                            {icmp6::mld_query, "multicast listener query"},
                            {icmp6::mld1_report, "multicast listener report"},
                            {icmp6::mld1_done, "multicast listener done"},
                            {icmp6::mld2_report, "multicast listener report v2"},
                            {icmp6::router_solicit, "router solicitation"},
                            {icmp6::router_advert, "router advertisement"},
                            {icmp6::neighbor_solicit, "neighbor solicitation"},
                            {icmp6::neighbor_advert, "neighbor advertisement"},
                            {icmp6::redirect, "redirect"}};

constexpr Named unreachable6[] = {{icmp6::no_route, "no route"},
                                  {icmp6::admin_prohibited, "admin prohibited"},
                                  {icmp6::beyond_scope, "beyond scope"},
                                  {icmp6::address, "address"},
                                  {icmp6::port, "port"},
                                  {icmp6::policy, "policy"},
                                  {icmp6::reject_route, "reject route"},
                                  {icmp6::source_route_error, "source route error"}};

constexpr Named problems6[] = {{icmp6::erroneous_field, "erroneous field"},
                               {icmp6::unknown_next_header, "unknown next header"},
                               {icmp6::unknown_option, "unknown option"},
                               {icmp6::incomplete_chain, "incomplete header chain"}};

// " for 10.0.0.1.40000 > 10.0.0.2.80 proto 17"
std::string about(const Result<Quoted, Drop>& q) {
  if (!q) return {};
  const bool has_ports = q->first_fragment && (q->protocol == proto::tcp || q->protocol == proto::udp);
  const auto end = [&](const IpAddr& a, u16 port) { return to_string(a) + (has_ports ? '.' + num(port) : std::string()); };
  return " for " + end(q->src, q->src_port()) + " > " + end(q->dst, q->dst_port()) + " proto " + num(q->protocol);
}

std::string echo(u16 id, u16 seq) { return ", id " + num(id) + ", seq " + num(seq); }

std::string code_or(u8 code, std::string_view zero, std::string_view one) {
  return ' ' + (code == 0 ? std::string(zero) : code == 1 ? std::string(one) : "code " + num(code));
}

std::string nd_option_text(const NdOption& o) {
  switch (o.type) {
    case nd_option::source_link:
    case nd_option::target_link:
      if (o.whole.size() != 8) break;
      return (o.type == nd_option::source_link ? "slla " : "tlla ") + to_string(load_raw<MacAddr>(o.whole.data() + 2));
    case nd_option::prefix_info:
      if (const auto p = NdPrefixInfo::parse(o)) return "prefix " + to_string(Prefix{p->prefix, p->length});
      break;
    case nd_option::mtu:
      if (o.whole.size() == 8) return "mtu " + num(load_be32(o.whole.data() + 4));
      break;
    case nd_option::redirected_header: return "redirected header";
    case nd_option::nonce: return "nonce";
    case nd_option::route_info:
      if (const auto r = NdRouteInfo::parse(o)) return "route " + to_string(r->prefix) + '/' + num(r->length);
      break;
    case nd_option::rdnss:
      if (const auto d = NdDnsServers::parse(o)) return "rdnss " + to_string((*d)[0]) + (d->count() > 1 ? " ..." : "");
      break;
    case nd_option::dnssl: return "dnssl";
    default: break;
  }
  return "option " + num(o.type);
}

std::string nd_options_text(const NdOptions& options) {
  std::string s;
  for (const NdOption o : options) s += ", " + nd_option_text(o);
  return s;
}

std::string advert_text(const RouterAdvert& a) {
  return ", hop limit " + num(a.hop_limit) + ", flags [" + (a.managed ? "M" : "") + (a.other ? "O" : "") + "], lifetime " +
         num(a.lifetime_s) + 's';
}

std::string neighbor_text(const NeighborAdvert& a) {
  return ' ' + to_string(a.target) + ", flags [" + (a.router ? "R" : "") + (a.solicited ? "S" : "") + (a.override_ ? "O" : "") + ']';
}

std::string nd_text(const Icmp6View& v) {
  const auto show = [](const auto& m, auto&& text) { return m ? text(*m) + nd_options_text(m->options) : ' ' + print::bad(m.error()); };
  switch (v.type()) {
    case icmp6::router_solicit: return show(RouterSolicit::parse(v), [](const auto&) { return std::string(); });
    case icmp6::router_advert: return show(RouterAdvert::parse(v), advert_text);
    case icmp6::neighbor_solicit: return show(NeighborSolicit::parse(v), [](const auto& m) { return ' ' + to_string(m.target); });
    case icmp6::neighbor_advert: return show(NeighborAdvert::parse(v), neighbor_text);
    default: return show(NdRedirect::parse(v), [](const auto& m) { return ' ' + to_string(m.destination) + " to " + to_string(m.target); });
  }
}

std::string mld_text(const Icmp6View& v) {
  if (v.type() == icmp6::mld_query) {
    const auto q = MldQuery::parse(v);
    return q ? " v" + num(q->version) + ' ' + to_string(q->group) + ", max " + num(q->max_response_ms) + "ms" : ' ' + print::bad(q.error());
  }
  if (v.type() == icmp6::mld2_report) {
    const auto r = MldReport::parse(v);
    return r ? ", " + num(r->records.count()) + " records" : ' ' + print::bad(r.error());
  }
  const auto m = Mld1Message::parse(v);
  return m ? ' ' + to_string(m->group) : ' ' + print::bad(m.error());
}

std::string details4(const Icmp4View& v) {
  switch (v.type()) {
    case icmp4::echo_request:
    case icmp4::echo_reply:
    case icmp4::timestamp:
    case icmp4::timestamp_reply: return echo(v.id(), v.seq());
    case icmp4::unreachable:
      return ' ' + name_of(unreachable4, v.code(), "code") +
             (v.code() == icmp4::fragmentation_needed ? " mtu " + num(v.next_hop_mtu()) : "");
    case icmp4::redirect: return code_or(v.code() & 1, "net", "host") + " to " + to_string(v.gateway());
    case icmp4::time_exceeded: return code_or(v.code(), "in transit", "in reassembly");
    case icmp4::parameter_problem: return " at byte " + num(v.pointer());
    default: return v.code() == 0 ? "" : " code " + num(v.code());
  }
}

std::string details6(const Icmp6View& v) {
  switch (v.type()) {
    case icmp6::echo_request:
    case icmp6::echo_reply: return echo(v.id(), v.seq());
    case icmp6::unreachable: return ' ' + name_of(unreachable6, v.code(), "code");
    case icmp6::packet_too_big: return ", mtu " + num(v.mtu());
    case icmp6::time_exceeded: return code_or(v.code(), "in transit", "in reassembly");
    case icmp6::parameter_problem: return ", " + name_of(problems6, v.code(), "code") + " at byte " + num(v.pointer());
    case icmp6::mld_query:
    case icmp6::mld1_report:
    case icmp6::mld1_done:
    case icmp6::mld2_report: return mld_text(v);
    default: return icmp6::is_nd(v.type()) ? nd_text(v) : v.code() == 0 ? "" : " code " + num(v.code());
  }
}

}  // namespace

std::string to_string(const Icmp4View& v) {
  return "ICMP " + name_of(types4, v.type(), "type") + details4(v) + (v.is_error() ? about(parse_quoted4(v.quote())) : std::string()) +
         ", length " + num(v.message().size());
}

std::string to_string(const Icmp6View& v) {
  return "ICMP6 " + name_of(types6, v.type(), "type") + details6(v) + (v.is_error() ? about(parse_quoted6(v.quote())) : std::string()) +
         ", length " + num(v.message().size());
}

std::string to_string(const IgmpView& v) {
  const auto text = [&]() -> std::string {
    switch (v.type()) {
      case igmp::query:
        if (const auto q = IgmpQuery::parse(v))
          return "query v" + num(q->version) + ' ' + to_string(q->group) + ", max " + num(q->max_response_ms) + "ms";
        return "query [bad]";
      case igmp::v1_report: return "v1 report " + to_string(v.group());
      case igmp::v2_report: return "v2 report " + to_string(v.group());
      case igmp::v2_leave: return "leave " + to_string(v.group());
      case igmp::v3_report:
        if (const auto r = IgmpReport::parse(v)) return "v3 report, " + num(r->records.count()) + " records";
        return "v3 report [bad]";
      default: return "type " + print::hex(v.type());
    }
  };
  return "IGMP " + text();
}

}  // namespace weir::wire
