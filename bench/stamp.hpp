// Streams that can be checked: 8 bytes at each multiple of 4 KiB tell their own position.
#pragma once

#include <algorithm>

#include "base/bytes.hpp"
#include "bench/case.hpp"

namespace weir::bench {

inline constexpr u64 stamp_every = 4096;

[[nodiscard]] constexpr u64 stamp_at(u64 position) noexcept { return position * 0x9e37'79b9'7f4a'7c15u + 1; }

// Writes the stamps of bytes [at, at + out.size()) of a stream; `at` is a multiple of stamp_every.
inline void put_stamps(MutBytes out, u64 at) noexcept {
  for (usize i = 0; i + 8 <= out.size(); i += stamp_every) store_be64(out.data() + i, stamp_at(at + i));
}

// Takes a stream piece by piece and throws Failed at the first wrong stamp.
class StampCheck {
 public:
  void take(Bytes piece) {
    const u64 end = at_ + piece.size();
    for (u64 s = at_ / stamp_every * stamp_every; s < end; s += stamp_every) {
      const u64 from = std::max(s, at_), to = std::min(s + 8, end);
      if (from >= to) continue;
      std::byte want[8];
      store_be64(want, stamp_at(s));
      if (std::memcmp(piece.data() + (from - at_), want + (from - s), to - from) != 0) wrong(s);
    }
    at_ = end;
  }
  [[nodiscard]] u64 bytes() const noexcept { return at_; }

 private:
  [[noreturn]] static void wrong(u64 at) { throw Failed("a wrong byte at position " + std::to_string(at) + " of the stream"); }
  u64 at_ = 0;
};

}  // namespace weir::bench
