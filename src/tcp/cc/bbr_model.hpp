// What both versions of BBR share: rates in bytes per second, gains in thousandths, a maximum over rounds, a seeded choice.
#pragma once

#include <array>

#include "tcp/cc/window.hpp"

namespace weir::tcp::cc::bbr {

inline constexpr u32 no_rtt = ~0u;

using Gain = u32;  // thousandths
inline constexpr Gain unit = 1'000;

[[nodiscard]] constexpr u64 times(u64 v, Gain gain) noexcept { return v * gain / unit; }

// Bytes per second; 0: no sample. Below 2^53, so that it may be multiplied by a gain.
[[nodiscard]] constexpr u64 delivery_rate(const RateSample& s) noexcept {
  return s.interval_us == 0 ? 0 : u64{s.delivered} * 1'000'000 / s.interval_us;
}

// Bytes that a path of this rate and round-trip time holds, at most most_cwnd.
[[nodiscard]] constexpr u64 bdp(u64 bw, u32 rtt_us) noexcept {
  u64 product = 0;
  if (__builtin_mul_overflow(bw, u64{rtt_us}, &product)) return most_cwnd;
  return std::min<u64>(product / 1'000'000, most_cwnd);
}

[[nodiscard]] constexpr u32 bytes(u64 v) noexcept { return static_cast<u32>(std::min<u64>(v, most_cwnd)); }

// Uniform in 0..n-1; a generator of 32 bits (xorshift), so that the state of a connection says all that it will do.
[[nodiscard]] constexpr u32 below(u32& seed, u32 n) noexcept {
  if (seed == 0) seed = 0x9e37'79b9;
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return static_cast<u32>((u64{seed} * n) >> 32);
}

// The maximum of what was seen in the last ten rounds: the maxima of five pairs of rounds. A value is forgotten nine or ten rounds
// later, but only when there is another: a flow without samples keeps what it knows.
template <class T>
struct MaxOfTenRounds {
  static constexpr u32 pairs = 5;
  std::array<T, pairs> most{};
  u32 newest = 0;  // the pair that was updated last

  constexpr void update(u32 round, T value) noexcept {
    const u32 pair = round / 2, passed = std::min((pair - newest) & ~0u >> 1, pairs);  // rounds may wrap
    for (u32 i = 1; i <= passed; ++i) most[(newest + i) % pairs] = 0;
    newest = pair;
    T& m = most[pair % pairs];
    m = std::max(m, value);
  }
  constexpr void clear() noexcept { most = {}; }
  [[nodiscard]] constexpr T max() const noexcept { return *std::max_element(most.begin(), most.end()); }
};

}  // namespace weir::tcp::cc::bbr
