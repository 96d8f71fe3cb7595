// A run in a process of its own.
#pragma once

#include <functional>

#include "bench/case.hpp"

namespace weir::bench {

// Calls run() in a child process and returns what it returned, or throws what it threw. The child ends with us.
[[nodiscard]] Sample in_child(const std::function<Sample()>& run);

}  // namespace weir::bench
