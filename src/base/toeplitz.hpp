// Toeplitz hash and indirection table of receive side scaling (RSS), as network cards compute them
// (Microsoft, "RSS Hashing Functions" and "Verifying the RSS Hash Calculation").
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace weir {

using RssKey = std::array<u8, 40>;

// The key of the published verification suite, and the default of many cards.
inline constexpr RssKey microsoft_rss_key{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                                          0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                                          0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

// A key of period 16 bits hashes both directions of a flow alike: swapping addresses and ports moves every bit by a
// multiple of 16. Needed where one shard keeps state for both directions (conntrack, NAT).
[[nodiscard]] constexpr RssKey symmetric_rss_key(u16 pattern = 0x6d5a) noexcept {
  RssKey key{};
  for (usize i = 0; i < key.size(); i += 2) {
    key[i] = static_cast<u8>(pattern >> 8);
    key[i + 1] = static_cast<u8>(pattern);
  }
  return key;
}

namespace detail {
// The 32 bits of the key that begin at `bit`.
[[nodiscard]] constexpr u32 rss_window(const RssKey& key, usize bit) noexcept {
  u64 five_bytes = 0;
  for (usize i = 0; i < 5; ++i) five_bytes = five_bytes << 8 | key[(bit / 8 + i) % key.size()];
  return static_cast<u32>(five_bytes >> (8 - bit % 8));
}
}  // namespace detail

// The definition: for every set bit of the input, most significant first, the 32 key bits that begin there.
// `input`: source address, destination address, source port, destination port, in network order; at most 36 bytes.
[[nodiscard]] constexpr u32 toeplitz_bitwise(const RssKey& key, std::span<const u8> input) noexcept {
  WEIR_DASSERT(input.size() + 4 <= key.size());
  u32 hash = 0;
  for (usize bit = 0; bit < input.size() * 8; ++bit)
    if ((input[bit / 8] >> (7 - bit % 8) & 1) != 0) hash ^= detail::rss_window(key, bit);
  return hash;
}

// The same by tables: 16 entries for each half byte of input (4.6 KB, two lookups per byte).
//
//   const Toeplitz rss{microsoft_rss_key};
//   u32 h = rss.v4(src.host, dst.host, sport, dport);    // addresses and ports in host order
//   u16 queue = indirection.get_queue(h);
class Toeplitz {
 public:
  static constexpr usize max_input = 36;

  explicit constexpr Toeplitz(const RssKey& key) noexcept : key_(key) {
    for (usize half = 0; half < 2 * max_input; ++half)
      for (usize v = 0; v < 16; ++v)
        for (usize bit = 0; bit < 4; ++bit)
          if ((v >> (3 - bit) & 1) != 0) table_[half][v] ^= detail::rss_window(key, 4 * half + bit);
  }

  [[nodiscard]] constexpr u32 v4(u32 src, u32 dst) const noexcept { return word(0, src) ^ word(4, dst); }
  [[nodiscard]] constexpr u32 v4(u32 src, u32 dst, u16 sport, u16 dport) const noexcept { return v4(src, dst) ^ ports(8, sport, dport); }
  [[nodiscard]] u32 v6(const void* src16, const void* dst16) const noexcept {
    u32 h = 0;
    for (usize i = 0; i < 16; i += 4) {
      h ^= word(i, load_be32(static_cast<const std::byte*>(src16) + i));
      h ^= word(16 + i, load_be32(static_cast<const std::byte*>(dst16) + i));
    }
    return h;
  }
  [[nodiscard]] u32 v6(const void* src16, const void* dst16, u16 sport, u16 dport) const noexcept {
    return v6(src16, dst16) ^ ports(32, sport, dport);
  }
  // The part that the ports add: hashes of one address pair differ by it alone, which makes a search for a port whose
  // replies come back to a given queue cheap.
  [[nodiscard]] constexpr u32 ports_v4(u16 sport, u16 dport) const noexcept { return ports(8, sport, dport); }
  [[nodiscard]] constexpr u32 ports_v6(u16 sport, u16 dport) const noexcept { return ports(32, sport, dport); }

  // Any input in network order, at most max_input bytes.
  [[nodiscard]] u32 bytes(Bytes input) const noexcept {
    WEIR_DASSERT(input.size() <= max_input);
    u32 h = 0;
    for (usize i = 0; i < input.size(); ++i) h ^= byte(i, load_u8(&input[i]));
    return h;
  }
  [[nodiscard]] constexpr const RssKey& key() const noexcept { return key_; }

 private:
  [[nodiscard]] constexpr u32 byte(usize at, u32 v) const noexcept { return table_[2 * at][v >> 4] ^ table_[2 * at + 1][v & 15]; }
  [[nodiscard]] constexpr u32 word(usize at, u32 v) const noexcept {
    return byte(at, v >> 24) ^ byte(at + 1, v >> 16 & 0xff) ^ byte(at + 2, v >> 8 & 0xff) ^ byte(at + 3, v & 0xff);
  }
  [[nodiscard]] constexpr u32 ports(usize at, u16 sport, u16 dport) const noexcept {
    return word(at, static_cast<u32>(sport) << 16 | dport);
  }

  alignas(cache_line) std::array<std::array<u32, 16>, 2 * max_input> table_{};
  RssKey key_;
};

// Which queue takes a hash: its low bits index a table of queues (a power of two of entries, 128 on most cards).
class IndirectionTable {
 public:
  explicit IndirectionTable(u16 queues, u32 entries = 128) : queue_(entries) {
    WEIR_ASSERT(queues > 0 && std::has_single_bit(entries));
    for (u32 i = 0; i < entries; ++i) queue_[i] = static_cast<u16>(i % queues);
  }
  [[nodiscard]] u16 get_queue(u32 hash) const noexcept { return queue_[hash & (queue_.size() - 1)]; }
  void set(u32 entry, u16 queue) noexcept { queue_[entry & (queue_.size() - 1)] = queue; }
  [[nodiscard]] std::span<const u16> entries() const noexcept { return queue_; }

 private:
  std::vector<u16> queue_;
};

}  // namespace weir
