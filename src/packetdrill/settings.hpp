// The settings of the network namespace that the tool runs in, which its scripts change with sysctl(8): taken over into weir's.
#pragma once

#include <string>

#include "ip/sysctl.hpp"

namespace weir::packetdrill {

// directory: "/proc/sys/net/ipv4". Settings that weir does not have, or values it does not know, are left as they are; they
// are named in the result, one a line.
std::string read_settings(const std::string& directory, Sysctl& into);

}  // namespace weir::packetdrill
