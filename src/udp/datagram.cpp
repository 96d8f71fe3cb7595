// udp/datagram.hpp
#include "udp/datagram.hpp"

#include <algorithm>

namespace weir::udp {
namespace {

constexpr i64 most_buffer = 1 << 30, least_buffer = 4096;

Result<void> set_flag(bool& flag, i64 value) {
  flag = value != 0;
  return {};
}

Result<void> set_byte(u8& to, i64 value, i64 least) {
  if (value < least || value > 255) return fail(Errc::invalid);
  to = static_cast<u8>(value);
  return {};
}

Result<void> set_buffer(u32& to, i64 value) {
  if (value < 0) return fail(Errc::invalid);
  to = static_cast<u32>(std::clamp(value, least_buffer, most_buffer));
  return {};
}

}  // namespace

Result<void> set_option(DatagramOptions& o, Option option, i64 value) {
  switch (option) {
    case Option::reuse_address: return set_flag(o.reuse_address, value);
    case Option::reuse_port: return set_flag(o.reuse_port, value);
    case Option::broadcast: return set_flag(o.broadcast, value);
    case Option::multicast_loop: return set_flag(o.multicast_loop, value);
    case Option::v6_only: return set_flag(o.v6_only, value);
    case Option::receive_errors: return set_flag(o.receive_errors, value);
    case Option::header_included: return set_flag(o.header_included, value);
    case Option::receive_checksum: return set_flag(o.receive_checksum, value);
    case Option::no_checksum:
      return set_flag(o.no_checksum, value);  //= rfc1122#4.1.3.4 U08, U09
    //= rfc1122#3.2.1.6 I18, I20
    //= rfc1122#3.2.1.7 I21, I23
    //= rfc1122#4.1.4 U18
    case Option::ttl: return set_byte(o.ttl, value, 1);
    case Option::multicast_ttl: return set_byte(o.multicast_ttl, value, 0);
    case Option::tos: return set_byte(o.tos, value, 0);
    case Option::send_buffer: return set_buffer(o.send_buffer, value);
    case Option::receive_buffer: return set_buffer(o.receive_buffer, value);
    case Option::dont_fragment:
      if (value < 0 || value > 2) return fail(Errc::invalid);
      o.path_mtu_discovery = static_cast<u8>(value);
      return {};
    case Option::bind_interface:
      if (value < 0 || value > 0xffff) return fail(Errc::invalid);
      o.interface = static_cast<IfIndex>(value);
      return {};
    case Option::send_timeout:
    case Option::receive_timeout: return {};  // of whoever blocks
    default: return fail(Errc::no_protocol_option);
  }
}

Result<i64> get_option(const DatagramOptions& o, Option option) {
  switch (option) {
    case Option::reuse_address: return o.reuse_address;
    case Option::reuse_port: return o.reuse_port;
    case Option::broadcast: return o.broadcast;
    case Option::multicast_loop: return o.multicast_loop;
    case Option::v6_only: return o.v6_only;
    case Option::receive_errors: return o.receive_errors;
    case Option::header_included: return o.header_included;
    case Option::receive_checksum: return o.receive_checksum;
    case Option::no_checksum: return o.no_checksum;
    case Option::ttl: return o.ttl;
    case Option::multicast_ttl: return o.multicast_ttl;
    case Option::tos: return o.tos;
    case Option::send_buffer: return o.send_buffer;
    case Option::receive_buffer: return o.receive_buffer;
    case Option::dont_fragment: return o.path_mtu_discovery;
    case Option::bind_interface: return o.interface;
    case Option::accepting: return 0;
    default: return fail(Errc::no_protocol_option);
  }
}

bool ReceiveQueue::push(buf::Pool& pool, buf::PacketId id, u32 limit) noexcept {
  u32 size = sizeof(buf::Packet) + buf::header_block_size;
  pool.for_each_slice(id, [&](buf::Slice& s) { size += pool.capacity(s.buffer); });
  if (charged_ + size > (packets_.empty() ? limit : std::min(limit, pool.share()))) return false;
  charged_ += size;
  pool[id].charged = size;
  packets_.push(pool, id);
  return true;
}

void ReceiveQueue::pop(buf::Pool& pool) noexcept {
  const buf::PacketId id = packets_.pop(pool);
  charged_ -= pool[id].charged;
  pool.release(id);
}

//= rfc1122#3.4 I141
Datagram read_datagram(buf::Pool& pool, buf::PacketId id, u16 skip, MutBytes out) noexcept {
  const buf::Packet& p = pool[id];
  Datagram d;
  const u32 front = static_cast<u32>(skip - p.head);
  d.length = p.length - front;
  d.copied = static_cast<u32>(pool.copy_out(id, front, out.first(std::min<usize>(out.size(), d.length))));
  const std::byte* ip = pool.at(id, p.l3);
  if (p.family == 4) {
    d.from.addr = Ip4Addr::load(ip + 12);
    d.to.addr = Ip4Addr::load(ip + 16);
    d.ttl = load_u8(ip + 8);
    d.tos = load_u8(ip + 1);
  } else {
    d.from.addr = Ip6Addr::load(ip + 8);
    d.to.addr = Ip6Addr::load(ip + 24);
    d.ttl = load_u8(ip + 7);
    d.tos = static_cast<u8>(load_be16(ip) >> 4);
    if (d.from.addr.is_link_local()) d.from.scope = p.if_in;
    if (d.to.addr.is_link_local()) d.to.scope = p.if_in;
  }
  d.interface = p.if_in;
  d.time = p.time;
  return d;
}

buf::PacketId make_packet(buf::Pool& pool, u32 header, Bytes data) noexcept {
  const buf::PacketId id = pool.alloc();
  if (id == buf::PacketId::none) return id;
  buf::Packet& p = pool[id];
  p.head = buf::l4_anchor;
  p.inline_end = static_cast<u16>(buf::l4_anchor + header);
  p.length = header;
  if (data.size() <= static_cast<usize>(buf::header_block_size - p.inline_end)) {
    if (!data.empty()) std::memcpy(pool.header_block(id) + p.inline_end, data.data(), data.size());
    p.inline_end = static_cast<u16>(p.inline_end + data.size());
    p.length += static_cast<u32>(data.size());
    return id;
  }
  while (!data.empty()) {
    const buf::BufferId b = pool.alloc_for(static_cast<u32>(std::min<usize>(data.size(), buf::Pool::large_stride)), buf::Purpose::user);
    if (b == buf::BufferId::none) break;
    const usize n = std::min<usize>(data.size(), pool.capacity(b));
    std::memcpy(pool.data(b), data.data(), n);
    if (!pool.append(id, {b, 0, static_cast<u16>(n)})) break;
    data = data.subspan(n);
  }
  if (data.empty()) return id;
  pool.release(id);
  return buf::PacketId::none;
}

//= rfc1122#3.2.2.1 I41, I42
//= rfc1122#4.1.3.3 U05
SocketError error_of(ip::IcmpError::Kind kind) noexcept {
  using Kind = ip::IcmpError::Kind;
  switch (kind) {
    case Kind::port_unreachable: return {Errc::conn_refused, true};
    case Kind::protocol_unreachable: return {Errc::no_protocol_option, true};
    case Kind::admin_prohibited: return {Errc::permission_denied, true};
    case Kind::net_unreachable: return {Errc::net_unreachable, true};
    case Kind::host_unreachable: return {Errc::host_unreachable, true};
    case Kind::source_route_failed: return {Errc::not_supported, false};
    case Kind::time_exceeded: return {Errc::host_unreachable, false};
    case Kind::parameter_problem: return {Errc::protocol_error, false};
    case Kind::too_big: return {Errc::message_size, false};
  }
  return {Errc::host_unreachable, false};
}

}  // namespace weir::udp
