// Two packets become one: reassembly of IP datagrams.
#pragma once

#include "buf/pool.hpp"

namespace weir::buf {

// Puts the bytes of `from` behind those of `to` and releases `from`. False (nothing released, `to` as it was) when memory
// ran out.
[[nodiscard]] bool join(Pool& pool, PacketId to, PacketId from) noexcept;

}  // namespace weir::buf
