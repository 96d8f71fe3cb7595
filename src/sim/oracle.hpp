// What must hold after any run, whatever happened in it: nothing is left, nothing is owed, no timer runs for nothing.
#pragma once

#include <string>

#include "sim/world.hpp"

namespace weir::sim {

// Runs until nothing is to come any more, `at_most` so long, and looks what is left: packets and buffers in use,
// connections, timers, frames on wires. All sockets are to be closed before. "" when nothing is, else what is, in words.
[[nodiscard]] std::string leftovers(World& world, Duration at_most);

// Rules of a shard at rest: in the middle of a run. Exactly one main timer for each connection that needs one
// (design: retransmission with data in flight, persist with data queued and a closed window). "" or what is broken.
[[nodiscard]] std::string timer_rule(World& world);

}  // namespace weir::sim
