// Neighbour discovery: RFC 4861 4.3, 4.4, 7; duplicate address detection: RFC 4862 5.4.
#pragma once

#include "graph/nodes.hpp"
#include "ip/dad.hpp"
#include "wire/icmp6.hpp"

namespace weir::graph {

void send_neighbour_solicitation(Core& core, u32 neighbour, bool unicast);
void send_dad_solicitation(Core& core, Interface& out, const Ip6Addr& address, const ip::DadNonce& nonce);

// Messages 133 to 137, whose checksum is good. Drop::none: heard, and the caller releases the packet.
[[nodiscard]] Drop rx_nd(Core& core, Interface& in, buf::PacketId id, const wire::Icmp6View& m);

}  // namespace weir::graph
