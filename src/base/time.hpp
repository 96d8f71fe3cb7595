// Instants and durations: 64-bit nanoseconds that are always passed in. Nothing here can read a clock.
#pragma once

#include <compare>
#include <limits>

#include "base/types.hpp"

namespace weir {

struct Duration {
  i64 ns = 0;

  static constexpr Duration nanos(i64 n) noexcept { return {n}; }
  static constexpr Duration micros(i64 n) noexcept { return {n * 1'000}; }
  static constexpr Duration millis(i64 n) noexcept { return {n * 1'000'000}; }
  static constexpr Duration seconds(i64 n) noexcept { return {n * 1'000'000'000}; }
  static constexpr Duration max() noexcept { return {std::numeric_limits<i64>::max()}; }

  constexpr i64 us() const noexcept { return ns / 1'000; }
  constexpr i64 ms() const noexcept { return ns / 1'000'000; }
  constexpr double s() const noexcept { return static_cast<double>(ns) * 1e-9; }

  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;
  friend constexpr Duration operator+(Duration a, Duration b) noexcept { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) noexcept { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, i64 k) noexcept { return {a.ns * k}; }
  friend constexpr Duration operator*(i64 k, Duration a) noexcept { return {a.ns * k}; }
  friend constexpr Duration operator/(Duration a, i64 k) noexcept { return {a.ns / k}; }
  friend constexpr i64 operator/(Duration a, Duration b) noexcept { return a.ns / b.ns; }
};

struct Instant {
  i64 ns = 0;

  static constexpr Instant never() noexcept { return {std::numeric_limits<i64>::max()}; }
  constexpr i64 ms() const noexcept { return ns / 1'000'000; }
  constexpr double s() const noexcept { return static_cast<double>(ns) * 1e-9; }

  friend constexpr auto operator<=>(Instant, Instant) noexcept = default;
  friend constexpr Instant operator+(Instant a, Duration d) noexcept { return {a.ns + d.ns}; }
  friend constexpr Instant operator-(Instant a, Duration d) noexcept { return {a.ns - d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) noexcept { return {a.ns - b.ns}; }
};

inline namespace literals {
constexpr Duration operator""_ns(unsigned long long n) noexcept { return {static_cast<i64>(n)}; }
constexpr Duration operator""_us(unsigned long long n) noexcept { return Duration::micros(static_cast<i64>(n)); }
constexpr Duration operator""_ms(unsigned long long n) noexcept { return Duration::millis(static_cast<i64>(n)); }
constexpr Duration operator""_s(unsigned long long n) noexcept { return Duration::seconds(static_cast<i64>(n)); }
constexpr Duration operator""_min(unsigned long long n) noexcept { return Duration::seconds(static_cast<i64>(n) * 60); }
}  // namespace literals

}  // namespace weir
