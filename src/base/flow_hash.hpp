// The keyed hash of a packet's flow, one per packet: AES rounds where the CPU has them, SipHash-1-3 elsewhere.
// For hash tables and fan-out inside one process only: the value differs between kinds and is never sent.
#pragma once

#include <array>
#include <span>

#include "base/bytes.hpp"

namespace weir {

// All fields are opaque bits to the hash; the caller fixes the byte order once and keeps to it.
struct FlowKey4 {
  u32 src = 0, dst = 0;
  u16 sport = 0, dport = 0;
  u32 ns = 0;
  friend constexpr bool operator==(const FlowKey4&, const FlowKey4&) noexcept = default;
};
struct FlowKey6 {
  u8 src[16] = {}, dst[16] = {};
  u16 sport = 0, dport = 0;
  u32 ns = 0;
  friend constexpr bool operator==(const FlowKey6&, const FlowKey6&) noexcept = default;
};
static_assert(sizeof(FlowKey4) == 16 && sizeof(FlowKey6) == 40, "hashed as bytes: no padding");

// Keyed so that a sender who does not know the seed cannot choose colliding flows (RFC 7098 5, RFC 6274 3.3).
//
//   const FlowHasher hash{seed};               // 32 secret random bytes; another seed is another function
//   u32 h = hash(key);
//   hash.batch(keys, hashes);                  // the same values, several at a time
class FlowHasher {
 public:
  enum class Kind : u8 { siphash, aes };

  [[nodiscard]] static bool has_aes() noexcept;

  explicit FlowHasher(const std::array<u8, 32>& seed) noexcept;
  FlowHasher(const std::array<u8, 32>& seed, Kind kind) noexcept;  // Kind::aes only where has_aes()

  [[nodiscard]] u32 operator()(const FlowKey4& k) const noexcept;
  [[nodiscard]] u32 operator()(const FlowKey6& k) const noexcept;
  void batch(std::span<const FlowKey4> keys, std::span<u32> out) const noexcept;  // out at least as long as keys
  void batch(std::span<const FlowKey6> keys, std::span<u32> out) const noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }

  struct alignas(16) Block {
    std::array<u64, 2> w{};
  };
  struct Keys {
    std::array<Block, 3> mask;   // one per block of input
    std::array<Block, 4> round;  // AES rounds over each block
    std::array<Block, 2> last;   // AES rounds over the sum of the blocks of a FlowKey6
  };

 private:
  Keys keys_;
  Kind kind_;
};

}  // namespace weir
