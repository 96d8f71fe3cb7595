// Counters of UDP (RFC 4113).
#pragma once

#include "base/counters.hpp"

namespace weir::udp {

#define WEIR_UDP_COUNTERS(X)                                                  \
  X(in_datagrams, "udpInDatagrams", "datagrams delivered to users")           \
  X(no_ports, "udpNoPorts", "datagrams to a port nobody has")                 \
  X(in_errors, "udpInErrors", "datagrams not delivered for any other reason") \
  X(out_datagrams, "udpOutDatagrams", "datagrams sent")

WEIR_DEFINE_COUNTERS(Udp, udp_counter_info, WEIR_UDP_COUNTERS);

}  // namespace weir::udp
