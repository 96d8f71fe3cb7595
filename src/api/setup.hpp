// From a configuration to namespaces, interfaces, addresses and routes of a shard: for Stack, LocalStack and `weir up`.
#pragma once

#include "api/rt_executor.hpp"

namespace weir {

struct PortConfig {
  std::string device;  // SPEC of io/spec.hpp
  std::string name;
  MacAddr mac{};
  u16 mtu = 0;  // 0: the device's own
  u32 queue_packets = InterfaceConfig{}.queue_packets;
  bool up = true;
};

// Opens the device and attaches it to a new interface. For "loopback" it is the namespace's own.
[[nodiscard]] Result<IfIndex, Error> add_port(RtExecutor& executor, NetnsId netns, const PortConfig& config);
[[nodiscard]] Result<NetnsId, Error> add_netns(RtExecutor& executor, const NetnsConfig& config);
[[nodiscard]] Result<void, Error> add_address(RtExecutor& executor, IfIndex interface, const std::string& text, bool probe);
[[nodiscard]] Result<void, Error> add_gateway(RtExecutor& executor, NetnsId netns, IfIndex interface, const std::string& text);

// All of the configuration but waiting.
[[nodiscard]] Result<NetnsId, Error> set_up(RtExecutor& executor, const StackConfig& config);
// What has come of the addresses; an address that another host has is an error, in words.
[[nodiscard]] Result<bool, Error> are_addresses_ready(RtExecutor& executor, NetnsId netns);

}  // namespace weir
