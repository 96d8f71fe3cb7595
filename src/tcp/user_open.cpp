// tcp/user_calls.hpp: OPEN, passive and active (RFC 9293 3.10.1).
#include "tcp/arrives.hpp"
#include "tcp/autotune.hpp"
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/negotiate.hpp"
#include "tcp/output.hpp"
#include "tcp/rtt.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

u32 listener_index(Context& cx, const Tcb& t) noexcept {
  for (u32 i = cx.listeners.first(t.netns, t.local_port); i != 0; i = cx.listeners.next(i))
    if (cx.listeners[i].tcb == t.id) return i;
  return 0;
}

// Neither any, nor a group, nor a broadcast address (MUST-46); of the socket's family or, for IPv6, v4-mapped.
Result<void> check_remote(const Tcb& t, const Endpoint& remote) noexcept {
  const bool v6_socket = t.is(ColdFlags::family_v6);
  if (remote.addr.is_v4() && v6_socket && t.is(ColdFlags::v6_only)) return fail(Errc::net_unreachable);
  if (!remote.addr.is_v4() && !v6_socket) return fail(Errc::family_not_supported);
  //= rfc9293#3.9.1.1 MUST-46
  if (remote.addr.is_multicast()) return fail(Errc::net_unreachable);
  if (remote.addr.is_v4() && (remote.addr.v4().is_broadcast() || remote.addr.v4().is_reserved())) return fail(Errc::net_unreachable);
  if (remote.port == 0) return fail(Errc::addr_not_available);
  return {};
}

Result<void> choose_route(Context& cx, Tcb& t, const Endpoint& remote) noexcept {
  IpAddr source = t.is(ColdFlags::source_bound) ? t.local : IpAddr::any(remote.addr.family());
  if (source.family() != remote.addr.family()) source = IpAddr::any(remote.addr.family());
  IpAddr to = remote.addr;
  if (to.is_any()) to = to.is_v4() ? IpAddr{Ip4Addr::loopback()} : IpAddr{Ip6Addr::loopback()};  // as everybody does
  const IfIndex oif = t.oif != 0 ? t.oif : static_cast<IfIndex>(remote.scope);
  const auto d = cx.env.route(cx.env.cx, {t.netns, to, source, oif}, cx.now);
  if (!d) return fail(d.error());
  const ip::Destination& dst = cx.env.destinations[*d];
  if (dst.kind == ip::DestinationKind::broadcast || dst.kind == ip::DestinationKind::multicast) return fail(Errc::net_unreachable);
  t.destination = *d;
  t.destination_generation = dst.generation;
  t.remote = to;
  t.local = source.is_any() ? dst.source : source;  //= rfc9293#3.9.1.1 MUST-44
  if (t.local.is_any()) return fail(Errc::addr_not_available);
  return {};
}

Result<void> choose_port(Context& cx, Tcb& t, const Endpoint& remote) noexcept {
  if (t.local_port != 0) {
    const Flow f = flow_of(t);
    return cx.find(f, cx.hash(f)) ? Result<void>{fail(Errc::addr_in_use)} : Result<void>{};
  }
  const auto port = ephemeral_port(cx, t.netns, t.local, {t.remote, remote.port, 0});
  if (!port) return fail(port.error());
  t.local_port = *port;
  return {};
}

void start(Context& cx, Tcb& t) noexcept {
  const Flow f = flow_of(t);
  t.iss = initial_sequence(cx, f);
  t.ts_offset = timestamp_offset(cx, f);
  t.snd_una = t.snd_sml = t.iss;
  t.snd_nxt = t.iss + 1;
  t.rcv_wscale = cx.sysctl(t).tcp_window_scaling ? window_shift(autotune::largest_receive_buffer(cx.sysctl(t), t)) : u8{0};
  t.rto_us = initial_rto_us;
  t.backoff = t.retries = 0;
  t.rtt_start_us = cx.now_us();
  t.state = State::syn_sent;
  t.progress_ms = t.last_rx_ms = cx.now_ms;
  cx.insert(f, Ref{RefKind::tcb, t.id});
  t.mark(ColdFlags::in_table);
  cx.count(t, Tcp::active_opens);
  send_syn(cx, t);
  set_timer(cx, t, true);
}

// Route, port and SYN; with what of `data` the send queue takes. `fast`: with the option of Fast Open.
Result<u32> open_active(Context& cx, Tcb& t, const Endpoint& remote, Bytes data, bool fast) noexcept {
  const IpAddr local_before = t.local;
  const u16 port_before = t.local_port;
  t.remote_port = remote.port;
  auto ok = choose_route(cx, t, remote);
  if (ok) ok = choose_port(cx, t, remote);
  if (!ok) {
    t.local = local_before;
    t.local_port = port_before;
    return fail(ok.error());
  }
  u32 queued = 0;
  if (!data.empty()) queued = t.tx.append_copy(cx.env.pool, data.first(std::min<usize>(data.size(), t.snd_buf)), buf::Purpose::stack);
  if (fast) t.fast_open |= FastOpenFlags::asked;
  start(cx, t);
  return queued;
}

}  // namespace

Result<u32> user_open(Context& cx, NetnsId netns, Family family, u32 user) noexcept {
  const u32 id = cx.tcbs.alloc();
  if (id == 0) return fail(Errc::no_memory);
  Tcb& t = cx.tcbs[id];
  const Sysctl& sys = cx.env.sysctl(netns);
  t.id = id;
  t.user = user;
  t.netns = netns;
  t.state = State::closed;
  t.local = t.remote = IpAddr::any(family);
  t.rcv_buf = sys.tcp_rmem;
  t.snd_buf = sys.tcp_wmem;
  t.peer_mss = t.snd_mss = 536;
  t.rto_us = initial_rto_us;
  t.error = t.soft_error = Errc::would_block;
  if (family == Family::v6) t.mark(ColdFlags::family_v6);
  return id;
}

