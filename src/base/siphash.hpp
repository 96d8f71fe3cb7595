// SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), 64-bit output.
// SipHash-2-4 is the keyed function of RFC 6528 ISNs, SYN cookies and RFC 6056 ports; SipHash-1-3 is for hash tables.
#pragma once

#include <array>
#include <bit>

#include "base/bytes.hpp"

namespace weir {

// 128 bits of secret; k0 is the first eight bytes, little-endian.
struct SipKey {
  u64 k0 = 0, k1 = 0;
};

// A running SipHash over 64-bit words, for callers whose input is words and not bytes in memory.
//
//   SipState<2, 4> s{key};
//   s.word(a);
//   u64 h = s.finish(u64{8} << 56);    // the last word: what is left of the input, its length mod 256 in the top byte
template <int Compress, int Finalize>
class SipState {
 public:
  explicit constexpr SipState(SipKey k) noexcept
      : v0_(k.k0 ^ 0x736f6d6570736575u),
        v1_(k.k1 ^ 0x646f72616e646f6du),
        v2_(k.k0 ^ 0x6c7967656e657261u),
        v3_(k.k1 ^ 0x7465646279746573u) {}

  constexpr void word(u64 m) noexcept {
    v3_ ^= m;
    for (int i = 0; i < Compress; ++i) round();
    v0_ ^= m;
  }

  [[nodiscard]] constexpr u64 finish(u64 last) noexcept {
    word(last);
    v2_ ^= 0xff;
    for (int i = 0; i < Finalize; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  constexpr void round() noexcept {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }
  u64 v0_, v1_, v2_, v3_;
};

namespace detail {

[[nodiscard]] inline u64 load_le64(const std::byte* p) noexcept {
  const u64 v = load_raw<u64>(p);
  return std::endian::native == std::endian::little ? v : std::byteswap(v);
}

template <int Compress, int Finalize>
[[nodiscard]] inline u64 siphash(SipKey key, Bytes in) noexcept {
  SipState<Compress, Finalize> s{key};
  const std::byte* p = in.data();
  const std::byte* const end = p + (in.size() & ~usize{7});
  for (; p != end; p += 8) s.word(load_le64(p));
  u64 last = static_cast<u64>(in.size()) << 56;
  for (usize i = 0; i < (in.size() & 7); ++i) last |= u64{load_u8(p + i)} << (8 * i);
  return s.finish(last);
}

}  // namespace detail

[[nodiscard]] inline u64 siphash24(SipKey key, Bytes in) noexcept { return detail::siphash<2, 4>(key, in); }
[[nodiscard]] inline u64 siphash13(SipKey key, Bytes in) noexcept { return detail::siphash<1, 3>(key, in); }

}  // namespace weir
