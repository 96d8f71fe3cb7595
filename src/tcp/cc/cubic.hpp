// CUBIC (RFC 9438) with HyStart++ (RFC 9406). Windows in bytes; times of the cubic function in units of 2^-20 s, so that its cube
// needs shifts where microseconds would need divisions.
#pragma once

#include "tcp/cc/hystart.hpp"

namespace weir::tcp::cc {

// RFC 9438 4.6 and 5: beta = 0.7, C = 0.4.
inline constexpr u32 cubic_beta_tenths = 7;

namespace detail {

__extension__ using u128 = unsigned __int128;

inline constexpr u64 cubic_second = u64{1} << 20;
inline constexpr u64 cubic_most_time = u64{1} << 28;  // 256 s: C * 256^3 segments are far beyond any window

[[nodiscard]] constexpr u64 cubic_time(Duration d) noexcept {
  if (d.ns <= 0) return 0;
  if (d.ns >= (i64{1} << 43)) return cubic_most_time * 32;
  return (static_cast<u64>(d.ns) << 20) / 1'000'000'000;
}

// Bytes of C * t^3.
[[nodiscard]] constexpr u64 cubic_bytes(u64 t, u32 mss) noexcept {
  t = std::min(t, cubic_most_time);
  const u64 cube = static_cast<u64>((u128{t} * t * t) >> 40);  // s^3 with 20 bits of fraction; at most 2^44
  return ((2 * u64{mss} * cube) / 5) >> 20;
}

// RFC 9438 4.2, figure 2: K = cbrt(bytes / C), for bytes = W_max - cwnd_epoch. The root that is nearest from below.
[[nodiscard]] constexpr u32 cubic_k(u32 bytes, u32 mss) noexcept {
  const u128 cube = (u128{bytes} * 5 << 60) / (2 * u64{mss});
  u64 root = 0;
  for (u64 bit = cubic_most_time >> 1; bit != 0; bit >>= 1) {
    const u64 next = root | bit;
    if (u128{next} * next * next <= cube) root = next;
  }
  return static_cast<u32>(root);
}

// RFC 9438 4.2, figure 1: W_cubic(t) = C (t - K)^3 + W_max, within 0..most_cwnd.
[[nodiscard]] constexpr u32 w_cubic(u64 t, u32 k, u32 w_max, u32 mss) noexcept {
  if (t < k) {
    const u64 below = cubic_bytes(k - t, mss);
    return below < w_max ? static_cast<u32>(w_max - below) : 0;
  }
  return static_cast<u32>(std::min<u64>(w_max + cubic_bytes(t - k, mss), most_cwnd));
}

}  // namespace detail

struct Cubic {
  static constexpr std::string_view name = "cubic";
  static constexpr bool owns_cwnd = false;
  static constexpr bool scalable = false;
  static constexpr bool wants_sent = false;

  // What a congestion event changes and RFC 9438 4.9 restores. w_max 0: no congestion event yet.
  struct Epoch {
    Instant start{};        // t_epoch
    u64 w_est = 0;          // in 2^-12 bytes: what an ACK of one segment adds is less than a byte of a large window
    u32 w_max = 0;
    u32 cwnd_prior = 0;     // cwnd just before the last reduction
    u32 k = 0;              // in 2^-20 s
    bool running = false;   // congestion avoidance has begun
    bool after_rto = false;  // the next stage of congestion avoidance is the first after a timeout
  };

  Epoch epoch{}, saved{};
  Instant last{};          // the last ACK: how long the sender was not held back by cwnd
  u32 rest = 0;            // growth of cwnd that was less than a byte, times cwnd
  bool in_episode = false;  // a reduction is going on: what `saved` holds is older than it
  HyStart hystart{};

