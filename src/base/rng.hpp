// Random numbers, always injected: a small seeded generator in simulation, ChaCha20 (RFC 8439) in production.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.hpp"

namespace weir {

// One stream of random numbers. Both kinds fill a buffer ahead, so that a number costs a load. Not for threads.
//
//   Rng rng = Rng::seeded(42);             // equal seeds give equal streams, on every machine
//   Rng rng = Rng::secure(key);            // key: 32 bytes from the operating system, never used again
//   u64 port = rng.below(64'000);          // 0..63'999, unbiased
class Rng {
 public:
  [[nodiscard]] static Rng seeded(u64 seed) noexcept;
  [[nodiscard]] static Rng secure(const std::array<u8, 32>& key) noexcept;
  Rng(Rng&&) noexcept;
  Rng& operator=(Rng&&) noexcept;
  ~Rng();

  [[nodiscard]] u64 next_u64() noexcept {
    if (at_ == ahead) [[unlikely]]
      refill();
    return buffer_[at_++];
  }
  [[nodiscard]] u32 next_u32() noexcept { return static_cast<u32>(next_u64() >> 32); }
  [[nodiscard]] u64 below(u64 n) noexcept;                                                          // 0..n-1; n > 0
  [[nodiscard]] double unit() noexcept { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }  // [0, 1)
  // True with probability p. Draws one number whatever p is: changing a probability does not shift the stream.
  [[nodiscard]] bool chance(double p) noexcept { return unit() < p; }
  void fill(MutBytes out) noexcept;
  // A stream of its own, of the same kind: for a part that must not disturb, or be disturbed by, the others' draws.
  [[nodiscard]] Rng fork() noexcept;

 private:
  struct Stream;  // the ChaCha20 state; none for a seeded generator
  static constexpr u32 ahead = 64;

  Rng() noexcept;
  void refill() noexcept;
  void refill_seeded() noexcept;

  std::array<u64, ahead> buffer_;
  u32 at_ = ahead;
  std::array<u64, 4> state_{};
  std::unique_ptr<Stream> stream_;
};

}  // namespace weir
