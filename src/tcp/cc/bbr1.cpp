#include "tcp/cc/bbr1.hpp"

namespace weir::tcp::cc {
namespace {

using State = Bbr1::State;

// 4.2.1: before there is a rate, the window in a round-trip time.
void init_pacing_rate(Bbr1& b, u32 cwnd, u32 srtt_us) noexcept {
  b.rate = bbr::times(u64{cwnd} * 1'000'000 / (srtt_us == 0 ? 1'000 : srtt_us), Bbr1::high_gain);
}

// 4.2.1: until the pipe was full once, low samples tell of the application, not of the path.
void set_pacing_rate(Bbr1& b, bbr::Gain gain) noexcept {
  const u64 rate = bbr::times(b.bw(), gain);
  if (rate != 0 && (b.filled_pipe || rate > b.rate)) b.rate = rate;
}

// 4.2.3.4
void save_cwnd(Bbr1& b, u32 cwnd) noexcept {
  const bool good = !b.in_loss_recovery && b.state != State::probe_rtt;
  b.prior_cwnd = good ? cwnd : std::max(b.prior_cwnd, cwnd);
}
void restore_cwnd(const Bbr1& b, Window& w) noexcept { w.cwnd = std::max(w.cwnd, b.prior_cwnd); }

// -- policers: draft 00 does not have them; as presented to the IETF's MAPRG (IETF 97): two intervals of at least four rounds between
// losses, each with a fifth or more lost, and of the same rate to an eighth.

void lt_reset(Bbr1& b) noexcept {
  b.lt_bw = 0;
  b.lt_sampling = b.lt_use = false;
  b.lt_rounds = 0;
}

void lt_begin_interval(Bbr1& b, Instant now) noexcept {
  b.lt_stamp = now;
  b.lt_delivered = b.delivered;
  b.lt_lost = b.lost;
  b.lt_rounds = 0;
}

void lt_end_interval(Bbr1& b, u64 bw, Instant now) noexcept {
  const u64 apart = bw > b.lt_bw ? bw - b.lt_bw : b.lt_bw - bw;
  if (b.lt_bw != 0 && (apart * 8 <= b.lt_bw || apart <= 500)) {
    b.lt_bw = (bw + b.lt_bw) / 2;
    b.lt_use = true;
    b.lt_rounds = 0;
    return;
  }
  b.lt_bw = bw;
  lt_begin_interval(b, now);
}

void advance_cycle_phase(Bbr1& b, Instant now) noexcept {
  b.cycle_stamp = now;
  b.cycle_index = static_cast<u8>((b.cycle_index + 1) % Bbr1::cycle.size());
}

// 4.3.4.3: any phase but the one that drains, so that flows do not march in step.
void enter_probe_bw(Bbr1& b, Instant now) noexcept {
  b.state = State::probe_bw;
  b.cycle_index = static_cast<u8>(Bbr1::cycle.size() - 1 - bbr::below(b.seed, 7));
  advance_cycle_phase(b, now);
}

void lt_sample(Bbr1& b, const Ack& a, bool app_limited) noexcept {
  if (b.lt_use) {
    if (b.state != State::probe_bw || !b.round_start || ++b.lt_rounds < Bbr1::lt_use_rounds) return;
    lt_reset(b);  // is the policer still there?
    enter_probe_bw(b, a.now);
    return;
  }
  if (!b.lt_sampling) {
    if (a.lost == 0) return;
    b.lt_sampling = true;
    lt_begin_interval(b, a.now);
  }
  if (app_limited) return lt_reset(b);
  if (b.round_start) ++b.lt_rounds;
  if (b.lt_rounds < Bbr1::lt_least_rounds) return;
  if (b.lt_rounds > Bbr1::lt_most_rounds) return lt_reset(b);
  if (a.lost == 0) return;  // an interval ends with a loss, as it began
  const u64 delivered = b.delivered - b.lt_delivered, lost = b.lost - b.lt_lost;
  const i64 us = (a.now - b.lt_stamp).us();
  if (delivered == 0 || lost * 5 < delivered || us < 1'000) return;
  lt_end_interval(b, delivered * 1'000'000 / static_cast<u64>(us), a.now);
}

// -- the model

// 4.1.1.3
void update_round(Bbr1& b, const Ack& a) noexcept {
  b.round_start = a.delivered != 0 && a.rate.prior_delivered >= b.next_round_delivered;
  if (!b.round_start) return;
  b.next_round_delivered = b.delivered;
  ++b.round_count;
}

// 4.1.1.4, 4.1.1.5
void update_btlbw(Bbr1& b, u64 rate, bool app_limited) noexcept {
  if (rate != 0 && (rate >= b.btlbw.max() || !app_limited)) b.btlbw.update(b.round_count, rate);
}

// 4.3.4.3
bool is_next_cycle_phase(const Bbr1& b, const Window& w, const Ack& a) noexcept {
  const bool full_length = b.rtprop_us != bbr::no_rtt && (a.now - b.cycle_stamp).us() > b.rtprop_us;
  const bbr::Gain gain = b.pacing_gain();
  if (gain == bbr::unit) return full_length;
  if (gain > bbr::unit) return full_length && (a.lost != 0 || a.prior_in_flight >= b.inflight(w, gain));
  return full_length || a.prior_in_flight <= b.inflight(w, bbr::unit);
}

// 4.3.2.2
void check_full_pipe(Bbr1& b, bool app_limited) noexcept {
  if (b.filled_pipe || !b.round_start || app_limited) return;
  const u64 bw = b.btlbw.max();
  if (bw * 4 >= b.full_bw * 5) {
    b.full_bw = bw;
    b.full_bw_count = 0;
    return;
  }
  if (++b.full_bw_count >= Bbr1::full_bw_rounds) b.filled_pipe = true;
}

// 4.3.3
void check_drain(Bbr1& b, const Window& w, const Ack& a) noexcept {
  if (b.state == State::startup && b.filled_pipe) b.state = State::drain;
  if (b.state == State::drain && a.in_flight <= b.inflight(w, bbr::unit)) enter_probe_bw(b, a.now);
}

// 4.1.2.3
void update_rtprop(Bbr1& b, const Ack& a) noexcept {
  b.rtprop_expired = a.now > b.rtprop_stamp + Bbr1::rtprop_filter;
  if (a.rtt_us == 0 || (a.rtt_us > b.rtprop_us && !b.rtprop_expired)) return;
  b.rtprop_us = a.rtt_us;
  b.rtprop_stamp = a.now;
}

void exit_probe_rtt(Bbr1& b, Window& w, Instant now) noexcept {
  b.rtprop_stamp = now;
  restore_cwnd(b, w);
  if (b.filled_pipe) {
    enter_probe_bw(b, now);
  } else {
    b.state = State::startup;
  }
}

bool probe_rtt_is_over(const Bbr1& b, Instant now) noexcept { return b.probe_rtt_done.ns != 0 && now > b.probe_rtt_done; }

// 4.3.5: the window is four segments; inflight has to come down to it, then 200 ms and a round.
void handle_probe_rtt(Bbr1& b, Window& w, const Ack& a) noexcept {
  b.limited_until = b.delivered + std::max<u32>(a.in_flight, 1);
  if (b.probe_rtt_done.ns == 0) {
    if (a.in_flight > Bbr1::min_pipe_segments * w.mss) return;
    b.probe_rtt_done = a.now + Bbr1::probe_rtt_time;
    b.probe_rtt_round_done = false;
    b.next_round_delivered = b.delivered;
    return;
  }
  if (b.round_start) b.probe_rtt_round_done = true;
  if (b.probe_rtt_round_done && probe_rtt_is_over(b, a.now)) exit_probe_rtt(b, w, a.now);
}

void check_probe_rtt(Bbr1& b, Window& w, const Ack& a) noexcept {
  if (b.state != State::probe_rtt && b.rtprop_expired && !b.idle_restart) {
    save_cwnd(b, w.cwnd);
    b.state = State::probe_rtt;
    b.probe_rtt_done = Instant{};
  }
  if (b.state == State::probe_rtt) handle_probe_rtt(b, w, a);
  if (a.delivered != 0) b.idle_restart = false;
}

void update_model(Bbr1& b, Window& w, const Ack& a) noexcept {
  const bool app_limited = a.rate.app_limited || a.rate.prior_delivered < b.limited_until;
  update_round(b, a);
  lt_sample(b, a, app_limited);
  update_btlbw(b, bbr::delivery_rate(a.rate), app_limited);
  if (b.state == State::probe_bw && is_next_cycle_phase(b, w, a)) advance_cycle_phase(b, a.now);
  check_full_pipe(b, app_limited);
  check_drain(b, w, a);
  update_rtprop(b, a);
  check_probe_rtt(b, w, a);
}

// 4.2.3.4: what was lost leaves the window; in the first round of recovery as much goes out as arrives.
void modulate_for_recovery(Bbr1& b, Window& w, const Ack& a) noexcept {
  if (a.lost != 0) w.cwnd = std::max(w.cwnd - std::min(w.cwnd, a.lost), w.mss);
  b.conservation_until = std::min(b.conservation_until, b.delivered);
  if (b.packet_conservation && (!a.in_recovery || (a.delivered != 0 && a.rate.prior_delivered >= b.conservation_until)))
    b.packet_conservation = false;
  if (b.packet_conservation) w.cwnd = std::max(w.cwnd, bbr::bytes(u64{a.in_flight} + a.delivered));
}

// 4.2.3
void set_cwnd(Bbr1& b, Window& w, const Ack& a) noexcept {
  const u32 target = b.inflight(w, b.cwnd_gain());
  modulate_for_recovery(b, w, a);
  if (!b.packet_conservation) {
    const u32 grown = bbr::bytes(u64{w.cwnd} + a.delivered);
    if (b.filled_pipe) {
      w.cwnd = std::min(grown, target);
    } else if (w.cwnd < target || b.delivered < w.initial) {
      w.cwnd = grown;
    }
    w.cwnd = std::max(w.cwnd, Bbr1::min_pipe_segments * w.mss);
  }
  if (b.state == State::probe_rtt) w.cwnd = std::min(w.cwnd, Bbr1::min_pipe_segments * w.mss);
}

}  // namespace

bbr::Gain Bbr1::pacing_gain() const noexcept {
  switch (state) {
    case State::startup: return high_gain;
    case State::drain: return drain_gain;
    case State::probe_bw: return lt_use ? bbr::unit : cycle[cycle_index];
    case State::probe_rtt: return bbr::unit;
  }
  return bbr::unit;
}

bbr::Gain Bbr1::cwnd_gain() const noexcept {
  switch (state) {
    case State::startup:
    case State::drain: return high_gain;
    case State::probe_bw: return cwnd_gain_bw;
    case State::probe_rtt: return bbr::unit;
  }
  return bbr::unit;
}

u32 Bbr1::send_quantum(u32 mss) const noexcept {
  if (rate < 150'000) return mss;        // 1.2 Mbit/s
  if (rate < 3'000'000) return 2 * mss;  // 24 Mbit/s
  return static_cast<u32>(std::min<u64>(rate / 1'000, 65'536));
}

u32 Bbr1::inflight(const Window& w, bbr::Gain gain) const noexcept {
  const u64 now_bw = bw();
  if (rtprop_us == bbr::no_rtt || now_bw == 0) return w.initial;
  return bbr::bytes(bbr::times(bbr::bdp(now_bw, rtprop_us), gain) + 3 * u64{send_quantum(w.mss)});
}

void Bbr1::begin(Window& w, Instant now, u32 srtt_us) noexcept {
  rtprop_us = srtt_us != 0 ? srtt_us : bbr::no_rtt;
  rtprop_stamp = now;
  seen_rtt = srtt_us != 0;
  if (seed == 0) seed = static_cast<u32>(static_cast<u64>(now.ns) * 0x9e37'79b9'7f4a'7c15 >> 32);
  init_pacing_rate(*this, w.cwnd, srtt_us);
}

void Bbr1::on_ack(Window& w, const Ack& a) noexcept {
  delivered = a.delivered_total;
  lost += a.lost;
  if (!seen_rtt && a.rtt_us != 0) {
    seen_rtt = true;
    init_pacing_rate(*this, w.initial, a.rtt_us);
  }
  update_model(*this, w, a);
  set_pacing_rate(*this, pacing_gain());
  set_cwnd(*this, w, a);
}

void Bbr1::on_event(Window& w, Event e, Instant now, u32 in_flight, u32) noexcept {
  switch (e) {
    case Event::recovery:
      save_cwnd(*this, w.cwnd);
      in_loss_recovery = true;
      packet_conservation = true;
      conservation_until = ~u64{0};  // the ACK that told of the loss counts too
      w.cwnd = std::max(bbr::bytes(in_flight), w.mss);  // what was lost of it goes with the ACK that told of it
      break;
    case Event::timeout:
      save_cwnd(*this, w.cwnd);
      in_loss_recovery = true;
      packet_conservation = false;
      w.cwnd = w.mss;
      break;
    case Event::recovered:
    case Event::undone:
      in_loss_recovery = packet_conservation = false;
      restore_cwnd(*this, w);
      break;
    case Event::restart: on_sent(w, now, 0, 0); break;
    case Event::mark: break;  // version 1 does not answer ECN
  }
}

// 4.3.4.4: restarting from idle the pipe is filled at the rate that it has; and ProbeRTT may have ended while nothing was sent.
void Bbr1::on_sent(Window& w, Instant now, u32, u32 in_flight) noexcept {
  if (in_flight != 0 || in_loss_recovery || delivered == 0) return;
  idle_restart = true;
  if (state == State::probe_bw) {
    set_pacing_rate(*this, bbr::unit);
  } else if (state == State::probe_rtt && probe_rtt_is_over(*this, now)) {
    exit_probe_rtt(*this, w, now);
  }
}

}  // namespace weir::tcp::cc
