// UDP out: RFC 768, RFC 1122 4.1.3 and 4.1.4.
#include "ip/output.hpp"
#include "udp/state.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::udp {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

constexpr u32 header_len = wire::UdpView::header_len;
constexpr u32 longest4 = 65'535 - 20 - header_len, longest6 = 65'535 - header_len;

// The entry of the connection while it lasts; of any other destination it is looked up.
Result<u32> route_for(State& e, Socket& x, const Endpoint& dst, Instant now) {
  const bool is_peer = x.connected && dst == x.remote;
  if (is_peer && e.env.destinations.valid(x.destination, x.destination_generation)) return x.destination;
  const auto d = find_route(e, x, dst, now);
  if (d && is_peer) {
    x.destination = *d;
    x.destination_generation = e.env.destinations[*d].generation;
  }
  return d;
}

u8 ttl_for(const State& e, const Socket& x, const ip::Destination& d) {
  if (d.kind == ip::DestinationKind::multicast) return x.options.multicast_ttl;
  return x.options.ttl != 0 ? x.options.ttl : e.env.sysctl(x.netns).default_ttl;
}

// The checksum is left to the port: with an offload it is never computed here.
void write_header(State& e, PacketId id, const Socket& x, const ip::HeaderOut& ip, u16 port, u32 payload) {
  Packet& p = e.env.pool[id];
  std::byte* const udp = e.env.pool.header_block(id) + buf::l4_anchor;
  wire::emit(wire::UdpFields{x.local.port, port, static_cast<u16>(payload)}, {udp, header_len});
  if (x.options.no_checksum && ip.src.is_v4()) return;
  const u16 pseudo = csum_fold(wire::pseudo_sum(ip.src, ip.dst, wire::proto::udp, header_len + payload));
  std::memcpy(udp + wire::UdpView::checksum_at, &pseudo, 2);
  p.csum = {buf::CsumKind::partial, buf::l4_anchor, wire::UdpView::checksum_at};
}

Result<void> check_send(State& e, Socket& x, Bytes data, const Endpoint& dst) {
  if (x.error) {
    const Errc pending = *x.error;
    x.error.reset();
    return fail(pending);
  }
  if (x.shut_write) return fail(Errc::broken_pipe);
  if (dst.port == 0 || dst.addr.is_any()) return fail(Errc::invalid);
  if (auto ok = check_family(x, dst); !ok) return ok;
  if (data.size() > (dst.addr.is_v4() ? longest4 : longest6)) return fail(Errc::message_size);
  (void)e;
  return {};
}

}  // namespace

//= rfc1122#3.3.6 I131, I135
//= rfc1122#4.1.3.5 U12
//= rfc1122#4.1.4 U17
//= rfc1122#3.4 I140
Result<u32> Engine::send_to(u32 s, Bytes data, const Endpoint* to, u32 flags, Instant now) {
  (void)flags;
  State& e = *impl_;
  Socket& x = e.sockets[s];
  if (to == nullptr && !x.connected) return fail(x.error ? *x.error : Errc::dest_required);
  const Endpoint dst = to != nullptr ? *to : x.remote;
  if (auto ok = check_send(e, x, data, dst); !ok) return fail(ok.error());
  if (!x.bound)
    if (auto ok = bind_ephemeral(e, s, x.local.addr); !ok) return fail(ok.error());
  const auto destination = route_for(e, x, dst, now);
  if (!destination) return fail(destination.error());
  const ip::Destination& d = e.env.destinations[*destination];
  if (d.kind == ip::DestinationKind::broadcast && !x.options.broadcast) return fail(Errc::permission_denied);
  const u32 whole = static_cast<u32>(data.size()) + header_len + (dst.addr.is_v4() ? 20 : 40);
  const bool fits = whole <= e.env.destinations.mtu(*destination, now);
  if (!fits && x.options.path_mtu_discovery == 2) return fail(Errc::message_size);
  const PacketId id = make_packet(e.env.pool, header_len, data);
  if (id == PacketId::none) return fail(Errc::no_memory);
  const ip::HeaderOut ip{.src = d.source,
                         .dst = dst.addr,
                         .protocol = wire::proto::udp,
                         .ttl = ttl_for(e, x, d),
                         .tos = x.options.tos,
                         .dont_fragment = x.options.path_mtu_discovery != 0 && fits};
  write_header(e, id, x, ip, dst.port, static_cast<u32>(data.size()));
  ip::push_header(e.env.pool, id, ip);
  Packet& p = e.env.pool[id];
  p.netns = x.netns;
  p.destination = *destination;
  const bool to_many = d.kind == ip::DestinationKind::broadcast || (d.kind == ip::DestinationKind::multicast && x.options.multicast_loop);
  if (to_many) p.flags |= PacketFlags::to_self;
  e.count(x.netns).add(Udp::out_datagrams);
  e.env.out.push(e.env.pool, id);
  return static_cast<u32>(data.size());
}

}  // namespace weir::udp
