// ICMP and ICMPv6 messages about packets that the machine has sent.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "drill/packets.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/udp.hpp"

namespace weir::drill {
namespace {

struct Code {
  std::string_view name;
  u8 code;
};
struct Type {
  std::string_view name;
  u8 type;
  std::vector<Code> codes;
};

const std::vector<Type>& types4() {
  static const std::vector<Type> all{
      {"unreachable",
       3,
       {{"net_unreachable", 0},
        {"host_unreachable", 1},
        {"protocol_unreachable", 2},
        {"port_unreachable", 3},
        {"frag_needed", 4},
        {"source_route_failed", 5},
        {"net_unknown", 6},
        {"host_unknown", 7},
        {"source_host_isolated", 8},
        {"net_prohibited", 9},
        {"host_prohibited", 10},
        {"net_unreachable_for_tos", 11},
        {"host_unreachable_for_tos", 12},
        {"communication_prohibited", 13},
        {"host_precedence_violation", 14},
        {"precedence_cutoff", 15}}},
      {"source_quench", 4, {}},
      {"redirect", 5, {{"net", 0}, {"host", 1}, {"net_for_tos", 2}, {"host_for_tos", 3}}},
      {"time_exceeded", 11, {{"exceeded_in_transit", 0}, {"exceeded_in_reassembly", 1}}},
      {"parameter_problem", 12, {{"pointer", 0}, {"option_missing", 1}, {"bad_length", 2}}},
      {"echo_request", 8, {}},
      {"echo_reply", 0, {}},
  };
  return all;
}

const std::vector<Type>& types6() {
  static const std::vector<Type> all{
      {"unreachable",
       1,
       {{"noroute", 0},
        {"no_route", 0},
        {"admin_prohibited", 1},
        {"communication_prohibited", 1},
        {"beyond_scope", 2},
        {"address_unreachable", 3},
        {"host_unreachable", 3},
        {"port_unreachable", 4},
        {"source_policy", 5},
        {"reject_route", 6}}},
      {"packet_too_big", 2, {}},
      {"time_exceeded", 3, {{"exceeded_in_transit", 0}, {"exceeded_in_reassembly", 1}}},
      {"parameter_problem", 4, {{"bad_header", 0}, {"unknown_header", 1}, {"unknown_option", 2}}},
      {"echo_request", 128, {}},
      {"echo_reply", 129, {}},
  };
  return all;
}

template <class T>
std::string names_of(const std::vector<T>& all) {
  std::string out;
  for (const T& t : all) out += (out.empty() ? "" : " ") + std::string(t.name);
  return out;
}

const Type& find_type(const IcmpSpec& spec, bool v6) {
  const auto& all = v6 ? types6() : types4();
  const auto found = std::ranges::find(all, spec.type, &Type::name);
  if (found == all.end())
    throw ScriptError(spec.type_place, fmt::format("\"{}\" is no type of {} that weir drill knows; {} are", spec.type,
                                                   v6 ? "ICMPv6" : "ICMP", names_of(all)));
  return *found;
}

u8 find_code(const IcmpSpec& spec, const Type& type, const Settings& settings) {
  if (spec.code.empty()) return 0;
  const auto defined = settings.defines.find(spec.code);
  const std::string_view name = defined != settings.defines.end() ? std::string_view(defined->second) : std::string_view(spec.code);
  if (const auto found = std::ranges::find(type.codes, name, &Code::name); found != type.codes.end()) return found->code;
  u8 v = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), v);
  if (error == std::errc{} && end == name.data() + name.size()) return v;
  throw ScriptError(spec.code_place, fmt::format("\"{}\" is no code of {}; {} are, and --define {}=NAME gives it a meaning", name,
                                                 spec.type, type.codes.empty() ? "none" : names_of(type.codes), spec.code));
}

// The beginning of the packet that the message is about: IP header and at least eight bytes (RFC 792).
PacketBytes quoted_packet(const IcmpSpec& spec, const Flow& flow, const Settings& settings, Place place) {
  const IpAddr src = settings.local_address(), dst = settings.remote_address();
  if (spec.quote == IcmpSpec::Quote::raw) return add_ip(255, PacketBytes(spec.quoted.length), {}, {}, src, dst, place);
  if (spec.quote == IcmpSpec::Quote::udp) {
    PacketBytes udp(wire::UdpView::header_len + spec.quoted.length);
    emit(wire::UdpFields{flow.local_port, flow.remote_port, static_cast<u16>(spec.quoted.length)}, udp);
    return add_ip(wire::proto::udp, std::move(udp), wire::UdpView::checksum_at, {}, src, dst, place);
  }
  const u32 seq = spec.quote == IcmpSpec::Quote::tcp ? flow.local.to_live(spec.quoted.first, false) : flow.last_seq;
  PacketBytes tcp(wire::TcpView::min_len + spec.quoted.length);
  emit(wire::TcpFields{.src_port = flow.local_port,
                       .dst_port = flow.remote_port,
                       .seq = {seq},
                       .ack = {flow.remote.live + 1},
                       .flags = {wire::TcpFlags::ack}},
       tcp);
  return add_ip(wire::proto::tcp, std::move(tcp), wire::TcpView::checksum_at, {}, src, dst, place);
}

}  // namespace

std::vector<PacketBytes> build_icmp(const IcmpSpec& spec, const IpInfo& ip, const Flow& flow, const Settings& settings, Place place) {
  const bool v6 = settings.wire_v6();
  const Type& type = find_type(spec, v6);
  const u8 code = find_code(spec, type, settings);
  if (spec.mtu && !(v6 ? spec.type == "packet_too_big" : spec.code == "frag_needed"))
    throw ScriptError(spec.type_place, fmt::format("mtu belongs to {}", v6 ? "icmp packet_too_big" : "icmp unreachable frag_needed"));
  if (spec.mtu && !v6 && *spec.mtu > 0xffff) throw ScriptError(spec.type_place, "the MTU of an IPv4 path is at most 65535");
  const bool echo = spec.type.starts_with("echo");
  if (spec.id && !echo) throw ScriptError(spec.type_place, "id belongs to echo_request and echo_reply");
  const u32 rest = echo ? static_cast<u32>(spec.id.value_or(u16{0})) << 16 : spec.mtu.value_or(0);
  PacketBytes body = echo ? PacketBytes(spec.quoted.length) : quoted_packet(spec, flow, settings, place);
  const usize room = v6 ? 1'280u - 48u : 576u - 28u;  // RFC 4443 2.4(c), RFC 1812 4.3.2.3
  if (!echo && body.size() > room) body.resize(room);
  const IpAddr src = settings.gateway_address(), dst = settings.local_address();
  PacketBytes out(8 + body.size());
  if (v6) emit(wire::Icmp6Fields{type.type, code, rest}, body, src.v6(), dst.v6(), out);
  else emit(wire::Icmp4Fields{type.type, code, rest}, body, out);
  return {add_ip(v6 ? wire::proto::icmp6 : wire::proto::icmp, std::move(out), {}, ip, src, dst, place)};
}

}  // namespace weir::drill
