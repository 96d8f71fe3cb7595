// The kernels behind base/checksum.hpp. Each sums n >= 64 bytes (fewer are right too, but not fast).
#pragma once

#include "base/checksum.hpp"

namespace weir::detail {

struct CsumKernels {
  CsumKernel kind;
  u64 (*add)(const std::byte* p, usize n) noexcept;
  u64 (*copy)(std::byte* dst, const std::byte* src, usize n) noexcept;
};

[[nodiscard]] u64 csum_add_scalar(const std::byte* p, usize n) noexcept;
[[nodiscard]] u64 csum_copy_scalar(std::byte* dst, const std::byte* src, usize n) noexcept;

#if defined(__x86_64__)
[[nodiscard]] u64 csum_add_avx2(const std::byte* p, usize n) noexcept;
[[nodiscard]] u64 csum_copy_avx2(std::byte* dst, const std::byte* src, usize n) noexcept;
[[nodiscard]] u64 csum_add_avx512(const std::byte* p, usize n) noexcept;
[[nodiscard]] u64 csum_copy_avx512(std::byte* dst, const std::byte* src, usize n) noexcept;
#endif

}  // namespace weir::detail
