// Reno: window arithmetic of RFC 5681 with byte counting (RFC 3465), growth only where the window was the limit (RFC 7661 4.1).
#pragma once

#include "tcp/cc/window.hpp"

namespace weir::tcp::cc {

struct Reno {
  static constexpr std::string_view name = "reno";
  static constexpr bool owns_cwnd = false, scalable = false, wants_sent = false;

  u32 acked = 0;  // towards the next segment of cwnd

  void begin(Window, Instant, u32) noexcept { acked = 0; }
  void on_ack(Window w, const Ack& a) noexcept {
    //= rfc7661#4.1 MUST-1
    if (a.in_recovery || !a.cwnd_limited) return;
    u32 bytes = a.acked;
    if (w.cwnd < w.ssthresh) bytes = slow_start(w, bytes, a.in_loss);
    if (w.cwnd < w.ssthresh) return;
    acked += bytes;  // RFC 3465 2.1
    if (acked < w.cwnd) return;
    acked -= w.cwnd;
    //= rfc5681#3.1 MUST-4
    w.cwnd = std::min(w.cwnd + w.mss, most_cwnd);
  }
  void on_event(Window w, Event e, Instant, u32 in_flight, u32) noexcept {
    if (e == Event::recovery || e == Event::mark || e == Event::timeout) w.ssthresh = half(in_flight, w.mss);
    if (e != Event::restart) acked = 0;
  }
  void on_sent(Window, Instant, u32, u32) noexcept {}
  [[nodiscard]] u64 pacing_rate() const noexcept { return 0; }
};
static_assert(Controller<Reno>);

}  // namespace weir::tcp::cc
