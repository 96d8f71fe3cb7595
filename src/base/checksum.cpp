// RFC 1071: the scalar kernel, and the choice of the widest one at the first call.
#include "base/checksum.hpp"

#include <atomic>

#include "base/checksum_kernels.hpp"

namespace weir {
namespace detail {

u64 csum_add_scalar(const std::byte* p, usize n) noexcept {
  // Two sums, so that no addition waits for the carry of the one before.
  u64 a = 0, b = 0;
  for (; n >= 16; p += 16, n -= 16) {
    a = csum_plus(a, load_raw<u64>(p));
    b = csum_plus(b, load_raw<u64>(p + 8));
  }
  return csum_plus(csum_plus(a, b), csum_add_short(p, n));
}

u64 csum_copy_scalar(std::byte* dst, const std::byte* src, usize n) noexcept {
  std::memcpy(dst, src, n);
  return csum_add_scalar(src, n);
}

}  // namespace detail

namespace {

using detail::CsumKernels;

constexpr CsumKernels scalar{CsumKernel::scalar, detail::csum_add_scalar, detail::csum_copy_scalar};
#if defined(__x86_64__)
constexpr CsumKernels avx2{CsumKernel::avx2, detail::csum_add_avx2, detail::csum_copy_avx2};
constexpr CsumKernels avx512{CsumKernel::avx512, detail::csum_add_avx512, detail::csum_copy_avx512};
#endif

const CsumKernels* kernels(CsumKernel k) noexcept {
#if defined(__x86_64__)
  if (k == CsumKernel::avx512) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? &avx512 : nullptr;
  if (k == CsumKernel::avx2) return __builtin_cpu_supports("avx2") ? &avx2 : nullptr;
#endif
  return k == CsumKernel::scalar ? &scalar : nullptr;
}

const CsumKernels* choose() noexcept;
u64 first_add(const std::byte* p, usize n) noexcept { return choose()->add(p, n); }
u64 first_copy(std::byte* dst, const std::byte* src, usize n) noexcept { return choose()->copy(dst, src, n); }
constexpr CsumKernels undecided{CsumKernel::scalar, first_add, first_copy};

// A property of the CPU, not state: every thread that decides decides alike. Atomic for tests that force a kernel.
constinit std::atomic<const CsumKernels*> chosen{&undecided};

const CsumKernels* choose() noexcept {
  const CsumKernels* best = kernels(CsumKernel::avx512);
  if (best == nullptr) best = kernels(CsumKernel::avx2);
  if (best == nullptr) best = &scalar;
  chosen.store(best, std::memory_order_relaxed);
  return best;
}

}  // namespace

CsumKernel csum_kernel() noexcept {
  const CsumKernels* k = chosen.load(std::memory_order_relaxed);
  return k == &undecided ? choose()->kind : k->kind;
}

bool csum_use_kernel(CsumKernel k) noexcept {
  const CsumKernels* const wanted = kernels(k);
  if (wanted != nullptr) chosen.store(wanted, std::memory_order_relaxed);
  return wanted != nullptr;
}

namespace detail {

u64 csum_add_long(const std::byte* p, usize n) noexcept { return chosen.load(std::memory_order_relaxed)->add(p, n); }

u64 csum_copy_long(std::byte* dst, const std::byte* src, usize n) noexcept {
  return chosen.load(std::memory_order_relaxed)->copy(dst, src, n);
}

}  // namespace detail
}  // namespace weir
