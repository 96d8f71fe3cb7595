// What building a network from its file takes in real and in virtual time alike: settings of interfaces, ends of wires.
#pragma once

#include <optional>
#include <utility>

#include "api/network_file.hpp"
#include "graph/config.hpp"

namespace weir {

constexpr u16 usual_mtu = 1500;  // where the file does not say

// Of an interface that has no device of its own.
[[nodiscard]] InterfaceConfig config_of(const FileInterface& i);
// The other end of a veth, whichever of the two says so: indexes of namespace and interface.
[[nodiscard]] std::optional<std::pair<u32, u32>> veth_peer(const NetworkFile& file, u32 netns, u32 interface);

}  // namespace weir
