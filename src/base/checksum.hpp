// The Internet checksum: RFC 1071 (definition, byte order, odd offsets), RFC 1624 (incremental update).
// Sums of 64 bytes and more run on the widest kernel that the CPU has (scalar, AVX2, AVX-512).
#pragma once

#include <bit>

#include "base/bytes.hpp"

namespace weir {

// An unfolded sum is any u64 that is congruent, modulo 0xffff, to the one's complement sum of the 16-bit words as they
// lie in memory. Only all-zero data sums to 0, so that a folded sum is 0 for nothing else. Sums may be passed on, added
// by csum_plus and stored; they are no function of the data alone, so compare them folded.
//
//   u64 sum = csum_pseudo4(src, dst, 6, tcp_len);          // addresses as they lie in the header
//   sum = csum_add(segment, sum);                          // checksum field zeroed before, or valid and the result is
//   0 store: u16 check = csum_finish(sum); memcpy(field, &check, 2);

[[nodiscard]] constexpr u64 csum_plus(u64 a, u64 b) noexcept {
  const u64 s = a + b;
  return s + (s < a ? 1u : 0u);  // end-around carry
}

enum class CsumKernel : u8 { scalar, avx2, avx512 };

// The kernel in use, and a way for tests and benches to force one: false if this CPU does not have it.
[[nodiscard]] CsumKernel csum_kernel() noexcept;
bool csum_use_kernel(CsumKernel k) noexcept;

namespace detail {

inline constexpr usize csum_inline_below = 64;

[[nodiscard]] u64 csum_add_long(const std::byte* p, usize n) noexcept;
[[nodiscard]] u64 csum_copy_long(std::byte* dst, const std::byte* src, usize n) noexcept;

// For a few bytes: sums 32-bit halves, which cannot carry out of 64 bits.
[[nodiscard]] inline u64 csum_add_short(const std::byte* p, usize n) noexcept {
  u64 s = 0;
  for (; n >= 8; p += 8, n -= 8) {
    const u64 w = load_raw<u64>(p);
    s += (w & 0xffff'ffffu) + (w >> 32);
  }
  if ((n & 4) != 0) {
    s += load_raw<u32>(p);
    p += 4;
  }
  if ((n & 2) != 0) {
    s += load_raw<u16>(p);
    p += 2;
  }
  if ((n & 1) != 0) {  // RFC 1071: the last byte is padded with a zero behind it
    u16 w = 0;
    std::memcpy(&w, p, 1);
    s += w;
  }
  return s;
}

}  // namespace detail

// Sum of `b`, whose first byte is at an even offset, added to `sum`.
[[nodiscard]] inline u64 csum_add(Bytes b, u64 sum = 0) noexcept {
  if (b.size() < detail::csum_inline_below) return csum_plus(sum, detail::csum_add_short(b.data(), b.size()));
  return csum_plus(sum, detail::csum_add_long(b.data(), b.size()));
}

// Copies n bytes and sums them on the way. The ranges must not overlap.
[[nodiscard]] inline u64 csum_copy(std::byte* dst, const std::byte* src, usize n, u64 sum = 0) noexcept {
  if (n >= detail::csum_inline_below) return csum_plus(sum, detail::csum_copy_long(dst, src, n));
  if (n == 0) return sum;
  std::memcpy(dst, src, n);
  return csum_plus(sum, detail::csum_add_short(src, n));
}

// Sum of two neighbouring pieces; `b` was summed on its own and begins `offset_of_b` bytes behind the start of `a`.
// At an odd offset its bytes change places (RFC 1071 2(B)): times 256 modulo 0xffff is a rotation by 8 of the u64.
[[nodiscard]] constexpr u64 csum_combine(u64 a, u64 b, usize offset_of_b) noexcept {
  return csum_plus(a, (offset_of_b & 1) != 0 ? std::rotl(b, 8) : b);
}

// The 16-bit sum as it lies in memory: to be stored and loaded raw, never byte-swapped.
[[nodiscard]] constexpr u16 csum_fold(u64 sum) noexcept {
  sum = (sum & 0xffff'ffffu) + (sum >> 32);
  sum = (sum & 0xffffu) + (sum >> 16);  // at most 2^17 + 0xfffe
  sum = (sum & 0xffffu) + (sum >> 16);
  sum = (sum & 0xffffu) + (sum >> 16);
  return static_cast<u16>(sum);
}

// What goes into a checksum field. UDP sends 0xffff instead of 0 (RFC 768): that is the caller's to do.
[[nodiscard]] constexpr u16 csum_finish(u64 sum) noexcept { return static_cast<u16>(~csum_fold(sum)); }

// RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'). All values as they lie in memory; the field must be at an even offset.
[[nodiscard]] constexpr u16 csum_update16(u16 check, u16 old_v, u16 new_v) noexcept {
  return csum_finish(u64{static_cast<u16>(~check)} + static_cast<u16>(~old_v) + new_v);
}
[[nodiscard]] constexpr u16 csum_update32(u16 check, u32 old_v, u32 new_v) noexcept {
  return csum_finish(u64{static_cast<u16>(~check)} + static_cast<u32>(~old_v) + new_v);
}

namespace detail {
[[nodiscard]] constexpr u32 be32_raw(u32 v) noexcept { return std::endian::native == std::endian::little ? std::byteswap(v) : v; }
}  // namespace detail

// Pseudo-headers. Addresses as they lie in the packet; proto and len (of the transport header and data) in host order.
[[nodiscard]] constexpr u64 csum_pseudo4(u32 src_be_raw, u32 dst_be_raw, u8 proto, u32 len) noexcept {
  return u64{src_be_raw} + dst_be_raw + detail::be32_raw(proto) + detail::be32_raw(len);  // RFC 9293 3.1
}
[[nodiscard]] inline u64 csum_pseudo6(const std::byte* src16, const std::byte* dst16, u8 proto, u32 len) noexcept {
  return detail::csum_add_short(src16, 16) + detail::csum_add_short(dst16, 16) + detail::be32_raw(proto) +
         detail::be32_raw(len);  // RFC 8200 8.1
}

}  // namespace weir
