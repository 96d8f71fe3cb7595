// The state behind udp::Engine, shared by its files.
#pragma once

#include "udp/engine.hpp"
#include "udp/socket.hpp"

namespace weir::udp {

struct State {
  State(ip::Transport& transport, u32 max_sockets) : env(transport), sockets(max_sockets), ports(sockets) {}

  ip::Transport& env;
  Slab<Socket> sockets;
  PortTable ports;
  std::vector<std::unique_ptr<Counters<Udp>>> counters;

  void notify(const Socket& s, u32 mask) const {
    if (s.user != 0) env.notify(env.cx, s.user, mask);
  }
  [[nodiscard]] Counters<Udp>& count(NetnsId n) noexcept { return *counters[n]; }
};

// Binds to a port of the ephemeral range, chosen by chance (RFC 6056 3.3.1).
Result<void> bind_ephemeral(State& e, u32 s, IpAddr address);
// A destination entry for dst, from the address and interface that the socket is bound to.
Result<u32> find_route(State& e, const Socket& s, const Endpoint& dst, Instant now);
// The family of dst is one that the socket can send to.
Result<void> check_family(const Socket& s, const Endpoint& dst);

}  // namespace weir::udp
