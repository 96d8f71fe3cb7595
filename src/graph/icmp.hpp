// ICMP errors sent and heard, for both families: RFC 792, RFC 1122 3.2.2, RFC 1812 4.3, RFC 4443.
#pragma once

#include "graph/nodes.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"

namespace weir::graph {

enum class Unreachable : u8 { net, host, protocol, port, prohibited };

// Each says something to the sender of `about`, if that may be said at all; `about` stays the caller's.
void send_icmp4_error(Core& core, buf::PacketId about, const wire::Icmp4Fields& fields);
void send_icmp6_error(Core& core, buf::PacketId about, const wire::Icmp6Fields& fields, bool even_to_multicast = false);
void send_unreachable(Core& core, buf::PacketId about, Unreachable why);
void send_time_exceeded(Core& core, buf::PacketId about, bool reassembly);
void send_too_big(Core& core, buf::PacketId about, u32 mtu);

// The same for a packet that may be our own: then its transport is told, else its sender.
void report_undeliverable(Core& core, buf::PacketId about, Unreachable why);
void report_too_big(Core& core, buf::PacketId about, u32 mtu);

// An error about one of our packets, checked as far as this layer can, to the transport whose it is. False: nobody's.
bool tell_transport(Core& core, const ip::IcmpError& error);

// Where an ICMP message goes: builds the IP header in front of the packet, which begins with the ICMP header, and queues it.
struct IpOut {
  NetnsId netns = 0;
  IpAddr src, dst;    // src any: to be chosen
  IfIndex oif = 0;
  u8 protocol = 0;
  u8 ttl = 0;         // 0: the default
  u8 tos = 0;
  bool dont_fragment = false;
};
// Takes ownership. False: there is no way to dst, the packet has been dropped.
bool output_ip(Core& core, buf::PacketId id, const IpOut& out);

}  // namespace weir::graph
