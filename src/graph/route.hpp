// Where does a packet go? Destination cache entries from the FIB, source selection and interfaces (RFC 1122 3.3.1,
// RFC 6724 5, RFC 4861 5.2).
#pragma once

#include "graph/core.hpp"

namespace weir::graph {

// The entry of a flow: resolved, and current at the time of the call. net_unreachable, host_unreachable, permission_denied,
// addr_not_available, net_down.
[[nodiscard]] Result<u32> find_destination(Core& core, const ip::RouteQuery& query, Instant now);
// Resolves an entry again after routes or addresses have changed.
[[nodiscard]] Result<void> refresh_destination(Core& core, u32 destination);

// One of ours, of any interface of the namespace. Link-local ones of the interface `scope`, or of any if it is 0.
[[nodiscard]] bool is_own_address(const Core& core, const Netns& ns, const IpAddr& a, IfIndex scope = 0);
// The address that `out` sends from to dst by next_hop; any of its family: none.
[[nodiscard]] IpAddr select_source(const Core& core, const Interface& out, const IpAddr& dst, const IpAddr& next_hop);

}  // namespace weir::graph
