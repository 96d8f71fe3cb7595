// What leaves the stack is looked at before the tool sees it, because the tool does not verify checksums.
#pragma once

#include "base/bytes.hpp"

namespace weir::packetdrill {

// nullptr: the packet is sound. Else what is wrong with it.
[[nodiscard]] const char* find_fault(Bytes packet) noexcept;
// Is it one that scripts do not expect of a host: group reports, router and neighbour discovery.
[[nodiscard]] bool is_housekeeping(Bytes packet) noexcept;

}  // namespace weir::packetdrill
