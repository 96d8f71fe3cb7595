// weir demo: walks through the building blocks, in print. Each is also a small example of how the block is used.
#pragma once

namespace weir::cli {

int demo_handshake();  // two hosts, one connection: every segment, and the state of both ends
int demo_states();     // all eleven states, and what leads from one to another
int demo_routes();     // longest prefix match
int demo_buffers();    // headroom, references, segmentation without copies; ring and slab
int demo_timers();     // the wheel: arm, move, cancel, expire

}  // namespace weir::cli
