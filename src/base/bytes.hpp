// Unaligned big-endian loads and stores: the only way multi-byte fields of the wire are read or written.
#pragma once

#include <bit>
#include <cstring>
#include <span>

#include "base/types.hpp"

namespace weir {

using Bytes = std::span<const std::byte>;
using MutBytes = std::span<std::byte>;

template <class T>
[[nodiscard]] inline T load_raw(const void* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
[[nodiscard]] inline T load_be(const void* p) noexcept {
  const T v = load_raw<T>(p);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) return std::byteswap(v);
  return v;
}

template <class T>
inline void store_be(void* p, T v) noexcept {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) v = std::byteswap(v);
  std::memcpy(p, &v, sizeof v);
}

[[nodiscard]] inline u8 load_u8(const void* p) noexcept { return load_raw<u8>(p); }
[[nodiscard]] inline u16 load_be16(const void* p) noexcept { return load_be<u16>(p); }
[[nodiscard]] inline u32 load_be32(const void* p) noexcept { return load_be<u32>(p); }
[[nodiscard]] inline u64 load_be64(const void* p) noexcept { return load_be<u64>(p); }
inline void store_u8(void* p, u8 v) noexcept { std::memcpy(p, &v, 1); }
inline void store_be16(void* p, u16 v) noexcept { store_be<u16>(p, v); }
inline void store_be32(void* p, u32 v) noexcept { store_be<u32>(p, v); }
inline void store_be64(void* p, u64 v) noexcept { store_be<u64>(p, v); }

template <class T>
[[nodiscard]] inline Bytes bytes_of(const T& v) noexcept {
  return std::as_bytes(std::span{&v, 1});
}

}  // namespace weir
