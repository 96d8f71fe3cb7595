// Counters, interfaces and pools of a host, as a copy that does not change any more.
#pragma once

#include <string>
#include <vector>

#include "base/counters.hpp"
#include "graph/config.hpp"

namespace weir {

// One counter: what it counts is in `info` (name, MIB name as in RFC 4293, 4113, 4022, 4898 or empty, text).
struct CounterValue {
  std::string_view group;  // "ip4", "ip6", "icmp4", "icmp6", "udp", "tcp", "drop"
  CounterInfo info;
  u64 value = 0;
};

struct InterfaceStatus {
  IfIndex index = 0;
  std::string name;
  InterfaceKind kind{};
  MacAddr mac{};
  u32 mtu = 0;
  bool up = false, carrier = false;
  Offload offload{};
  struct Address {
    Prefix prefix;
    std::string_view state;  // "tentative", "preferred", "deprecated", "duplicate"
  };
  std::vector<Address> addresses;
  InterfaceStats stats{};
};

// Of the shard, shared by its hosts. A miss: what was asked for was not to be had.
struct PoolStatus {
  u64 packet_hits = 0, packet_misses = 0, buffer_hits = 0, buffer_misses = 0;
  u32 packets_in_use = 0, buffers_in_use = 0, packets_free = 0, small_free = 0, large_free = 0;
};

//   for (const CounterValue& c : stack.stats().counters) if (c.value != 0) print(c.group, c.info.name, c.value);
struct HostStats {
  std::string name;
  std::vector<CounterValue> counters;
  std::vector<InterfaceStatus> interfaces;
  PoolStatus pool{};
  u32 connections = 0, half_open = 0, time_wait = 0;  // TCP, of the whole shard
};

class Shard;
// The same for those who are alone with the shard; the namespace must exist.
[[nodiscard]] HostStats host_stats(const Shard& shard, NetnsId netns);

}  // namespace weir
