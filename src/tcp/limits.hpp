// Bounds of TCP's tables in a shard.
#pragma once

#include "base/types.hpp"

namespace weir::tcp {

struct Limits {
  u32 max_connections = 1u << 21;
  u32 max_half_open = 65'536;
  u32 max_time_wait = 1u << 23;
  u32 max_sent_chunks = 1u << 22;  // 25 segments in flight each
  u32 max_listeners = 65'536;
  u32 gso_bytes = 61'440;  // payload of a super-segment at most; one MSS turns super-segments off
};

}  // namespace weir::tcp
