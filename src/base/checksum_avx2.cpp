// RFC 1071 with AVX2. Each 64-bit lane is summed whole (modulo 2^64) and its upper half apart, which cannot overflow;
// the sum of the lower halves is what is left when the upper halves are taken out. Three operations per 32 bytes.
#include "base/checksum_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#define WEIR_AVX2 __attribute__((target("avx2")))

namespace weir::detail {
namespace {

struct Sum {
  __m256i whole, upper;
};

WEIR_AVX2 inline __m256i load(const std::byte* p) noexcept { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
WEIR_AVX2 inline void store(std::byte* p, __m256i v) noexcept { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }

WEIR_AVX2 inline void accumulate(Sum& s, __m256i v) noexcept {
  s.whole = _mm256_add_epi64(s.whole, v);
  s.upper = _mm256_add_epi64(s.upper, _mm256_srli_epi64(v, 32));
}

// 2^32 is 1 modulo 0xffff: the halves are simply added.
WEIR_AVX2 inline u64 total(const Sum& a, const Sum& b) noexcept {
  const __m256i upper = _mm256_add_epi64(a.upper, b.upper);
  const __m256i lower = _mm256_sub_epi64(_mm256_add_epi64(a.whole, b.whole), _mm256_slli_epi64(upper, 32));
  const __m256i both = _mm256_add_epi64(lower, upper);
  const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  return static_cast<u64>(_mm_cvtsi128_si64(half)) + static_cast<u64>(_mm_extract_epi64(half, 1));
}

template <bool Copy>
WEIR_AVX2 inline u64 run(std::byte* dst, const std::byte* p, usize n) noexcept {
  Sum a{_mm256_setzero_si256(), _mm256_setzero_si256()}, b = a;
  for (; n >= 128; p += 128, n -= 128) {
    const __m256i v0 = load(p), v1 = load(p + 32), v2 = load(p + 64), v3 = load(p + 96);
    if constexpr (Copy) {
      store(dst, v0);
      store(dst + 32, v1);
      store(dst + 64, v2);
      store(dst + 96, v3);
      dst += 128;
    }
    accumulate(a, v0);
    accumulate(b, v1);
    accumulate(a, v2);
    accumulate(b, v3);
  }
  for (; n >= 32; p += 32, n -= 32) {
    const __m256i v = load(p);
    if constexpr (Copy) {
      store(dst, v);
      dst += 32;
    }
    accumulate(a, v);
  }
  if constexpr (Copy) std::memcpy(dst, p, n);
  return csum_plus(total(a, b), csum_add_short(p, n));
}

}  // namespace

WEIR_AVX2 u64 csum_add_avx2(const std::byte* p, usize n) noexcept { return run<false>(nullptr, p, n); }
WEIR_AVX2 u64 csum_copy_avx2(std::byte* dst, const std::byte* src, usize n) noexcept { return run<true>(dst, src, n); }

}  // namespace weir::detail
#endif
