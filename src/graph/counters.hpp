// Counters of IP (RFC 4293) and ICMP, kept once per netns and family.
#pragma once

#include "base/counters.hpp"

namespace weir::graph {

#define WEIR_IP_COUNTERS(X)                                                            \
  X(in_receives, "ipSystemStatsHCInReceives", "datagrams received")                    \
  X(in_octets, "ipSystemStatsHCInOctets", "bytes of datagrams received")               \
  X(in_hdr_errors, "ipSystemStatsInHdrErrors", "bad headers")                          \
  X(in_no_routes, "ipSystemStatsInNoRoutes", "no route to forward by")                 \
  X(in_addr_errors, "ipSystemStatsInAddrErrors", "not for this host")                  \
  X(in_unknown_protos, "ipSystemStatsInUnknownProtos", "no such protocol")             \
  X(in_truncated, "ipSystemStatsInTruncatedPkts", "frame shorter than the datagram")   \
  X(in_forwarded, "ipSystemStatsHCInForwDatagrams", "to be forwarded")                 \
  X(reasm_reqds, "ipSystemStatsReasmReqds", "fragments received")                      \
  X(reasm_oks, "ipSystemStatsReasmOKs", "datagrams reassembled")                       \
  X(reasm_fails, "ipSystemStatsReasmFails", "reassemblies given up")                   \
  X(in_discards, "ipSystemStatsInDiscards", "good datagrams dropped for want of room") \
  X(in_delivers, "ipSystemStatsHCInDelivers", "delivered to a protocol")               \
  X(out_requests, "ipSystemStatsHCOutRequests", "sent by local protocols")             \
  X(out_no_routes, "ipSystemStatsOutNoRoutes", "no route to send by")                  \
  X(out_forwarded, "ipSystemStatsHCOutForwDatagrams", "forwarded")                     \
  X(out_discards, "ipSystemStatsOutDiscards", "dropped for want of room")              \
  X(frag_reqds, "ipSystemStatsOutFragReqds", "needed fragmentation")                   \
  X(frag_oks, "ipSystemStatsOutFragOKs", "fragmented")                                 \
  X(frag_fails, "ipSystemStatsOutFragFails", "could not be fragmented")                \
  X(frag_creates, "ipSystemStatsOutFragCreates", "fragments made")                     \
  X(out_octets, "ipSystemStatsHCOutOctets", "bytes of datagrams sent")                 \
  X(in_mcast, "ipSystemStatsHCInMcastPkts", "multicast datagrams received")            \
  X(out_mcast, "ipSystemStatsHCOutMcastPkts", "multicast datagrams sent")              \
  X(in_bcast, "ipSystemStatsHCInBcastPkts", "broadcast datagrams received")            \
  X(out_bcast, "ipSystemStatsHCOutBcastPkts", "broadcast datagrams sent")

WEIR_DEFINE_COUNTERS(Ip, ip_counter_info, WEIR_IP_COUNTERS);

#define WEIR_ICMP_COUNTERS(X)                                             \
  X(in_msgs, "icmpStatsInMsgs", "messages received")                      \
  X(in_errors, "icmpStatsInErrors", "messages with errors")               \
  X(out_msgs, "icmpStatsOutMsgs", "messages sent")                        \
  X(out_errors, "icmpStatsOutErrors", "messages not sent")                \
  X(in_echos, "", "echo requests received")                               \
  X(in_echo_replies, "", "echo replies received")                         \
  X(in_unreachable, "", "destination unreachable received")               \
  X(in_too_big, "", "packet too big received")                            \
  X(in_time_exceeded, "", "time exceeded received")                       \
  X(in_redirects, "", "redirects received")                               \
  X(out_echo_replies, "", "echo replies sent")                            \
  X(out_unreachable, "", "destination unreachable sent")                  \
  X(out_too_big, "", "packet too big sent")                               \
  X(out_time_exceeded, "", "time exceeded sent")                          \
  X(out_parameter_problem, "", "parameter problem sent")                  \
  X(out_rate_limited, "", "errors withheld by the rate limit")            \
  X(in_neighbour_solicitations, "", "neighbour solicitations received")   \
  X(in_neighbour_advertisements, "", "neighbour advertisements received") \
  X(out_neighbour_solicitations, "", "neighbour solicitations sent")      \
  X(out_neighbour_advertisements, "", "neighbour advertisements sent")

WEIR_DEFINE_COUNTERS(Icmp, icmp_counter_info, WEIR_ICMP_COUNTERS);

}  // namespace weir::graph
