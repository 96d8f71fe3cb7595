#include "api/units.hpp"

#include <charconv>
#include <cmath>
#include <span>

namespace weir {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// NUMBER [spaces] UNIT. Decimal fractions are fine; signs, exponents and infinities are not.
std::optional<double> parse_quantity(std::string_view text, std::span<const Unit> units) noexcept {
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return {};
  std::string_view unit = text.substr(static_cast<usize>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& u : units)
    if (u.name == unit) return number * u.factor;
  return {};
}

template <class T>
std::optional<T> whole(std::optional<double> v) noexcept {
  if (!v || *v >= 9.2e18) return {};
  return static_cast<T>(std::llround(*v));
}

constexpr Unit times[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 6e10}, {"h", 3.6e12}};
constexpr Unit rates[] = {{"bit/s", 1}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}, {"Tbit/s", 1e12},
                          {"B/s", 8},   {"kB/s", 8e3},   {"MB/s", 8e6},   {"GB/s", 8e9}};
constexpr Unit sizes[] = {{"", 1},
                          {"B", 1},
                          {"kB", 1e3},
                          {"MB", 1e6},
                          {"GB", 1e9},
                          {"TB", 1e12},
                          {"KiB", 1024},
                          {"MiB", 1024.0 * 1024},
                          {"GiB", 1024.0 * 1024 * 1024}};
constexpr Unit parts[] = {{"", 1}, {"%", 0.01}};
constexpr Unit packets[] = {{"pkt", 1}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  if (text == "0") return Duration{};
  const auto ns = whole<i64>(parse_quantity(text, times));
  if (!ns) return {};
  return Duration{*ns};
}

std::optional<u64> parse_rate(std::string_view text) noexcept { return whole<u64>(parse_quantity(text, rates)); }
std::optional<u64> parse_size(std::string_view text) noexcept { return whole<u64>(parse_quantity(text, sizes)); }

std::optional<double> parse_probability(std::string_view text) noexcept {
  const auto p = parse_quantity(text, parts);
  if (!p || *p > 1) return {};
  return p;
}

std::optional<QueueLimit> parse_queue(std::string_view text) noexcept {
  if (const auto n = whole<u64>(parse_quantity(text, packets))) {
    if (*n == 0 || *n > 1'000'000) return {};
    return QueueLimit{.packets = static_cast<u32>(*n)};
  }
  const auto bytes = parse_size(text);
  if (!bytes || *bytes == 0) return {};
  return QueueLimit{.bytes = *bytes};
}

}  // namespace weir
