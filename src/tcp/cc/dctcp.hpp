// DCTCP (RFC 8257): the window shrinks in proportion to the share of marked bytes. For networks whose marking it is made for. The
// engine tells which bytes were marked (Ack::ce_bytes) and does not reduce for marks itself: `scalable`.
#pragma once

#include "tcp/cc/window.hpp"

namespace weir::tcp::cc {

struct Dctcp {
  static constexpr std::string_view name = "dctcp";
  static constexpr bool owns_cwnd = false;
  static constexpr bool scalable = true;
  static constexpr bool wants_sent = false;

  static constexpr u32 one = 1u << 20;  // alpha = 1
  static constexpr u32 g_shift = 4;     // RFC 8257 3.3: g = 1/16

  u64 bytes_acked = 0, bytes_marked = 0;  // of the observation window
  SeqNum window_end{};                    // DCTCP.WindowEnd
  SeqNum reduced_until{};                 // no second reduction before this is acknowledged
  u32 alpha = one;                        // 3.3: with no knowledge, as after a loss of every other one
  u32 grown = 0;                          // bytes acknowledged towards the next segment of cwnd
  bool observing = false;                 // window_end is valid
  bool reduced = false;                   // reduced_until is valid

  void begin(Window&, Instant, u32) noexcept {}
  void on_ack(Window& w, const Ack& a) noexcept;
  void on_event(Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept;
  void on_sent(Window&, Instant, u32, u32) noexcept {}
  [[nodiscard]] u64 pacing_rate() const noexcept { return 0; }
};

namespace detail {

// RFC 8257 3.3, steps 1 to 9 of the sender: once for a window of data.
inline void dctcp_observe(Dctcp& c, const Ack& a) noexcept {
  if (!c.observing) {
    c.observing = true;
    c.window_end = a.nxt;
  }
  c.bytes_acked += a.delivered;
  c.bytes_marked += std::min(a.ce_bytes, a.delivered);
  if (a.una < c.window_end || c.bytes_acked == 0) return;
  const u32 m = static_cast<u32>((c.bytes_marked << 20) / c.bytes_acked);
  c.alpha = c.alpha - (c.alpha >> Dctcp::g_shift) + (m >> Dctcp::g_shift);
  c.window_end = a.nxt;
  c.bytes_acked = c.bytes_marked = 0;
}

// 3.3: cwnd = cwnd * (1 - DCTCP.Alpha / 2).
[[nodiscard]] constexpr u32 dctcp_reduced(u32 cwnd, u32 alpha, u32 mss) noexcept {
  const u32 less = static_cast<u32>((u64{cwnd} * alpha) >> 21);
  return std::max(cwnd - std::min(less, cwnd), 2 * mss);
}

}  // namespace detail

inline void Dctcp::on_ack(Window& w, const Ack& a) noexcept {
  detail::dctcp_observe(*this, a);
  if (reduced && a.una >= reduced_until) reduced = false;
  if (a.in_recovery) return;  // 3.5: a loss has been answered as RFC 5681 does
  if (a.ce_bytes != 0 && !reduced && !a.in_loss) {
    reduced = true;
    reduced_until = a.nxt;
    w.cwnd = w.ssthresh = detail::dctcp_reduced(w.cwnd, alpha, w.mss);
    grown = 0;
    return;
  }
  if (!a.cwnd_limited || a.ce_bytes != 0) return;
  u32 acked = a.acked;
  if (w.cwnd < w.ssthresh) acked = slow_start(w, acked, a.in_loss);
  if (w.cwnd < w.ssthresh) return;
  grown += acked;
  if (grown < w.cwnd) return;
  grown -= w.cwnd;
  w.cwnd = std::min(w.cwnd + w.mss, most_cwnd);
}

inline void Dctcp::on_event(Window& w, Event e, Instant, u32 in_flight, u32) noexcept {
  switch (e) {
    case Event::recovery:
    case Event::timeout: w.ssthresh = half(in_flight, w.mss); break;
    case Event::mark: w.ssthresh = detail::dctcp_reduced(w.cwnd, alpha, w.mss); break;  // of an engine that reduces by itself
    case Event::recovered:
    case Event::undone:
    case Event::restart: break;
  }
  grown = 0;
}

static_assert(Controller<Dctcp> && sizeof(Dctcp) <= 48);

}  // namespace weir::tcp::cc
