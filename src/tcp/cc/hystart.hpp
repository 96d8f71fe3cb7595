// HyStart++ (RFC 9406): leaves the first slow start when the round-trip time of a round has grown, by way of Conservative Slow Start (CSS).
#pragma once

#include "tcp/cc/window.hpp"

namespace weir::tcp::cc {

// RFC 9406 4.3: the recommended constants.
inline constexpr u32 hystart_min_rtt_thresh_us = 4'000;
inline constexpr u32 hystart_max_rtt_thresh_us = 16'000;
inline constexpr u32 hystart_min_rtt_divisor = 8;
inline constexpr u32 hystart_n_rtt_sample = 8;
inline constexpr u32 hystart_css_growth_divisor = 4;
inline constexpr u32 hystart_css_rounds = 5;
inline constexpr u32 hystart_l = 8;

// A member of an algorithm, driven by hystart_on_ack() while active(). Round-trip times in microseconds; no_rtt: none yet.
struct HyStart {
  enum class Phase : u8 { slow_start, css, done };
  static constexpr u32 no_rtt = ~0u;

  u32 last_round_min_rtt = no_rtt;
  u32 current_round_min_rtt = no_rtt;
  u32 css_baseline_min_rtt = no_rtt;
  SeqNum window_end{};  // SND.NXT when the round began
  u8 rtt_sample_count = 0;
  u8 css_round_count = 0;
  Phase phase = Phase::slow_start;
  Phase interrupted = Phase::done;  // the phase that a loss has ended, for the undo
  bool in_round = false;
  bool paced = false;  // segments are spread over the round: L is infinite (RFC 9406 4.3)

  // RFC 9406 4.3: for the initial slow start only; later ones are the standard's.
  [[nodiscard]] constexpr bool active() const noexcept { return phase != Phase::done; }
};

namespace detail {

inline void hystart_begin_round(HyStart& h, SeqNum nxt) noexcept {
  h.last_round_min_rtt = h.current_round_min_rtt;
  h.current_round_min_rtt = HyStart::no_rtt;
  h.rtt_sample_count = 0;
  h.window_end = nxt;
  h.in_round = true;
}

// RFC 9406 4.2: how much a round may be slower than the one before.
[[nodiscard]] constexpr u32 hystart_rtt_thresh(u32 last_round_min_rtt) noexcept {
  //= rfc9406#4.2 SHLD-2
  return std::clamp(last_round_min_rtt / hystart_min_rtt_divisor, hystart_min_rtt_thresh_us, hystart_max_rtt_thresh_us);
}

// Judges the round as far as it is known.
inline void hystart_judge(HyStart& h) noexcept {
  //= rfc9406#4.2 MUST-1
  if (h.rtt_sample_count < hystart_n_rtt_sample) return;
  if (h.phase == HyStart::Phase::css) {
    if (h.current_round_min_rtt >= h.css_baseline_min_rtt) return;
    h.css_baseline_min_rtt = HyStart::no_rtt;  // it was jitter: back to slow start, which may be left again
    //= rfc9406#4.2 SHLD-5
    h.phase = HyStart::Phase::slow_start;
    return;
  }
  if (h.last_round_min_rtt == HyStart::no_rtt || h.current_round_min_rtt == HyStart::no_rtt) return;
  if (h.current_round_min_rtt < u64{h.last_round_min_rtt} + hystart_rtt_thresh(h.last_round_min_rtt)) return;
  h.css_baseline_min_rtt = h.current_round_min_rtt;
  h.css_round_count = 0;  // what is left of this round is the first one of CSS
  //= rfc9406#4.2 SHLD-3
  h.phase = HyStart::Phase::css;
}

}  // namespace detail

// One ACK of the initial slow start: takes the sample, lets cwnd grow, and ends slow start by setting ssthresh when CSS is over.
// Returns the acknowledged bytes that slow start has not used. SND.NXT is what it was before the ACK lets anything go: rounds thus
// drift towards the tail of the flights, which meets a queue a round before their heads do. What was only such a tail, CSS finds out.
inline u32 hystart_on_ack(HyStart& h, Window& w, const Ack& a) noexcept {
  if (!h.in_round) detail::hystart_begin_round(h, a.nxt);
  if (a.rtt_us != 0) {
    h.current_round_min_rtt = std::min(h.current_round_min_rtt, a.rtt_us);
    if (h.rtt_sample_count < hystart_n_rtt_sample) ++h.rtt_sample_count;
  }
  u32 left = 0;
  if (a.cwnd_limited) {
    //= rfc9406#4.3 SHLD-8
    u32 credit = h.paced ? a.acked : static_cast<u32>(std::min<u64>(a.acked, u64{hystart_l} * w.mss));
    //= rfc9406#4.2 SHLD-4
    if (h.phase == HyStart::Phase::css) credit /= hystart_css_growth_divisor;
    left = w.cwnd < w.ssthresh ? slow_start(w, credit, false) : a.acked;
  }
  detail::hystart_judge(h);
  //= rfc9406#4.2 SHLD-1
  if (a.una < h.window_end) return left;
  detail::hystart_begin_round(h, a.nxt);
  if (h.phase == HyStart::Phase::css && ++h.css_round_count >= hystart_css_rounds) {
    h.phase = HyStart::Phase::done;
    //= rfc9406#4.2 SHLD-6
    w.ssthresh = w.cwnd;
  }
  return left;
}

// Loss or a mark ends slow start and CSS (RFC 9406 4.2). To be called at every reduction, so that an undo knows what there was.
inline void hystart_interrupt(HyStart& h) noexcept {
  //= rfc9406#4.2 MUST-2
  //= rfc9406#4.3 SHLD-7
  h.interrupted = h.phase;
  h.phase = HyStart::Phase::done;
}

// The loss was none: the phase goes on, in a new round.
inline void hystart_resume(HyStart& h) noexcept {
  h.phase = h.interrupted;
  h.in_round = false;
  h.last_round_min_rtt = h.current_round_min_rtt = HyStart::no_rtt;
  h.rtt_sample_count = 0;
}

}  // namespace weir::tcp::cc
