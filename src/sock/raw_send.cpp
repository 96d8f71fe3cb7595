// sock/raw.hpp: sending. RFC 1122 3.4 (all that IP can do is the user's to ask for), RFC 3542 3.1.
#include "base/checksum.hpp"
#include "ip/output.hpp"
#include "sock/raw.hpp"
#include "wire/icmp6.hpp"

namespace weir::sock {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

namespace {

// ICMPv6 covers a pseudo-header that the user cannot know: the source address is chosen here.
bool checksum6(ip::Transport& env, PacketId id, const IpAddr& src, const IpAddr& dst) {
  const Packet& p = env.pool[id];
  if (p.inline_end - p.head < 8) return false;
  std::byte* const at = env.pool.at(id, p.head) + wire::Icmp6View::checksum_at;
  std::memset(at, 0, 2);
  const u64 pseudo = wire::pseudo_sum(src, dst, wire::proto::icmp6, p.length);
  const u16 sum = csum_finish(csum_plus(pseudo, env.pool.sum_from(id, 0)));
  std::memcpy(at, &sum, 2);
  return true;
}

// The first eight bytes, which are the header of most protocols, lie with the IP header in the header block.
PacketId make_packet(buf::Pool& pool, Bytes data) {
  const u32 front = static_cast<u32>(std::min<usize>(8, data.size()));
  const PacketId id = udp::make_packet(pool, front, data.subspan(front));
  if (id != PacketId::none && front != 0) std::memcpy(pool.header_block(id) + buf::l4_anchor, data.data(), front);
  return id;
}

void mark_group(Packet& p, const ip::Destination& d, const udp::DatagramOptions& o) {
  const bool loops = d.kind == ip::DestinationKind::broadcast || (d.kind == ip::DestinationKind::multicast && o.multicast_loop);
  if (loops) p.flags |= PacketFlags::to_self;
}

}  // namespace

Result<u32> RawEngine::send_frame(Socket& s, Bytes data, const Endpoint* to) {
  const IfIndex interface = to != nullptr && to->scope != 0 ? static_cast<IfIndex>(to->scope) : s.options.interface;
  if (interface == 0 || frames_.send == nullptr) return fail(Errc::device_not_found);
  const PacketId id = env_.pool.from_bytes(data);
  if (id == PacketId::none) return fail(Errc::no_memory);
  if (auto ok = frames_.send(frames_.cx, s.netns, interface, id); !ok) return fail(ok.error());
  return static_cast<u32>(data.size());
}

// The user wrote the IP header; what he left at zero is filled in, length and checksum are always ours (raw(7) of Linux).
Result<u32> RawEngine::send_whole(Socket& s, Bytes data, const Endpoint& dst, Instant now) {
  const usize header_len = data.empty() ? 0 : (load_u8(data.data()) & 0xfu) * 4u;
  if (header_len < 20 || header_len > data.size() || load_u8(data.data()) >> 4 != 4) return fail(Errc::invalid);
  const auto destination = env_.route(env_.cx, {.netns = s.netns, .dst = dst.addr, .src = s.local.addr, .oif = s.options.interface}, now);
  if (!destination) return fail(destination.error());
  const ip::Destination& d = env_.destinations[*destination];
  if (data.size() > env_.destinations.mtu(*destination, now)) return fail(Errc::message_size);
  const PacketId id = env_.pool.from_bytes(data);
  if (id == PacketId::none) return fail(Errc::no_memory);
  Packet& p = env_.pool[id];
  p.l3 = p.head;
  p.l4 = static_cast<u16>(p.head + header_len);
  p.family = 4;
  std::byte* const ip = env_.pool.at(id, p.head);
  p.l4_protocol = load_u8(ip + 9);
  store_be16(ip + 2, static_cast<u16>(data.size()));
  if (load_be32(ip + 12) == 0) d.source.v4().store(ip + 12);
  if (load_be16(ip + 4) == 0) store_be16(ip + 4, static_cast<u16>(env_.rng.next_u32()));
  store_be16(ip + 10, 0);
  const u16 sum = csum_finish(csum_add({ip, header_len}));
  std::memcpy(ip + 10, &sum, 2);
  p.netns = s.netns;
  p.destination = *destination;
  mark_group(p, d, s.options);
  env_.out.push(env_.pool, id);
  return static_cast<u32>(data.size());
}

Result<u32> RawEngine::send_to(u32 index, Bytes data, const Endpoint* to, u32, Instant now) {
  Socket& s = sockets_[index];
  if (s.error) {
    const Errc pending = *s.error;
    s.error.reset();
    return fail(pending);
  }
  if (s.shut_write) return fail(Errc::broken_pipe);
  if (s.is_packet) return send_frame(s, data, to);
  if (to == nullptr && !s.connected) return fail(Errc::dest_required);
  const Endpoint dst = to != nullptr ? *to : s.remote;
  if (dst.addr.family() != s.family) return fail(Errc::family_not_supported);
  if (s.options.header_included && s.family == Family::v4) return send_whole(s, data, dst, now);
  if (data.size() > 65'515) return fail(Errc::message_size);
  const IfIndex oif = s.options.interface != 0 ? s.options.interface : static_cast<IfIndex>(dst.scope);
  const IpAddr src = s.local.addr.is_multicast() ? IpAddr::any(s.family) : s.local.addr;
  const auto destination = env_.route(env_.cx, {.netns = s.netns, .dst = dst.addr, .src = src, .oif = oif}, now);
  if (!destination) return fail(destination.error());
  const ip::Destination& d = env_.destinations[*destination];
  if (d.kind == ip::DestinationKind::broadcast && !s.options.broadcast) return fail(Errc::permission_denied);
  const u32 whole = static_cast<u32>(data.size()) + (s.family == Family::v4 ? 20 : 40);
  const bool fits = whole <= env_.destinations.mtu(*destination, now);
  if (!fits && s.options.path_mtu_discovery == 2) return fail(Errc::message_size);
  const PacketId id = make_packet(env_.pool, data);
  if (id == PacketId::none) return fail(Errc::no_memory);
  if (s.protocol == wire::proto::icmp6 && s.family == Family::v6 && !checksum6(env_, id, d.source, dst.addr)) {
    env_.pool.release(id);
    return fail(Errc::invalid);
  }
  const u8 ttl = d.kind == ip::DestinationKind::multicast ? s.options.multicast_ttl
                 : s.options.ttl != 0                     ? s.options.ttl
                                                          : env_.sysctl(s.netns).default_ttl;
  ip::push_header(env_.pool, id,
                  {.src = d.source,
                   .dst = dst.addr,
                   .protocol = s.protocol,
                   .ttl = ttl,
                   .tos = s.options.tos,
                   .dont_fragment = s.options.path_mtu_discovery != 0 && fits});
  Packet& p = env_.pool[id];
  p.netns = s.netns;
  p.destination = *destination;
  mark_group(p, d, s.options);
  env_.out.push(env_.pool, id);
  return static_cast<u32>(data.size());
}

}  // namespace weir::sock
