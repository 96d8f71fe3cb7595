// Fixed-width integer names used everywhere in weir.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;

inline constexpr usize cache_line = 64;

using NetnsId = u16;  // a network namespace of a shard
using IfIndex = u16;  // an interface of a shard; 0: none or any

}  // namespace weir
