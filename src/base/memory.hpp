// Memory of tables that grow in pieces (slabs, timers): 64-byte aligned; large pieces are mapped with huge-page advice.
#pragma once

#include "base/types.hpp"

namespace weir {

inline constexpr usize huge_page = usize{2} << 20;

// nullptr when there is no memory. Multiples of huge_page are mapped, aligned to it and zero; other sizes are not
// cleared. Not for the data path: callers take a whole piece and divide it themselves.
[[nodiscard]] void* piece_alloc(usize bytes) noexcept;
void piece_free(void* p, usize bytes) noexcept;

}  // namespace weir
