// What every fuzz target begins with. A target is a file NAME_fuzz.cpp with LLVMFuzzerTestOneInput, named in
// CMakeLists.txt; it must not keep state between inputs. A property that does not hold traps.
#pragma once

#include "base/bytes.hpp"

#define FUZZ_CHECK(cond)           \
  do {                             \
    if (!(cond)) __builtin_trap(); \
  } while (false)

namespace weir::fuzz {

[[nodiscard]] inline Bytes input(const u8* data, usize size) noexcept { return std::as_bytes(std::span(data, size)); }

// Is `part` within `whole`? (An empty part may lie anywhere.)
[[nodiscard]] inline bool inside(Bytes part, Bytes whole) noexcept {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const weir::u8* data, weir::usize size);
