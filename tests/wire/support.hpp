// What the wire tests and fuzz replays share: bytes from hex, seeded randomness, golden frames by name.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "tests/wire/golden.hpp"
#include "wire/address.hpp"

namespace weir::wire::test {

using Buffer = std::vector<std::byte>;

// Hex digits; anything else is a separator.
inline Buffer hex(std::string_view text) {
  Buffer out;
  int high = -1;
  for (const char c : text) {
    const int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (d < 0) continue;
    if (high >= 0) out.push_back(static_cast<std::byte>(high << 4 | d));
    high = high >= 0 ? -1 : d;
  }
  return out;
}

inline std::string to_hex(Bytes b) {
  std::string s;
  for (const std::byte v : b) {
    s += "0123456789abcdef"[static_cast<u8>(v) >> 4];
    s += "0123456789abcdef"[static_cast<u8>(v) & 0xf];
  }
  return s;
}

inline Buffer golden(std::string_view name) {
  for (const Golden& g : golden_frames)
    if (g.name == name) return hex(g.hex);
  std::abort();
}

// SplitMix64: the same numbers on every machine and in every run.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}
  u64 next() {
    u64 z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  u64 below(u64 n) { return next() % n; }
  bool coin() { return (next() & 1) != 0; }
  template <class T>
  T any() {
    return static_cast<T>(next());
  }
  Buffer bytes(usize n) {
    Buffer b(n);
    for (auto& v : b) v = static_cast<std::byte>(next());
    return b;
  }
  MacAddr mac() {
    MacAddr a;
    for (auto& v : a.b) v = any<u8>();
    return a;
  }
  Ip4Addr ip4() { return {any<u32>()}; }
  Ip6Addr ip6() {
    Ip6Addr a;
    for (auto& v : a.b) v = any<u8>();
    return a;
  }

 private:
  u64 state_;
};

inline constexpr int property_rounds = 20'000;

}  // namespace weir::wire::test