Result<void> user_bind(Context& cx, Tcb& t, const Endpoint& local) noexcept {
  if (t.state != State::closed || t.is(ColdFlags::bound)) return fail(Errc::invalid);
  const bool v6 = t.is(ColdFlags::family_v6);
  if (local.addr.is_v4() && v6 && t.is(ColdFlags::v6_only)) return fail(Errc::invalid);
  if (!local.addr.is_v4() && !v6) return fail(Errc::family_not_supported);
  if (local.addr.is_multicast()) return fail(Errc::addr_not_available);
  u16 port = local.port;
  for (u32 tries = 0; port == 0 && tries < 65'536; ++tries) {
    const Sysctl& sys = cx.sysctl(t);
    const u16 p = static_cast<u16>(sys.port_first + cx.env.rng.below(static_cast<u64>(sys.port_last - sys.port_first) + 1));
    if (!cx.ports.taken(t.netns, p)) port = p;
  }
  if (port == 0) return fail(Errc::addr_in_use);
  const auto taken = cx.ports.take({.address = local.addr,
                                    .netns = t.netns,
                                    .port = port,
                                    .reuse_address = t.is(ColdFlags::reuse_address),
                                    .reuse_port = t.is(ColdFlags::reuse_port),
                                    .v6_only = t.is(ColdFlags::v6_only),
                                    .family_v6 = !local.addr.is_v4(),
                                    .tcb = t.id});
  if (!taken) return taken;
  t.local = local.addr;  //= rfc9293#3.9.1.1 MUST-43
  t.local_port = port;
  t.mark(ColdFlags::bound | (local.addr.is_any() ? 0u : ColdFlags::source_bound));
  return {};
}

Result<void> user_listen(Context& cx, Tcb& t, u32 backlog) noexcept {
  if (t.state == State::listen) {
    cx.listeners[listener_index(cx, t)].backlog = backlog;
    return {};
  }
  if (t.state != State::closed) return fail(Errc::invalid);
  if (!t.is(ColdFlags::bound)) {
    const auto bound = user_bind(cx, t, {t.local, 0, 0});
    if (!bound) return bound;
  }
  //= rfc9293#3.9.1.1 MUST-41
  //= rfc9293#3.9.1.1 MUST-42
  if (const auto ok = cx.ports.listen(t.id, t.netns, t.local_port); !ok) return ok;
  const u32 i = cx.listeners.add(t.netns, t.local_port);
  if (i == 0) return fail(Errc::no_memory);
  cx.listeners[i].tcb = t.id;
  cx.listeners[i].backlog = backlog;
  t.listener = i;
  t.state = State::listen;
  return {};
}

Result<u32> user_accept(Context& cx, Tcb& t) noexcept {
  if (t.state != State::listen) return fail(Errc::invalid);
  Listener& l = cx.listeners[t.listener];
  const u32 id = l.accept_queue.pop([&](u32 i) -> u32& { return cx.tcbs[i].link; });
  if (id == 0) return fail(Errc::would_block);
  --l.accept_n;
  Tcb& c = cx.tcbs[id];
  c.unmark(ColdFlags::accept_wait);
  if ((c.fast_open & FastOpenFlags::child) == 0) c.listener = 0;  // else it is counted there until the handshake is over
  return id;
}

Result<void> user_connect(Context& cx, Tcb& t, const Endpoint& remote) noexcept {
  switch (t.state) {
    case State::closed: break;
    case State::syn_sent:
    case State::syn_received: return fail(Errc::already);
    case State::listen: return fail(Errc::is_connected);
    default: return fail(Errc::is_connected);
  }
  if (t.error != Errc::would_block) {
    const Errc e = t.error;
    t.error = Errc::would_block;
    return fail(e);
  }
  if (const auto ok = check_remote(t, remote); !ok) return ok;
  if ((t.fast_open & FastOpenFlags::deferred) != 0) return fail(Errc::already);
  const bool fast = (t.fast_open & FastOpenFlags::connect) != 0 && fast_open::enabled(cx, t);
  if (fast && fast_open::may_send_data(cx, t, remote.addr)) {
    if (const auto ok = choose_route(cx, t, remote); !ok) return ok;
    t.remote_port = remote.port;
    t.fast_open |= FastOpenFlags::deferred;
    return {};
  }
  const auto ok = open_active(cx, t, remote, {}, fast);
  return ok ? Result<void>{fail(Errc::in_progress)} : fail(ok.error());
}

Result<u32> user_connect_send(Context& cx, Tcb& t, const Endpoint& remote, Bytes data) noexcept {
  const bool deferred = (t.fast_open & FastOpenFlags::deferred) != 0;
  if (!deferred && t.state != State::closed)
    return fail(t.state < State::established && t.state != State::listen ? Errc::already : Errc::is_connected);
  if (!deferred && (cx.sysctl(t).tcp_fastopen & fast_open::client) == 0) return fail(Errc::not_supported);
  if (t.error != Errc::would_block) return fail(std::exchange(t.error, Errc::would_block));
  if (const auto ok = check_remote(t, remote); !ok) return fail(ok.error());
  t.fast_open = static_cast<u8>(t.fast_open & ~FastOpenFlags::deferred);
  const Bytes now = fast_open::may_send_data(cx, t, remote.addr) ? data : Bytes{};
  const auto queued = open_active(cx, t, remote, now, fast_open::enabled(cx, t));
  if (!queued) return queued;
  if (*queued == 0) {
    t.mark(ColdFlags::write_wait);
    return fail(deferred ? Errc::would_block : Errc::in_progress);
  }
  return queued;
}

}  // namespace weir::tcp
