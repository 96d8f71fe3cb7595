// TCP sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). The only way sequence numbers are compared.
#pragma once

#include "base/types.hpp"

namespace weir {

struct SeqNum {
  u32 raw = 0;

  friend constexpr bool operator==(SeqNum, SeqNum) noexcept = default;
  // a < b: b is ahead of a by less than 2^31. Not a total order, hence no operator<=>.
  friend constexpr bool operator<(SeqNum a, SeqNum b) noexcept { return static_cast<i32>(a.raw - b.raw) < 0; }
  friend constexpr bool operator>(SeqNum a, SeqNum b) noexcept { return b < a; }
  friend constexpr bool operator<=(SeqNum a, SeqNum b) noexcept { return !(b < a); }
  friend constexpr bool operator>=(SeqNum a, SeqNum b) noexcept { return !(a < b); }

  friend constexpr SeqNum operator+(SeqNum a, u32 n) noexcept { return {a.raw + n}; }
  friend constexpr SeqNum operator-(SeqNum a, u32 n) noexcept { return {a.raw - n}; }
  // Distance from b forward to a, modulo 2^32.
  friend constexpr u32 operator-(SeqNum a, SeqNum b) noexcept { return a.raw - b.raw; }
  constexpr SeqNum& operator+=(u32 n) noexcept {
    raw += n;
    return *this;
  }
  constexpr SeqNum& operator++() noexcept {
    ++raw;
    return *this;
  }
};

// Signed distance from b to a: negative when a is behind.
[[nodiscard]] constexpr i32 seq_distance(SeqNum a, SeqNum b) noexcept { return static_cast<i32>(a.raw - b.raw); }
[[nodiscard]] constexpr SeqNum seq_max(SeqNum a, SeqNum b) noexcept { return a < b ? b : a; }
[[nodiscard]] constexpr SeqNum seq_min(SeqNum a, SeqNum b) noexcept { return a < b ? a : b; }
// lo <= s < hi, walking forward from lo.
[[nodiscard]] constexpr bool seq_in(SeqNum s, SeqNum lo, SeqNum hi) noexcept { return (s - lo) < (hi - lo); }

}  // namespace weir
