// udp/engine.hpp: sockets come, are named, and go.
#include "udp/engine.hpp"

#include "udp/state.hpp"
#include "wire/protocol.hpp"

namespace weir::udp {
namespace {

// Is it an address that this host can be reached at? Routes know: to ourselves they are local.
Result<void> check_local(State& e, const Socket& s, const Endpoint& local, Instant now) {
  if (local.addr.is_any() || local.addr.is_multicast()) return {};
  if (local.addr.is_v4() && local.addr.v4().is_broadcast()) return {};
  const IfIndex oif = local.addr.is_link_local() && local.addr.is_v6() ? static_cast<IfIndex>(local.scope) : IfIndex{0};
  const auto d = e.env.route(e.env.cx, {.netns = s.netns, .dst = local.addr, .src = {}, .oif = oif}, now);
  if (!d) return fail(Errc::addr_not_available);
  const ip::DestinationKind kind = e.env.destinations[*d].kind;
  if (kind != ip::DestinationKind::local && kind != ip::DestinationKind::broadcast) return fail(Errc::addr_not_available);
  return {};
}

void place(State& e, u32 s, const Endpoint& local) {
  Socket& x = e.sockets[s];
  if (x.bound) e.ports.remove(s);
  x.local = local;
  x.bound = true;
  e.ports.insert(s);
}

void forget_destination(Socket& s) { s.destination = s.destination_generation = 0; }

}  // namespace

Engine::Engine(ip::Transport& env, u32 max_sockets) : impl_(std::make_unique<State>(env, max_sockets)) {}

Engine::~Engine() {
  impl_->sockets.for_each([&](u32 s) { impl_->sockets[s].queue.clear(impl_->env.pool); });
}

void Engine::add_netns(NetnsId netns) {
  if (impl_->counters.size() <= netns) impl_->counters.resize(netns + 1u);
  impl_->counters[netns] = std::make_unique<Counters<Udp>>();
}

Result<u32> Engine::open(NetnsId netns, Family family, u32 user) {
  const u32 s = impl_->sockets.alloc();
  if (s == 0) return fail(Errc::too_many);
  Socket& x = impl_->sockets[s];
  x.netns = netns;
  x.family = family;
  x.user = user;
  x.local.addr = IpAddr::any(family);
  x.remote.addr = IpAddr::any(family);
  return s;
}

Result<void> check_family(const Socket& s, const Endpoint& dst) {
  if (s.family == Family::v4) {
    if (!dst.addr.is_v4()) return fail(Errc::family_not_supported);
    return {};
  }
  if (dst.addr.is_v4()) {
    if (s.options.v6_only || (!s.local.addr.is_v4() && !s.local.addr.is_any())) return fail(Errc::net_unreachable);
  } else if (s.local.addr.is_v4() && s.bound) {
    return fail(Errc::net_unreachable);
  }
  return {};
}

Result<void> bind_ephemeral(State& e, u32 s, IpAddr address) {
  const Sysctl& sysctl = e.env.sysctl(e.sockets[s].netns);
  const u32 range = static_cast<u32>(sysctl.port_last - sysctl.port_first) + 1;
  const u32 start = static_cast<u32>(e.env.rng.below(range));
  // Chance first; when the range is crowded, one after the other from a place by chance.
  constexpr u32 by_chance = 16;
  for (u32 i = 0; i < range + by_chance; ++i) {
    const u32 pick = i < by_chance ? static_cast<u32>(e.env.rng.below(range)) : (start + i) % range;
    const Endpoint local{address, static_cast<u16>(sysctl.port_first + pick), e.sockets[s].local.scope};
    if (e.ports.conflicts(s, local)) continue;
    place(e, s, local);
    e.sockets[s].chosen_port = true;
    return {};
  }
  return fail(Errc::addr_in_use);
}

//= rfc1122#3.3.4.2 I115
Result<void> Engine::bind(u32 s, const Endpoint& local, Instant now) {
  Socket& x = impl_->sockets[s];
  if (x.bound) return fail(Errc::invalid);
  if (x.family == Family::v4 && !local.addr.is_v4()) return fail(Errc::family_not_supported);
  if (x.family == Family::v6 && local.addr.is_v4() && x.options.v6_only) return fail(Errc::invalid);
  if (auto ok = check_local(*impl_, x, local, now); !ok) return ok;
  Endpoint at = local;
  // ::ffff:0.0.0.0 of an IPv6 socket is IPv4 alone; the unspecified address of its family is everything.
  if (at.port == 0) {
    x.local.scope = at.scope;
    return bind_ephemeral(*impl_, s, at.addr);
  }
  if (impl_->ports.conflicts(s, at)) return fail(Errc::addr_in_use);
  place(*impl_, s, at);
  return {};
}

Result<u32> find_route(State& e, const Socket& s, const Endpoint& dst, Instant now) {
  const IpAddr src = s.local.addr.is_any() || s.local.addr.is_multicast() ? IpAddr::any(dst.addr.family()) : s.local.addr;
  const IfIndex oif = s.options.interface != 0 ? s.options.interface : static_cast<IfIndex>(dst.scope);
  return e.env.route(e.env.cx, {.netns = s.netns, .dst = dst.addr, .src = src, .oif = oif}, now);
}

Result<void> Engine::connect(u32 s, const Endpoint& remote, Instant now) {
  Socket& x = impl_->sockets[s];
  if (remote.addr.is_any()) {
    x.connected = false;
    x.remote = {IpAddr::any(x.family), 0, 0};
    forget_destination(x);
    if (x.chosen_address) place(*impl_, s, {IpAddr::any(x.family), x.local.port, 0});
    x.chosen_address = false;
    return {};
  }
  if (remote.port == 0) return fail(Errc::invalid);
  if (auto ok = check_family(x, remote); !ok) return ok;
  if (x.chosen_address) place(*impl_, s, {IpAddr::any(x.family), x.local.port, 0});
  x.chosen_address = false;
  const auto d = find_route(*impl_, x, remote, now);
  if (!d) return fail(d.error());
  const ip::Destination& entry = impl_->env.destinations[*d];
  if (entry.kind == ip::DestinationKind::broadcast && !x.options.broadcast) return fail(Errc::permission_denied);
  if (!x.bound)
    if (auto ok = bind_ephemeral(*impl_, s, x.local.addr); !ok) return ok;
  //= rfc1122#4.1.3.5 U14
  if (x.any_address() && !entry.source.is_any()) {
    place(*impl_, s, {entry.source, x.local.port, remote.scope});
    x.chosen_address = true;
  }
  x.remote = remote;
  x.connected = true;
  x.error.reset();
  x.destination = *d;
  x.destination_generation = entry.generation;
  return {};
}

Result<void> Engine::shutdown(u32 s, Shutdown how) {
  Socket& x = impl_->sockets[s];
  if (!x.connected) return fail(Errc::not_connected);
  x.shut_read = x.shut_read || how != Shutdown::write;
  x.shut_write = x.shut_write || how != Shutdown::read;
  impl_->notify(x, Ready::in | Ready::out);
  return {};
}

void Engine::close(u32 s, Instant) {
  Socket& x = impl_->sockets[s];
  if (x.bound) impl_->ports.remove(s);
  x.queue.clear(impl_->env.pool);
  impl_->sockets.release(s);
}

Result<void> Engine::set_option(u32 s, Option option, i64 value) {
  Socket& x = impl_->sockets[s];
  if (option == Option::v6_only && x.bound) return fail(Errc::invalid);
  forget_destination(x);
  return udp::set_option(x.options, option, value);
}

Result<i64> Engine::get_option(u32 s, Option option) {
  Socket& x = impl_->sockets[s];
  switch (option) {
    case Option::type: return static_cast<i64>(SocketType::datagram);
    case Option::error: {
      const i64 posix = x.error ? to_errno(*x.error) : 0;
      x.error.reset();
      return posix;
    }
    case Option::pending_input: {
      const buf::PacketId id = x.queue.front();
      if (id == buf::PacketId::none) return 0;
      const buf::Packet& p = impl_->env.pool[id];
      return p.length - static_cast<u32>(p.payload - p.head);
    }
    case Option::pending_output: return 0;
    default: return udp::get_option(x.options, option);
  }
}

Endpoint Engine::local(u32 s) const { return impl_->sockets[s].local; }

Result<Endpoint> Engine::remote(u32 s) const {
  const Socket& x = impl_->sockets[s];
  if (!x.connected) return fail(Errc::not_connected);
  return x.remote;
}

u32 Engine::ready(u32 s) const {
  const Socket& x = impl_->sockets[s];
  u32 mask = 0;
  if (!x.queue.empty() || x.shut_read) mask |= Ready::in;
  if (!x.shut_write) mask |= Ready::out;
  if (x.error) mask |= Ready::error;
  if (x.shut_read && x.shut_write) mask |= Ready::hangup;
  return mask;
}

// The sockets stay, as handles that others hold; they have no network any more.
void Engine::remove_netns(NetnsId netns, Instant) {
  impl_->sockets.for_each([&](u32 s) {
    Socket& x = impl_->sockets[s];
    if (x.netns != netns) return;
    if (x.bound) impl_->ports.remove(s);
    x.bound = x.connected = false;
    x.shut_read = x.shut_write = true;
    x.error = Errc::net_down;
    x.queue.clear(impl_->env.pool);
    forget_destination(x);
    impl_->notify(x, Ready::error);
  });
}

Counters<Udp>& Engine::counters(NetnsId netns) { return impl_->count(netns); }

u32 Engine::sockets() const { return impl_->sockets.live(); }

}  // namespace weir::udp
