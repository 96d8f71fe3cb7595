#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace weir {

void assertion_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "weir: assertion failed: %s at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace weir
