// The parts of `weir demo` that need a whole stack.
#pragma once

namespace weir::cli {

int demo_handshake();
int demo_states();

}  // namespace weir::cli
