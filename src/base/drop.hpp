// Why a packet was dropped. Every dropped packet names one reason, and every reason is a counter
// (base/counters.hpp) shown by `weir stat` under its name.
#pragma once

#include <string_view>

#include "base/types.hpp"

#define WEIR_DROPS(X)                                                           \
  X(none, "not dropped")                                                        \
  /* link */                                                                    \
  X(eth_truncated, "frame shorter than an Ethernet header")                     \
  X(eth_giant, "frame longer than the interface takes")                         \
  X(eth_not_for_us, "unicast to another MAC address")                           \
  X(eth_unknown_type, "no handler for the EtherType")                           \
  X(eth_bad_length, "802.3 length, LLC or SNAP header does not fit")            \
  X(vlan_truncated, "VLAN tag cut short")                                       \
  X(vlan_unknown, "no interface for the VLAN id")                               \
  X(arp_truncated, "ARP packet shorter than its fields")                        \
  X(arp_bad_type, "ARP for other hardware or protocol, or bad lengths")         \
  X(arp_bad_sender, "ARP sender is zero, broadcast, multicast or ours")         \
  X(arp_not_for_us, "ARP for another target")                                   \
  X(link_down, "interface is down")                                             \
  /* IPv4 */                                                                    \
  X(ip4_truncated, "shorter than an IPv4 header")                               \
  X(ip4_bad_version, "version is not 4")                                        \
  X(ip4_bad_header_length, "IHL below 5 or beyond the packet")                  \
  X(ip4_bad_total_length, "total length below the header or beyond the frame")  \
  X(ip4_bad_checksum, "IPv4 header checksum wrong")                             \
  X(ip4_bad_source, "source address that no host may have")                     \
  X(ip4_bad_destination, "destination address that no host may have")           \
  X(ip4_bad_option, "malformed IPv4 option")                                    \
  X(ip4_source_route, "source routing is not accepted")                         \
  X(ip4_land, "source and destination are the same")                            \
  /* IPv6 */                                                                    \
  X(ip6_truncated, "shorter than an IPv6 header")                               \
  X(ip6_bad_version, "version is not 6")                                        \
  X(ip6_bad_payload_length, "payload length beyond the frame")                  \
  X(ip6_bad_source, "source address that no host may have")                     \
  X(ip6_bad_destination, "destination address that no host may have")           \
  X(ip6_bad_extension, "malformed extension header")                            \
  X(ip6_extension_limit, "too many extension headers or options")               \
  X(ip6_unknown_option, "option whose type asks to discard")                    \
  X(ip6_unknown_header, "unknown next header")                                  \
  X(ip6_routing_header, "routing header not accepted")                          \
  X(ip6_land, "source and destination are the same")                            \
  /* IP, both */                                                                \
  X(ip_not_for_us, "not one of our addresses, and not a router")                \
  X(ip_wrong_interface, "our address, but of another interface")                \
  X(ip_ttl_exceeded, "TTL or hop limit ran out")                                \
  X(ip_no_route, "no route to the destination")                                 \
  X(ip_no_source, "no source address to send from")                             \
  X(ip_too_big, "larger than the next link and not to be fragmented")           \
  X(ip_unknown_protocol, "no handler for the protocol")                         \
  X(ip_link_broadcast, "link-layer broadcast to a unicast address")             \
  X(ip_directed_broadcast, "directed broadcast is not forwarded")               \
  X(ip_forward_off_link, "address that must not be forwarded")                  \
  X(frag_bad, "fragment with a bad offset or length")                           \
  X(frag_too_long, "fragment reaches beyond 65,535 bytes")                      \
  X(frag_overlap, "fragments overlap: the datagram is discarded")               \
  X(frag_tiny, "first fragment without the transport header")                   \
  X(frag_limit, "reassembly limit reached")                                     \
  X(frag_timeout, "reassembly took too long")                                   \
  X(neigh_unresolved, "next hop does not answer")                               \
  X(neigh_queue_full, "pushed out by a later packet to an unresolved next hop") \
  X(neigh_limit, "neighbour table full")                                        \
  /* ICMP */                                                                    \
  X(icmp_truncated, "shorter than its ICMP type needs")                         \
  X(icmp_bad_checksum, "ICMP checksum wrong")                                   \
  X(icmp_unknown_type, "ICMP type not known")                                   \
  X(icmp_ignored, "ICMP type that is ignored by policy")                        \
  X(icmp_bad_embedded, "quoted packet too short or not ours")                   \
  X(icmp_stale, "quoted packet matches no data in flight")                      \
  X(icmp_broadcast, "echo request to a broadcast or multicast address")         \
  X(icmp_rate_limited, "ICMP reply over the rate limit")                        \
  X(icmp_bad_redirect, "redirect from or to a wrong address")                   \
  X(nd_bad_hop_limit, "neighbour discovery with hop limit below 255")           \
  X(nd_bad_option, "neighbour discovery option of length 0 or cut short")       \
  X(nd_bad_target, "neighbour discovery target is multicast or not ours")       \
  X(nd_bad_code, "neighbour discovery code is not 0")                           \
  X(nd_fragmented, "neighbour discovery in fragments")                          \
  /* UDP */                                                                     \
  X(udp_truncated, "shorter than a UDP header")                                 \
  X(udp_bad_length, "UDP length below 8 or beyond the packet")                  \
  X(udp_bad_checksum, "UDP checksum wrong")                                     \
  X(udp_no_checksum, "UDP over IPv6 without a checksum")                        \
  X(udp_no_port, "no socket on the port")                                       \
  X(udp_queue_full, "receive buffer of the socket is full")                     \
  /* TCP */                                                                     \
  X(tcp_truncated, "shorter than a TCP header")                                 \
  X(tcp_bad_doff, "data offset below 5 or beyond the segment")                  \
  X(tcp_bad_option, "TCP option of illegal length")                             \
  X(tcp_bad_checksum, "TCP checksum wrong")                                     \
  X(tcp_bad_address, "TCP to or from a broadcast or multicast address")         \
  X(tcp_no_port, "no connection and no listener")                               \
  X(tcp_bad_seq, "outside the receive window")                                  \
  X(tcp_bad_ack, "acknowledgment unacceptable")                                 \
  X(tcp_bad_flags, "flags make no sense in this state")                         \
  X(tcp_paws, "timestamp older than TS.Recent")                                 \
  X(tcp_no_timestamp, "timestamp negotiated but missing")                       \
  X(tcp_rst_ignored, "RST not acceptable here")                                 \
  X(tcp_time_wait, "absorbed by TIME-WAIT")                                     \
  X(tcp_listen_overflow, "accept queue full")                                   \
  X(tcp_half_open_limit, "too many half-open connections")                      \
  X(tcp_duplicate, "data received before")                                      \
  X(tcp_ooo_limit, "out-of-order data over the limit")                          \
  X(tcp_window_full, "data beyond the advertised window")                       \
  X(tcp_after_close, "data after close: answered by RST")                       \
  X(tcp_memory, "connection memory limit")                                      \
  /* stack */                                                                   \
  X(no_buffer, "buffer pool empty")                                             \
  X(queue_full, "transmit queue full")                                          \
  X(raw_queue_full, "raw or packet socket queue full")                          \
  X(device_error, "device refused the frame")                                   \
  X(filter, "dropped by a filter rule")                                         \
  X(link_loss, "lost on a simulated link")                                      \
  X(closing, "socket or namespace went away")

namespace weir {

enum class Drop : u8 {
#define X(name, text) name,
  WEIR_DROPS(X)
#undef X
      count_
};

inline constexpr usize drop_count = static_cast<usize>(Drop::count_);

[[nodiscard]] std::string_view name(Drop d) noexcept;
[[nodiscard]] std::string_view text(Drop d) noexcept;

}  // namespace weir
