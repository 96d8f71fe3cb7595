// The nodes behind graph/core.hpp and what they call of each other. Each takes ownership of the packets it is given, unless
// it says otherwise. A packet between nodes of the IP layer has head at its IP header, and l3 too.
#pragma once

#include "graph/core.hpp"
#include "graph/for_each.hpp"

namespace weir::graph {

// -- in
void rx_ip4(Core& core, Interface& in, std::span<const buf::PacketId> packets);
void rx_ip6(Core& core, Interface& in, std::span<const buf::PacketId> packets);
void rx_arp(Core& core, Interface& in, buf::PacketId packet);

// Finds where the payload of a received super-segment begins (l4 is set). Drop::none, or why it is none.
[[nodiscard]] Drop find_payload(Core& core, buf::PacketId packet);

// -- to ourselves. TCP's packets are collected in `tcp`, for one call per batch.
// l3, l4, l4_protocol and family are set, fragments are put together, the destination is ours.
void deliver(Core& core, Interface& in, buf::PacketId packet, Batch& tcp);
void deliver_tcp(Core& core, Batch& tcp);
// A fragment: the datagram if it is complete now, none if it is not.
[[nodiscard]] buf::PacketId reassemble4(Core& core, Interface& in, buf::PacketId fragment);
[[nodiscard]] buf::PacketId reassemble6(Core& core, Interface& in, buf::PacketId fragment, u16 fragment_at, u16 named_at);
void expire_fragments(Core& core, u32 budget);

// -- through
void forward4(Core& core, Interface& in, buf::PacketId packet, u32 hop);
void forward6(Core& core, Interface& in, buf::PacketId packet, u32 hop);

// -- control protocols
void rx_icmp4(Core& core, Interface& in, buf::PacketId packet);
void rx_icmp6(Core& core, Interface& in, buf::PacketId packet);
void rx_igmp(Core& core, Interface& in, buf::PacketId packet);

}  // namespace weir::graph
