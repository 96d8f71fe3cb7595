// ARP: RFC 826, RFC 1122 2.3.2, RFC 5227.
#pragma once

#include "graph/nodes.hpp"

namespace weir::graph {

void send_arp_request(Core& core, u32 neighbour, bool unicast);
// RFC 5227: a probe asks for `address` in nobody's name, an announcement in its own.
void send_arp_probe(Core& core, Interface& out, Ip4Addr address);
void send_arp_announcement(Core& core, Interface& out, Ip4Addr address);

}  // namespace weir::graph
