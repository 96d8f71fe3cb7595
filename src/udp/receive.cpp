// UDP in: RFC 768, RFC 1122 4.1.3, RFC 8200 8.1, RFC 8085.
#include "base/checksum.hpp"
#include "udp/state.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::udp {
namespace {

using buf::Packet;
using buf::PacketFlags;
using buf::PacketId;

struct Parsed {
  Incoming in;
  bool has_checksum = false;
};

//= rfc1122#4.1.3.4 U06, U07
//= rfc1122#4.1.3.6 U15
Drop check(ip::Transport& env, PacketId id, Parsed& out) {
  Packet& p = env.pool[id];
  const u32 before = static_cast<u32>(p.l4 - p.head);
  if (p.length < before + wire::UdpView::header_len) return Drop::udp_truncated;
  if (!env.pool.pull_up(id, before + wire::UdpView::header_len)) return Drop::no_buffer;
  const auto udp = wire::UdpView::parse(env.pool.run_from(id, p.l4), p.length - before);
  if (!udp) return udp.error();
  const std::byte* ip = env.pool.at(id, p.l3);
  out.in.netns = p.netns;
  out.in.interface = p.if_in;
  if (p.family == 4) {
    out.in.from.addr = Ip4Addr::load(ip + 12);
    out.in.to.addr = Ip4Addr::load(ip + 16);
  } else {
    out.in.from.addr = Ip6Addr::load(ip + 8);
    out.in.to.addr = Ip6Addr::load(ip + 24);
  }
  out.in.from.port = udp->src_port();
  out.in.to.port = udp->dst_port();
  out.has_checksum = udp->has_checksum();
  const u32 length = udp->length();
  env.pool.trim_to(id, before + length);  // what comes after is no part of the datagram
  p.payload = static_cast<u16>(p.l4 + wire::UdpView::header_len);
  if (!out.has_checksum && p.csum.kind != buf::CsumKind::partial) {
    if (p.family == 6) return Drop::udp_no_checksum;
    return Drop::none;
  }
  if (p.csum.kind != buf::CsumKind::none) return Drop::none;
  const u64 pseudo = wire::pseudo_sum(out.in.from.addr, out.in.to.addr, wire::proto::udp, length);
  return csum_finish(csum_plus(pseudo, env.pool.sum_from(id, before))) == 0 ? Drop::none : Drop::udp_bad_checksum;
}

void put(State& e, u32 s, PacketId id, bool has_checksum) {
  Socket& x = e.sockets[s];
  Counters<Udp>& counters = e.count(x.netns);
  Drop why = Drop::none;
  //= rfc1122#4.1.3.4 U10
  if (!has_checksum && x.options.receive_checksum && e.env.pool[id].csum.kind == buf::CsumKind::none) why = Drop::udp_bad_checksum;
  else if (x.shut_read) why = Drop::closing;
  else if (!x.queue.push(e.env.pool, id, x.options.receive_buffer)) why = Drop::udp_queue_full;
  if (why != Drop::none) {
    counters.add(Udp::in_errors);
    return e.env.drop(id, why);
  }
  counters.add(Udp::in_datagrams);
  e.notify(x, Ready::in);
}

// Each socket that wants it gets it: all but the last one a reference to the same bytes.
bool put_all(State& e, PacketId id, const Parsed& datagram) {
  u32 last = 0;
  e.ports.for_each_match(datagram.in, [&](u32 s) {
    if (last != 0) {
      const PacketId copy = e.env.pool.clone(id);
      if (copy != PacketId::none) put(e, last, copy, datagram.has_checksum);
    }
    last = s;
  });
  if (last == 0) return false;
  put(e, last, id, datagram.has_checksum);
  return true;
}

}  // namespace

bool Engine::receive(PacketId id, Instant) {
  ip::Transport& env = impl_->env;
  const NetnsId netns = env.pool[id].netns;
  Parsed datagram;
  if (const Drop why = check(env, id, datagram); why != Drop::none) [[unlikely]] {
    impl_->count(netns).add(Udp::in_errors);
    env.drop(id, why);
    return true;
  }
  bool taken;
  if ((env.pool[id].flags & PacketFlags::to_group) != 0) {
    taken = put_all(*impl_, id, datagram);
  } else {
    const u32 spread = datagram.in.from.port * 0x9e37'79b1u >> 16;
    const u32 s = impl_->ports.find(datagram.in, spread);
    taken = s != 0;
    if (taken) put(*impl_, s, id, datagram.has_checksum);
  }
  if (!taken) impl_->count(netns).add(Udp::no_ports);
  return taken;
}

//= rfc1122#4.1.3.2 U02
//= rfc1122#4.1.3.5 U11
//= rfc1122#4.1.4 U19
Result<Datagram> Engine::recv_from(u32 s, MutBytes out, u32 flags) {
  Socket& x = impl_->sockets[s];
  buf::Pool& pool = impl_->env.pool;
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
  const Packet& p = pool[id];
  Datagram d = read_datagram(pool, id, p.payload, out);
  d.from.port = load_be16(pool.at(id, p.l4));
  d.to.port = load_be16(pool.at(id, p.l4) + 2);
  if ((flags & RecvFlags::peek) == 0) x.queue.pop(pool);
  return d;
}

//= rfc1122#4.1.3.3 U05
bool Engine::icmp_error(const ip::IcmpError& error, Instant) {
  Incoming sender{error.netns, error.interface, {}, {}};
  sender.to = {error.src, load_be16(error.transport.data()), 0};
  sender.from = {error.dst, load_be16(error.transport.data() + 2), 0};
  const u32 s = impl_->ports.find_sender(sender);
  if (s == 0) return false;
  Socket& x = impl_->sockets[s];
  const SocketError what = error_of(error.kind);
  // Of a socket that is not connected the user could not tell which of his datagrams is meant.
  const bool told = (x.connected && what.hard) || x.options.receive_errors ||
                    (error.kind == ip::IcmpError::Kind::too_big && x.connected && x.options.path_mtu_discovery == 2);
  if (told) {
    x.error = what.code;
    impl_->notify(x, Ready::error | Ready::in);
  }
  return true;
}

}  // namespace weir::udp
