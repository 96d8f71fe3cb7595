#include "drill/packets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::drill {
namespace {

using wire::TcpFlags;

u8 tos_of(const IpInfo& ip) { return ip.tos ? *ip.tos : ip.ecn ? *ip.ecn : ip.ect01 ? u8{2} : u8{0}; }

// What the peer sends: a pattern by its place in the stream, so that bytes that come back wrong can be seen.
void fill(MutBytes out, u32 first) {
  for (usize i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>((first + i) * 131 >> 3);
}

PacketBytes tcp_segment(const TcpSpec& spec, Flow& flow, const std::vector<std::byte>& options, u32 offset, u32 length, bool last) {
  const bool syn = (spec.flags & TcpFlags::syn) != 0;
  const u16 only_last = TcpFlags::fin | TcpFlags::psh;
  const u32 seq = flow.remote.to_live(spec.seq.first, syn) + offset;
  wire::TcpFields f{.src_port = flow.remote_port,
                    .dst_port = flow.local_port,
                    .seq = {seq},
                    .ack = {(spec.flags & TcpFlags::ack) != 0 ? flow.local.to_live(spec.ack.value_or(0), syn) : 0},
                    .flags = {static_cast<u16>(last ? spec.flags : spec.flags & ~only_last)},
                    .window = spec.window.value_or(0),
                    .urgent = spec.urgent.value_or(0),
                    .options = options};
  PacketBytes out(wire::TcpView::min_len + options.size() + length);
  const usize header = emit(f, out);
  fill(MutBytes(out).subspan(header), seq - flow.remote.live);
  return out;
}

}  // namespace

PacketBytes add_ip(u8 protocol, PacketBytes transport, std::optional<usize> checksum_at, const IpInfo& ip, const IpAddr& src,
                   const IpAddr& dst, Place place) {
  if (transport.size() > 65'000) throw ScriptError(place, fmt::format("{} bytes are too many for one packet", transport.size()));
  if (checksum_at) wire::set_transport_checksum(MutBytes(transport), *checksum_at, src, dst, protocol);
  const bool v6 = src.is_v6();
  PacketBytes out(v6 ? wire::Ipv6View::header_len : wire::Ipv4View::min_len);
  if (v6)
    emit(wire::Ipv6Fields{.traffic_class = tos_of(ip),
                          .flow_label = ip.flow_label.value_or(0),
                          .payload_len = static_cast<u16>(transport.size()),
                          .next_header = protocol,
                          .hop_limit = ip.ttl.value_or(u8{255}),
                          .src = src.v6(),
                          .dst = dst.v6()},
         out);
  else
    emit(wire::Ipv4Fields{.tos = tos_of(ip),
                          .payload_len = static_cast<u16>(transport.size()),
                          .ttl = ip.ttl.value_or(u8{255}),
                          .protocol = protocol,
                          .src = src.v4(),
                          .dst = dst.v4()},
         out);
  out.insert(out.end(), transport.begin(), transport.end());
  return out;
}

std::vector<PacketBytes> build_inbound(const PacketSpec& spec, Flow& flow, const Settings& settings, Place place) {
  const IpAddr src = settings.remote_address(), dst = settings.local_address();
  if (const auto* icmp = std::get_if<IcmpSpec>(&spec.body)) return build_icmp(*icmp, spec.ip, flow, settings, place);
  if (const auto* udp = std::get_if<UdpSpec>(&spec.body)) {
    PacketBytes out(wire::UdpView::header_len + udp->length);
    emit(wire::UdpFields{flow.remote_port, flow.local_port, static_cast<u16>(udp->length)}, out);
    return {add_ip(wire::proto::udp, std::move(out), wire::UdpView::checksum_at, spec.ip, src, dst, place)};
  }
  const TcpSpec& tcp = std::get<TcpSpec>(spec.body);
  const bool syn = (tcp.flags & TcpFlags::syn) != 0;
  if (syn && !flow.remote.known) flow.remote = {true, tcp.seq.first, tcp.seq.first};
  if ((tcp.flags & TcpFlags::ack) != 0) flow.answered = true;
  if ((tcp.flags & TcpFlags::rst) != 0) flow.finished = true;
  const std::vector<std::byte> options = encode_options(tcp, flow, settings, place);
  const u32 most = settings.inbound_mss != 0 && !syn ? settings.inbound_mss : 65'535u;
  std::vector<PacketBytes> out;
  u32 at = 0;
  do {
    const u32 n = std::min(most, tcp.seq.length - at);
    const bool last = at + n == tcp.seq.length;
    out.push_back(
        add_ip(wire::proto::tcp, tcp_segment(tcp, flow, options, at, n, last), wire::TcpView::checksum_at, spec.ip, src, dst, place));
    at += n;
  } while (at < tcp.seq.length);
  return out;
}

Seen take_apart(Bytes packet, Place place) {
  Seen s;
  const auto refuse = [&](std::string_view what) { throw RunFailure(place, fmt::format("the machine under test has sent {}", what)); };
  if (packet.empty()) refuse("nothing");
  if (load_u8(packet.data()) >> 4 == 6) {
    const auto v = wire::Ipv6View::parse(packet);
    if (!v) refuse("what is no IPv6 packet");
    const auto payload = v->payload();
    s = {.src = v->src(),
         .dst = v->dst(),
         .protocol = v->next_header(),
         .tos = v->traffic_class(),
         .ttl = v->hop_limit(),
         .flow_label = v->flow_label()};
    s.transport.assign(payload.begin(), payload.end());
  } else {
    const auto v = wire::Ipv4View::parse(packet);
    if (!v || !v->checksum_ok()) refuse("what is no IPv4 packet, or one with a wrong checksum");
    const auto payload = v->payload();
    s = {.src = v->src(), .dst = v->dst(), .protocol = v->protocol(), .tos = v->tos(), .ttl = v->ttl()};
    s.transport.assign(payload.begin(), payload.end());
  }
  if (s.protocol != wire::proto::tcp) return s;
  const auto tcp = wire::TcpView::parse(s.transport);
  if (!tcp) refuse("a TCP segment that is cut short");
  if (!wire::transport_checksum_ok(s.transport, s.src, s.dst, wire::proto::tcp)) refuse("a TCP segment with a wrong checksum");
  s.tcp = *tcp;
  return s;
}

std::string flags_text(u16 flags) {
  std::string out;
  const auto add = [&](u16 bit, char c) {
    if ((flags & bit) != 0) out += c;
  };
  add(TcpFlags::syn, 'S');
  add(TcpFlags::fin, 'F');
  add(TcpFlags::rst, 'R');
  add(TcpFlags::psh, 'P');
  add(TcpFlags::urg, 'U');
  add(TcpFlags::ece, 'E');
  add(TcpFlags::cwr, 'W');
  add(TcpFlags::ae, 'A');
  add(TcpFlags::ack, '.');
  return out.empty() ? "-" : out;
}

}  // namespace weir::drill
