// weir bench: runs cases, alternating with peers, and prints what they measured. docs/verbs/bench.md, docs/performance.md.
#pragma once

#include <cstdio>
#include <span>
#include <string>

namespace weir::bench {

// What stands behind `weir bench`. Returns the exit status: 0, 1 when a run failed or could not be made, 2 wrong usage.
// Figures go to `out`, everything else to `err`.
[[nodiscard]] int run(std::span<const std::string> arguments, std::FILE* out = stdout, std::FILE* err = stderr);
// The same for a main(): argv[0] is skipped.
[[nodiscard]] int run(int argc, char** argv);

[[nodiscard]] const char* usage() noexcept;

}  // namespace weir::bench
