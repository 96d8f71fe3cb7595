// The bytes that loads send: each position's value follows from a seed, so that a receiver knows what must come, and a lost,
// repeated or misplaced byte shows at once. At every multiple of 4 KiB there are 8 bytes that tell the position itself.
#pragma once

#include <algorithm>
#include <optional>

#include "base/bytes.hpp"

namespace weir::sim {

class Pattern {
 public:
  static constexpr u64 stamp_every = 4096;

  explicit constexpr Pattern(u64 seed = 0) noexcept : seed_(seed) {}

  // The bytes at [at, at + out.size()).
  void fill(u64 at, MutBytes out) const noexcept {
    for (usize done = 0; done < out.size();) {
      std::byte word[8];
      const u64 pos = at + done, start = pos & 7;
      store_be64(word, word_at(pos & ~u64{7}));
      const usize n = std::min<usize>(8 - start, out.size() - done);
      std::memcpy(out.data() + done, word + start, n);
      done += n;
    }
  }
  // Position of the first byte that is not what it must be; nothing if all are.
  [[nodiscard]] std::optional<u64> mismatch(u64 at, Bytes in) const noexcept {
    for (usize done = 0; done < in.size();) {
      std::byte word[8];
      const u64 pos = at + done, start = pos & 7;
      store_be64(word, word_at(pos & ~u64{7}));
      const usize n = std::min<usize>(8 - start, in.size() - done);
      if (std::memcmp(in.data() + done, word + start, n) != 0)
        for (usize i = 0; i < n; ++i)
          if (in[done + i] != word[start + i]) return pos + i;
      done += n;
    }
    return {};
  }

 private:
  // `at` is a multiple of 8.
  [[nodiscard]] constexpr u64 word_at(u64 at) const noexcept {
    if (at % stamp_every == 0) return at ^ seed_ << 48;
    u64 x = seed_ + (at / 8 + 1) * 0x9e37'79b9'7f4a'7c15u;  // splitmix64 of the position
    x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9u;
    x = (x ^ x >> 27) * 0x94d0'49bb'1331'11ebu;
    return x ^ x >> 31;
  }
  u64 seed_;
};

}  // namespace weir::sim
