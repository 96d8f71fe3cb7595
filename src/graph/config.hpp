// Configuration of network namespaces and interfaces as the shard takes it: checked values, no text.
#pragma once

#include <string>
#include <vector>

#include "ip/socket_types.hpp"
#include "ip/sysctl.hpp"

namespace weir {

enum class InterfaceKind : u8 { ethernet, raw_ip, loopback, veth };

// What the device behind an interface does itself, so that the stack need not.
struct Offload {
  bool tx_checksum = false;  // takes packets with a partial checksum
  bool rx_checksum = false;  // vouches for transport checksums of what it delivers
  bool tso = false;          // takes super-segments (GSO) of up to 64 KiB
  bool gro = true;           // may deliver several segments of a flow as one packet
};

struct InterfaceConfig {
  std::string name;  // at most 15 bytes
  InterfaceKind kind = InterfaceKind::ethernet;
  MacAddr mac{};      // zero: one is derived from the shard's seed
  u16 mtu = 1500;     // 68 (576 recommended; 1280 for IPv6) to 65,535
  Offload offload{};
  u32 queue_packets = 1000;  // transmit queue
  bool up = true;
};

struct NetnsConfig {
  std::string name;
  Sysctl sysctl{};
  u32 max_sockets = 1u << 21;
};

struct RouteConfig {
  Prefix to;           // length 0: default
  IpAddr via;          // any: on link
  IfIndex interface = 0;  // 0: found from `via`
  u32 metric = 0;
};

// Frames that never came to the stack for want of a buffer, came damaged, or were refused by the device for good.
struct DeviceLosses {
  u64 rx_dropped = 0, rx_errors = 0, tx_errors = 0;
  friend bool operator==(const DeviceLosses&, const DeviceLosses&) = default;
};

struct InterfaceStats {
  u64 rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0;
  u64 tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
  u64 multicast = 0, collisions = 0;
  u32 rx_queue = 0, tx_queue = 0;  // lengths now
};

}  // namespace weir
