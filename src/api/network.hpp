// A network file brought up on real devices and time: for `weir up`, and for --net.
#pragma once

#include "api/network_file.hpp"
#include "api/setup.hpp"

namespace weir {

// Namespaces in the order of the file; interfaces, addresses (checked for duplicates), routes. Links become plain wires inside
// the process: their rates and faults are the simulator's. Services are left to the caller. Errors begin with FILE:LINE.
[[nodiscard]] Result<std::vector<NetnsId>, Error> build(RtExecutor& executor, const NetworkFile& file);

}  // namespace weir
