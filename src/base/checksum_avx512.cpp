// RFC 1071 with AVX-512, as checksum_avx2.cpp does it: 64 bytes at a time, and the last ones by a masked load.
#include "base/checksum_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

// gcc 12 takes the "undefined" operands inside its own AVX-512 intrinsics for ours.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define WEIR_AVX512 __attribute__((target("avx512f,avx512bw")))

namespace weir::detail {
namespace {

struct Sum {
  __m512i whole, upper;
};

WEIR_AVX512 inline void accumulate(Sum& s, __m512i v) noexcept {
  s.whole = _mm512_add_epi64(s.whole, v);
  s.upper = _mm512_add_epi64(s.upper, _mm512_srli_epi64(v, 32));
}

WEIR_AVX512 inline u64 total(const Sum& a, const Sum& b) noexcept {
  const __m512i upper = _mm512_add_epi64(a.upper, b.upper);
  const __m512i lower = _mm512_sub_epi64(_mm512_add_epi64(a.whole, b.whole), _mm512_slli_epi64(upper, 32));
  return static_cast<u64>(_mm512_reduce_add_epi64(_mm512_add_epi64(lower, upper)));
}

WEIR_AVX512 inline __mmask64 first(usize n) noexcept { return ~u64{0} >> (64 - n); }  // 1 <= n <= 64

template <bool Copy>
WEIR_AVX512 inline u64 run(Sum a, std::byte* dst, const std::byte* p, usize n) noexcept {
  Sum b{_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (; n >= 256; p += 256, n -= 256) {
    const __m512i v0 = _mm512_loadu_si512(p), v1 = _mm512_loadu_si512(p + 64);
    const __m512i v2 = _mm512_loadu_si512(p + 128), v3 = _mm512_loadu_si512(p + 192);
    if constexpr (Copy) {
      _mm512_storeu_si512(dst, v0);
      _mm512_storeu_si512(dst + 64, v1);
      _mm512_storeu_si512(dst + 128, v2);
      _mm512_storeu_si512(dst + 192, v3);
      dst += 256;
    }
    accumulate(a, v0);
    accumulate(b, v1);
    accumulate(a, v2);
    accumulate(b, v3);
  }
  for (; n >= 64; p += 64, n -= 64) {
    const __m512i v = _mm512_loadu_si512(p);
    if constexpr (Copy) {
      _mm512_storeu_si512(dst, v);
      dst += 64;
    }
    accumulate(a, v);
  }
  if (n > 0) {
    const __m512i v = _mm512_maskz_loadu_epi8(first(n), p);
    if constexpr (Copy) _mm512_mask_storeu_epi8(dst, first(n), v);
    accumulate(b, v);
  }
  return total(a, b);
}

// A vector that crosses a cache line costs two accesses: from here on it pays to take what is before the first line
// boundary apart. Not at an odd distance, where the words would begin at the wrong byte.
constexpr usize align_from = 512;

template <bool Copy>
WEIR_AVX512 inline u64 run_aligned(std::byte* dst, const std::byte* p, usize n) noexcept {
  Sum s{_mm512_setzero_si512(), _mm512_setzero_si512()};
  const usize head = (64 - reinterpret_cast<std::uintptr_t>(Copy ? dst : p) % 64) % 64;
  if (n < align_from || head == 0 || head % 2 != 0) return run<Copy>(s, dst, p, n);
  const __m512i v = _mm512_maskz_loadu_epi8(first(head), p);
  if constexpr (Copy) _mm512_mask_storeu_epi8(dst, first(head), v);
  accumulate(s, v);
  return run<Copy>(s, Copy ? dst + head : dst, p + head, n - head);
}

}  // namespace

WEIR_AVX512 u64 csum_add_avx512(const std::byte* p, usize n) noexcept { return run_aligned<false>(nullptr, p, n); }
WEIR_AVX512 u64 csum_copy_avx512(std::byte* dst, const std::byte* src, usize n) noexcept { return run_aligned<true>(dst, src, n); }

}  // namespace weir::detail
#endif