  void begin(Window& w, Instant now, u32 srtt_us) noexcept;
  void on_ack(Window& w, const Ack& a) noexcept;
  void on_event(Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept;
  void on_sent(Window&, Instant, u32, u32) noexcept {}
  [[nodiscard]] u64 pacing_rate() const noexcept { return 0; }
};

namespace detail {

inline constexpr u32 w_est_bits = 12;

// RFC 9438 4.2: a stage of congestion avoidance begins with the window that recovery or slow start has left.
inline void cubic_begin_epoch(Cubic& c, const Window& w, Instant now) noexcept {
  auto& e = c.epoch;
  e.running = true;
  e.start = now;
  e.w_est = u64{w.cwnd} << w_est_bits;
  c.rest = 0;
  //= rfc9438#4.10 MUST-6
  if (e.w_max == 0) e.cwnd_prior = w.cwnd;  // 4.10: slow start was left without a loss
  if (e.after_rto || w.cwnd >= e.w_max) {  // 4.8, 4.10
    e.k = 0;
    e.w_max = w.cwnd;
  } else {
    e.k = cubic_k(e.w_max - w.cwnd, w.mss);
  }
  e.after_rto = false;
}

// RFC 9438 4.3: the window Reno would have. alpha = 3 (1 - beta) / (1 + beta) = 9/17 up to cwnd_prior, then 1.
inline void cubic_reno_estimate(Cubic::Epoch& e, const Window& w, u32 acked) noexcept {
  const bool below = (e.w_est >> w_est_bits) < e.cwnd_prior;
  const u64 grown = (u64{acked} * w.mss) << w_est_bits;
  e.w_est += below ? grown * 9 / (u64{w.cwnd} * 17) : grown / w.cwnd;
  e.w_est = std::min(e.w_est, u64{most_cwnd} << w_est_bits);
}

// RFC 9438 4.2 to 4.5.
inline void cubic_avoid(Cubic& c, Window& w, const Ack& a, u32 acked) noexcept {
  auto& e = c.epoch;
  const u64 t = cubic_time(a.now - e.start);
  cubic_reno_estimate(e, w, acked);
  const u32 w_est = static_cast<u32>(e.w_est >> w_est_bits);
  if (w_cubic(t, e.k, e.w_max, w.mss) < w_est) {
    //= rfc9438#4.3 MUST-2
    w.cwnd = std::max(w.cwnd, w_est);
    return;
  }
  const u64 rtt = cubic_time(Duration::micros(a.srtt_us));
  //= rfc9438#4.2 MUST-3
  const u64 most = std::min<u64>(w.cwnd + u64{w.cwnd} / 2, most_cwnd);
  const u64 target = std::max<u64>(w.cwnd, std::min<u64>(w_cubic(t + rtt, e.k, e.w_max, w.mss), most));
  //= rfc9438#4.2 MUST-1
  const u64 growth = (target - w.cwnd) * acked + c.rest;
  const u32 cwnd = w.cwnd;
  w.cwnd = static_cast<u32>(std::min<u64>(cwnd + growth / cwnd, target));
  c.rest = static_cast<u32>(growth % cwnd);
}

// RFC 9438 4.6, 4.7: what every congestion event sets.
inline void cubic_reduce(Cubic& c, Window& w) noexcept {
  auto& e = c.epoch;
  if (!c.in_episode) {
    c.saved = e;
    hystart_interrupt(c.hystart);
  }
  c.in_episode = true;
  e.cwnd_prior = w.cwnd;
  // Fast convergence: the window had not come back to where the last loss was, so somebody else takes part of the path.
  //= rfc9438#4.7 SHLD-2
  e.w_max = w.cwnd < e.w_max ? static_cast<u32>(u64{w.cwnd} * (10 + cubic_beta_tenths) / 20) : w.cwnd;
  e.running = false;
  // 4.6 allows cwnd in place of FlightSize to those who do not let cwnd grow while it is not used.
  //= rfc9438#4.6 SHLD-1, MUST-4
  w.ssthresh = std::max(static_cast<u32>(u64{w.cwnd} * cubic_beta_tenths / 10), 2 * w.mss);
}

}  // namespace detail

inline void Cubic::begin(Window&, Instant now, u32) noexcept { last = now; }

inline void Cubic::on_ack(Window& w, const Ack& a) noexcept {
  const Duration since = a.now - last, srtt = Duration::micros(a.srtt_us);
  last = a.now;
  if (a.in_recovery) return;
  if (!a.in_loss) in_episode = false;
  u32 acked = a.acked;
  const bool avoiding = w.cwnd >= w.ssthresh;
  // 5.8: this was not time in which the window could grow. Where ACKs were away for longer than data in flight explains, nothing was
  // sent: an idle time too short for Event::restart.
  if (!avoiding || !a.cwnd_limited) {
    epoch.start = epoch.start + since;
  } else if (since > 2 * srtt) {
    epoch.start = epoch.start + (since - srtt);
  }
  if (hystart.active()) {
    acked = hystart_on_ack(hystart, w, a);
  } else if (!avoiding) {
    acked = a.cwnd_limited ? slow_start(w, acked, a.in_loss) : 0;
  }
  if (!a.cwnd_limited || acked == 0 || w.cwnd < w.ssthresh) return;
  hystart.phase = HyStart::Phase::done;  // ssthresh was reached: it came from elsewhere (RFC 9040), or HyStart++ has set it
  if (!epoch.running) detail::cubic_begin_epoch(*this, w, a.now);
  detail::cubic_avoid(*this, w, a, acked);
}

inline void Cubic::on_event(Window& w, Event e, Instant now, u32, u32) noexcept {
  switch (e) {
    case Event::recovery:
    case Event::mark: detail::cubic_reduce(*this, w); break;
    case Event::timeout:
      // RFC 5681 (4): when the retransmission itself times out, ssthresh stays.
      if (in_episode && epoch.after_rto && w.cwnd <= w.mss) break;
      detail::cubic_reduce(*this, w);
      //= rfc9438#4.8 MUST-5
      epoch.after_rto = true;
      break;
    case Event::recovered: in_episode = false; break;
    case Event::undone:  // 4.9
      //= rfc9438#4.9 SHLD-3
      epoch = saved;
      rest = 0;
      in_episode = false;
      hystart_resume(hystart);
      break;
    case Event::restart:  // 5.8: the time since the last ACK was idle
      //= rfc9438#5.8 MUST-7
      epoch.start = epoch.start + (now - last);
      last = now;
      break;
  }
}

static_assert(Controller<Cubic> && sizeof(Cubic) <= 112);

}  // namespace weir::tcp::cc
