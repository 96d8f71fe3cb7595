// Window arithmetic that algorithms share: RFC 5681 3.1 (slow start, ssthresh), RFC 6928 (initial window), RFC 3465 (byte counting).
#pragma once

#include <algorithm>

#include "tcp/cc/concept.hpp"

namespace weir::tcp::cc {

inline constexpr u32 most_cwnd = 1u << 30;

// RFC 6928: min(10 segments, max(2 segments, 14,600 bytes)).
[[nodiscard]] constexpr u32 initial_window(u32 mss, u32 segments) noexcept {
  //= rfc5681#3.1 MUST-2
  return std::min(segments * mss, std::max(2 * mss, segments * 1'460));
}

// RFC 5681 (4): half of what was in flight, at least two segments.
[[nodiscard]] constexpr u32 half(u32 flight, u32 mss) noexcept { return std::max(flight / 2, 2 * mss); }

// Slow start of RFC 5681 3.1 up to ssthresh; the bytes that it leaves. After a timeout ACKs may jump: then at most one segment an
// ACK (RFC 3465 2.3).
[[nodiscard]] inline u32 slow_start(Window& w, u32 acked, bool in_loss) noexcept {
  const u32 room = w.ssthresh - w.cwnd;
  //= rfc5681#3.1 SHLD-2
  const u32 step = std::min({acked, room, in_loss ? w.mss : ~0u, most_cwnd - std::min(w.cwnd, most_cwnd)});
  w.cwnd += step;
  return in_loss || step < room ? 0 : acked - step;
}

}  // namespace weir::tcp::cc
