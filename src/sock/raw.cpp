// sock/raw.hpp: sockets, options, receiving.
#include "sock/raw.hpp"

#include <algorithm>

#include "wire/protocol.hpp"

namespace weir::sock {

using buf::Packet;
using buf::PacketId;

RawEngine::RawEngine(ip::Transport& env, u32 max_sockets) : env_(env), sockets_(max_sockets) {}

RawEngine::~RawEngine() {
  for (const u32 s : open_) sockets_[s].queue.clear(env_.pool);
}

Result<u32> RawEngine::open(NetnsId netns, Family family, u8 protocol, u32 user) {
  const u32 s = sockets_.alloc();
  if (s == 0) return fail(Errc::too_many);
  Socket& x = sockets_[s];
  x.netns = netns;
  x.family = family;
  x.protocol = protocol;
  x.user = user;
  x.local.addr = x.remote.addr = IpAddr::any(family);
  open_.push_back(s);
  ++users_[protocol];
  return s;
}

Result<u32> RawEngine::open_packet(NetnsId netns, u16 ethertype, u32 user) {
  const u32 s = sockets_.alloc();
  if (s == 0) return fail(Errc::too_many);
  Socket& x = sockets_[s];
  x.netns = netns;
  x.is_packet = true;
  x.ethertype = ethertype;
  x.user = user;
  open_.push_back(s);
  if (packet_sockets_++ == 0 && frames_.watch != nullptr) frames_.watch(frames_.cx, true);
  return s;
}

void RawEngine::close(u32 s, Instant) {
  Socket& x = sockets_[s];
  if (x.is_packet) {
    if (--packet_sockets_ == 0 && frames_.watch != nullptr) frames_.watch(frames_.cx, false);
  } else {
    --users_[x.protocol];
  }
  x.queue.clear(env_.pool);
  std::erase(open_, s);
  sockets_.release(s);
}

Result<void> RawEngine::bind(u32 s, const Endpoint& local, Instant now) {
  Socket& x = sockets_[s];
  if (x.is_packet) {
    x.options.interface = static_cast<IfIndex>(local.scope);
    return {};
  }
  if (local.addr.family() != x.family && !(x.family == Family::v6 && local.addr.is_any())) return fail(Errc::family_not_supported);
  if (!local.addr.is_any() && !local.addr.is_multicast()) {
    const auto d = env_.route(env_.cx, {.netns = x.netns, .dst = local.addr, .src = {}, .oif = static_cast<IfIndex>(local.scope)}, now);
    if (!d || env_.destinations[*d].kind != ip::DestinationKind::local) return fail(Errc::addr_not_available);
  }
  x.local = {local.addr, 0, local.scope};
  return {};
}

Result<void> RawEngine::connect(u32 s, const Endpoint& remote, Instant) {
  Socket& x = sockets_[s];
  if (x.is_packet) return fail(Errc::not_supported);
  x.connected = !remote.addr.is_any();
  x.remote = x.connected ? Endpoint{remote.addr, 0, remote.scope} : Endpoint{IpAddr::any(x.family), 0, 0};
  if (x.connected && remote.addr.family() != x.family) {
    x.connected = false;
    return fail(Errc::family_not_supported);
  }
  return {};
}

Result<void> RawEngine::shutdown(u32 s, Shutdown how) {
  Socket& x = sockets_[s];
  if (!x.connected) return fail(Errc::not_connected);
  x.shut_read = x.shut_read || how != Shutdown::write;
  x.shut_write = x.shut_write || how != Shutdown::read;
  notify(x, Ready::in | Ready::out);
  return {};
}

Result<void> RawEngine::set_option(u32 s, Option option, i64 value) { return udp::set_option(sockets_[s].options, option, value); }

Result<i64> RawEngine::get_option(u32 s, Option option) {
  Socket& x = sockets_[s];
  switch (option) {
    case Option::type: return static_cast<i64>(x.is_packet ? SocketType::packet : SocketType::raw);
    case Option::error: {
      const i64 posix = x.error ? to_errno(*x.error) : 0;
      x.error.reset();
      return posix;
    }
    case Option::pending_input: return x.queue.empty() ? 0 : i64{env_.pool[x.queue.front()].length};
    default: return udp::get_option(x.options, option);
  }
}

Endpoint RawEngine::local(u32 s) const { return sockets_[s].local; }

Result<Endpoint> RawEngine::remote(u32 s) const {
  if (!sockets_[s].connected) return fail(Errc::not_connected);
  return sockets_[s].remote;
}

u32 RawEngine::ready(u32 s) const {
  const Socket& x = sockets_[s];
  u32 mask = 0;
  if (!x.queue.empty() || x.shut_read) mask |= Ready::in;
  if (!x.shut_write) mask |= Ready::out;
  if (x.error) mask |= Ready::error;
  return mask;
}

bool RawEngine::takes(const Socket& s, const Packet& p, const IpAddr& src, const IpAddr& dst) const noexcept {
  if (s.is_packet || s.netns != p.netns || s.protocol != p.l4_protocol || s.family != (p.family == 4 ? Family::v4 : Family::v6))
    return false;
  if (s.options.interface != 0 && s.options.interface != p.if_in) return false;
  if (!s.local.addr.is_any() && s.local.addr != dst) return false;
  return !s.connected || s.remote.addr == src;
}

void RawEngine::put(Socket& s, PacketId id) {
  const PacketId copy = env_.pool.clone(id);
  if (copy == PacketId::none) return;
  if (s.shut_read || !s.queue.push(env_.pool, copy, s.options.receive_buffer)) return env_.drop(copy, Drop::raw_queue_full);
  notify(s, Ready::in);
}

//= rfc1122#3.2.2.6 I55, I60
//= rfc1122#3.2.1.8 I26
bool RawEngine::receive(PacketId id, Instant) {
  const Packet& p = env_.pool[id];
  const std::byte* ip = env_.pool.at(id, p.l3);
  const bool v4 = p.family == 4;
  const IpAddr src = v4 ? IpAddr{Ip4Addr::load(ip + 12)} : IpAddr{Ip6Addr::load(ip + 8)};
  const IpAddr dst = v4 ? IpAddr{Ip4Addr::load(ip + 16)} : IpAddr{Ip6Addr::load(ip + 24)};
  bool taken = false;
  for (const u32 s : open_) {
    if (!takes(sockets_[s], p, src, dst)) continue;
    put(sockets_[s], id);
    taken = true;
  }
  return taken;
}

void RawEngine::on_frame(NetnsId netns, IfIndex interface, bool outbound, u16 ethertype, PacketId id, Instant now) {
  (void)outbound;
  (void)now;
  for (const u32 s : open_) {
    Socket& x = sockets_[s];
    const bool wanted = x.is_packet && x.netns == netns && (x.options.interface == 0 || x.options.interface == interface) &&
                        (x.ethertype == 0 || x.ethertype == ethertype);
    if (wanted) put(x, id);
  }
}

Result<Datagram> RawEngine::recv_from(u32 s, MutBytes out, u32 flags) {
  Socket& x = sockets_[s];
  if (x.error) {
    const Errc e = *x.error;
    x.error.reset();
    return fail(e);
  }
  if (x.queue.empty()) {
    if (x.shut_read) return Datagram{};
    return fail(Errc::would_block);
  }
  const PacketId id = x.queue.front();
  const Packet& p = env_.pool[id];
  Datagram d;
  if (x.is_packet) {
    d.length = p.length;
    d.copied = static_cast<u32>(env_.pool.copy_out(id, 0, out.first(std::min<usize>(out.size(), p.length))));
    d.interface = p.if_in != 0 ? p.if_in : p.if_out;
    d.time = p.time;
  } else {
    d = udp::read_datagram(env_.pool, id, x.family == Family::v4 ? p.l3 : p.l4, out);
  }
  if ((flags & RecvFlags::peek) == 0) x.queue.pop(env_.pool);
  return d;
}

bool RawEngine::icmp_error(const ip::IcmpError& error, Instant) {
  if (users_[error.protocol] == 0) return false;
  bool known = false;
  for (const u32 s : open_) {
    Socket& x = sockets_[s];
    if (x.is_packet || x.netns != error.netns || x.protocol != error.protocol || x.family != error.dst.family()) continue;
    if (x.connected && x.remote.addr != error.dst) continue;
    known = true;
    if (!x.connected && !x.options.receive_errors) continue;
    const udp::SocketError what = udp::error_of(error.kind);
    if (!what.hard && !x.options.receive_errors) continue;
    x.error = what.code;
    notify(x, Ready::error | Ready::in);
  }
  return known;
}

void RawEngine::remove_netns(NetnsId netns, Instant) {
  for (const u32 s : open_) {
    Socket& x = sockets_[s];
    if (x.netns != netns) continue;
    x.queue.clear(env_.pool);
    x.shut_read = x.shut_write = true;
    x.error = Errc::net_down;
    notify(x, Ready::error);
  }
}

}  // namespace weir::sock
