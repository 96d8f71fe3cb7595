// Namespaces and interfaces come and go.
#pragma once

#include "graph/nodes.hpp"

namespace weir::graph {

Result<NetnsId> add_netns(Core& core, const NetnsConfig& config);
Result<void> remove_netns(Core& core, NetnsId id);
Result<IfIndex> add_interface(Core& core, NetnsId netns, const InterfaceConfig& config);
Result<void> remove_interface(Core& core, IfIndex index);
void set_up(Core& core, Interface& i, bool up);
// Carrier, as the driver says.
void set_carrier(Core& core, Interface& i, bool carrier);

}  // namespace weir::graph
