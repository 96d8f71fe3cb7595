// Reno: window arithmetic of RFC 5681 with byte counting (RFC 3465) and growth only where the window was the limit
// (RFC 7661 4.1). Detection of loss is elsewhere.
#pragma once

#include <algorithm>

#include "tcp/tcb.hpp"

namespace weir::tcp::reno {

// RFC 6928: min(10 segments, max(2 segments, 14,600 bytes)).
[[nodiscard]] constexpr u32 initial_window(u32 mss, u32 segments) noexcept {
  return std::min(segments * mss, std::max(2 * mss, segments * 1'460));
}

// RFC 5681 (4): half of what was in flight, at least two segments.
[[nodiscard]] constexpr u32 ssthresh_after_loss(u32 flight, u32 mss) noexcept { return std::max(flight / 2, 2 * mss); }

// `acked` bytes newly acknowledged when `flight` were outstanding. `most`: growth per ACK in slow start.
inline void grow(Tcb& t, u32 acked, u32 flight, u32 most) noexcept {
  const bool slow_start = t.cwnd < t.ssthresh;
  if (slow_start ? flight * 2 < t.cwnd : flight + t.snd_mss < t.cwnd) return;  // the window was not the limit
  if (slow_start) {
    t.cwnd = static_cast<u32>(std::min<u64>(u64{t.cwnd} + std::min(acked, most), 1u << 30));
    return;
  }
  t.ca_acked += acked;
  if (t.ca_acked < t.cwnd) return;
  t.ca_acked -= t.cwnd;
  t.cwnd = std::min(t.cwnd + t.snd_mss, 1u << 30);
}

}  // namespace weir::tcp::reno
