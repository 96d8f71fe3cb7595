// The kernel as a peer: the same work with its sockets, between two network namespaces of our own that a veth pair joins, on
// one core. Each runs in a process of its own, and nothing of it is left afterwards. Needs root and iproute2.
#pragma once

#include "bench/case.hpp"

namespace weir::bench {

[[nodiscard]] Sample linux_tcp(const Env& env, bool gso);
[[nodiscard]] Sample linux_rtt(const Env& env);
[[nodiscard]] Sample linux_connect(const Env& env);
[[nodiscard]] Sample linux_idle(const Env& env);
[[nodiscard]] Sample linux_forward(const Env& env);
[[nodiscard]] Sample linux_udp_echo(const Env& env);

}  // namespace weir::bench
