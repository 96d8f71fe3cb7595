// Multicast memberships of interfaces, and the reports that tell routers and switches of them: IGMPv3 (RFC 3376), MLDv2
// (RFC 3810), hosts' side, any-source only.
#pragma once

#include "graph/nodes.hpp"

namespace weir::graph {

// Memberships are counted: the last one that leaves ends it.
void join_group(Core& core, Interface& i, const IpAddr& group);
void leave_group(Core& core, Interface& i, const IpAddr& group);

// A query was heard: reports are due within max_response_ms.
void schedule_reports(Core& core, Interface& i, u32 max_response_ms);
void advance_reports(Core& core, Interface& i);

}  // namespace weir::graph
