// The order of the functions is that of their calls in on_ack(), which is the draft's UpdateModelAndState() and UpdateControlParameters().
#include "tcp/cc/bbr3.hpp"

namespace weir::tcp::cc {
namespace {

using State = Bbr3::State;
using AckPhase = Bbr3::AckPhase;
using Undo = Bbr3::Undo;

// One ACK and what follows from it.
struct Step {
  const Ack& ack;
  u64 rate = 0;              // RS.delivery_rate
  u32 tx_in_flight = 0;      // RS.tx_in_flight
  bool app_limited = false;  // RS.is_app_limited
  bool high_loss = false;    // in Startup, in the round that has just ended
};

u32 min_pipe(const Window& w) noexcept { return Bbr3::min_pipe_segments * w.mss; }

u64 bdp_multiple(const Bbr3& b, const Window& w, u64 bw, bbr::Gain gain) noexcept {
  if (b.min_rtt_us == bbr::no_rtt) return w.initial;
  return bbr::times(bbr::bdp(bw, b.min_rtt_us), gain);
}

u32 quantization_budget(const Bbr3& b, const Window& w, u64 volume) noexcept {
  volume = std::max<u64>(volume, 3 * u64{b.send_quantum(w.mss)});  // BBR.offload_budget
  volume = std::max<u64>(volume, min_pipe(w));
  if (b.state == State::probe_bw_up) volume += 2 * u64{w.mss};
  return bbr::bytes(volume);
}

// Our estimated BDP, unless congestion has cut cwnd.
u32 target_inflight(const Bbr3& b, const Window& w) noexcept { return std::min(bbr::bytes(bdp_multiple(b, w, b.bw, bbr::unit)), w.cwnd); }

u32 probe_rtt_cwnd(const Bbr3& b, const Window& w) noexcept {
  return std::max(bbr::bytes(bdp_multiple(b, w, b.bw, Bbr3::probe_rtt_cwnd_gain)), min_pipe(w));
}

bool is_cwnd_limited(const Bbr3& b) noexcept { return b.cwnd_limited_now || b.cwnd_limited_before; }

void save_cwnd(Bbr3& b, u32 cwnd) noexcept {
  const bool good = !b.in_loss_recovery && b.state != State::probe_rtt;
  b.prior_cwnd = good ? cwnd : std::max(b.prior_cwnd, cwnd);
}
void restore_cwnd(const Bbr3& b, Window& w) noexcept { w.cwnd = std::max(w.cwnd, b.prior_cwnd); }

void init_pacing_rate(Bbr3& b, const Window& w, u32 srtt_us) noexcept {
  b.rate = bbr::times(u64{w.initial} * 1'000'000 / (srtt_us == 0 ? 1'000 : srtt_us), b.pacing_gain());
}
void set_pacing_rate(Bbr3& b, bbr::Gain gain) noexcept {
  const u64 rate = bbr::times(bbr::times(b.bw, gain), Bbr3::pacing_margin);
  if (rate != 0 && (b.full_bw_reached || rate > b.rate)) b.rate = rate;
}

// -- entering states

void start_round(Bbr3& b) noexcept { b.next_round_delivered = b.delivered; }

void reset_full_bw(Bbr3& b, u64 baseline) noexcept {
  b.full_bw = baseline;
  b.full_bw_count = 0;
  b.full_bw_now = false;
}
void reset_congestion_signals(Bbr3& b) noexcept {
  b.is_loss_in_round = false;
  b.losses_in_round = 0;
  b.bw_latest = 0;
  b.inflight_latest = 0;
}
void reset_shortterm_model(Bbr3& b) noexcept {
  b.bw_shortterm = Bbr3::infinite_bw;
  b.inflight_shortterm = Bbr3::infinite;
}

// How long to wait before bandwidth is probed: 2 to 3 s, and rounds of which the first may be counted already.
void pick_probe_wait(Bbr3& b) noexcept {
  b.rounds_since_probe_up = bbr::below(b.seed, 2);
  b.bw_probe_wait_us = 2'000'000 + bbr::below(b.seed, 1'000'001);
}

void start_probe_bw_down(Bbr3& b, Instant now) noexcept {
  reset_congestion_signals(b);
  b.probe_up_acked_per_inc = Bbr3::infinite;
  pick_probe_wait(b);
  b.cycle_stamp = now;
  b.ack_phase = AckPhase::probe_stopping;
  start_round(b);
  b.state = State::probe_bw_down;
}

void start_probe_bw_refill(Bbr3& b) noexcept {
  reset_shortterm_model(b);
  b.bw_probe_up_rounds = 0;
  b.bw_probe_up_acked = 0;
  b.prev_probe_precautionary = false;
  b.ack_phase = AckPhase::refilling;
  start_round(b);
  b.state = State::probe_bw_refill;
}

// The volume grows by 1, 2, 4 ... segments a round.
void raise_inflight_longterm_slope(Bbr3& b, const Window& w) noexcept {
  const u32 growth = 1u << b.bw_probe_up_rounds;
  b.bw_probe_up_rounds = static_cast<u8>(std::min(b.bw_probe_up_rounds + 1, 30));
  b.probe_up_acked_per_inc = std::max(w.cwnd / growth, w.mss);
}

void start_probe_bw_up(Bbr3& b, const Window& w, u64 rate) noexcept {
  b.ack_phase = AckPhase::probe_starting;
  start_round(b);
  reset_full_bw(b, rate);
  b.state = State::probe_bw_up;
  raise_inflight_longterm_slope(b, w);
}

// -- losses

// Has more been lost than a probe may cost?
bool is_inflight_too_high(const Bbr3& b, const Ack& a) noexcept {
  return u64{a.rate.lost} * 100 > u64{a.rate.tx_in_flight} * Bbr3::loss_thresh_percent || (a.rate.lost != 0 && !b.has_selective_acks);
}

void save_state_upon_loss(Bbr3& b, u32 cwnd) noexcept {
  save_cwnd(b, cwnd);
  b.undo_state = Undo::none;
  b.undo_bw_shortterm = b.bw_shortterm;
  b.undo_inflight_shortterm = b.inflight_shortterm;
  b.undo_inflight_longterm = b.inflight_longterm;
}

void note_loss(Bbr3& b) noexcept {
  if (!b.is_loss_in_round) b.loss_round_delivered = b.delivered;
  b.is_loss_in_round = true;
  if (b.losses_in_round < 255) ++b.losses_in_round;
}

void handle_inflight_too_high(Bbr3& b, const Window& w, const Step& s) noexcept {
  b.prev_probe_too_high = true;
  b.is_bw_probe_sample = false;  // one answer to a probe
  if (!s.app_limited) b.inflight_longterm = std::max(s.tx_in_flight, bbr::bytes(bbr::times(target_inflight(b, w), Bbr3::beta)));
  if (b.state != State::probe_bw_up) return;
  b.undo_state = Undo::probe_bw_up;
  start_probe_bw_down(b, s.ack.now);
}

// With how much in flight did losses pass the threshold, within the piece that was lost now? InflightAtLoss() of the draft.
u32 inflight_at_loss(const Ack& a) noexcept {
  const i64 size = a.lost;
  const i64 inflight_prev = std::max<i64>(i64{a.rate.tx_in_flight} - size, 0), lost_prev = std::max<i64>(i64{a.rate.lost} - size, 0);
  const i64 prefix = (Bbr3::loss_thresh_percent * inflight_prev - 100 * lost_prev) / (100 - Bbr3::loss_thresh_percent);
  return bbr::bytes(static_cast<u64>(std::max<i64>(inflight_prev + prefix, 0)));
}

// The draft asks for each lost packet how much was in flight and lost since it went out. An Ack tells it of the newest delivered one.
void handle_lost(Bbr3& b, const Window& w, Step& s) noexcept {
  note_loss(b);
  if (!b.is_bw_probe_sample || s.ack.delivered == 0 || !is_inflight_too_high(b, s.ack)) return;
  s.tx_in_flight = inflight_at_loss(s.ack);
  handle_inflight_too_high(b, w, s);
}

// -- the model

void update_latest_delivery_signals(Bbr3& b, const Step& s) noexcept {
  b.loss_round_start = false;
  b.bw_latest = std::max(b.bw_latest, s.rate);
  b.inflight_latest = std::max(b.inflight_latest, s.ack.rate.delivered);
  if (s.ack.delivered == 0 || s.ack.rate.prior_delivered < b.loss_round_delivered) return;
  b.loss_round_delivered = b.delivered;
  b.loss_round_start = true;
}

void update_round(Bbr3& b, const Ack& a) noexcept {
  b.round_start = a.delivered != 0 && a.rate.prior_delivered >= b.next_round_delivered;
  if (!b.round_start) return;
  start_round(b);
  ++b.round_count;
  ++b.rounds_since_probe_up;
  b.cwnd_limited_before = b.cwnd_limited_now;
  b.cwnd_limited_now = false;
  if (!b.full_bw_reached) b.extra_acked.clear();  // in Startup of one round only
}

void update_max_bw(Bbr3& b, const Step& s) noexcept {
  if (s.rate != 0 && (s.rate >= b.max_bw() || !s.app_limited)) b.max_bw_filter[0] = std::max(b.max_bw_filter[0], s.rate);
}

// A cycle without a sample of its own is no reason to forget.
void advance_max_bw_filter(Bbr3& b) noexcept {
  if (b.max_bw_filter[0] == 0) return;
  b.max_bw_filter[1] = b.max_bw_filter[0];
  b.max_bw_filter[0] = 0;
}

// Once a round with a loss, unless the loss was our own risk: the short-term bounds follow what is delivered.
void adapt_lower_bounds(Bbr3& b, const Window& w) noexcept {
  if (b.probing_bw() || !b.is_loss_in_round) return;
  if (b.bw_shortterm == Bbr3::infinite_bw) b.bw_shortterm = b.max_bw();
  if (b.inflight_shortterm == Bbr3::infinite) b.inflight_shortterm = w.cwnd;
  b.bw_shortterm = std::max(b.bw_latest, bbr::times(b.bw_shortterm, Bbr3::beta));
  b.inflight_shortterm = std::max(b.inflight_latest, bbr::bytes(bbr::times(b.inflight_shortterm, Bbr3::beta)));
}

void update_congestion_signals(Bbr3& b, const Window& w, Step& s) noexcept {
  update_round(b, s.ack);
  update_max_bw(b, s);
  if (!b.loss_round_start) return;
  adapt_lower_bounds(b, w);
  // A round in recovery, too much of it lost, and not in one piece.
  s.high_loss = b.is_loss_in_round && s.ack.in_recovery && is_inflight_too_high(b, s.ack) &&
                (b.losses_in_round >= Bbr3::startup_full_loss_count || !b.has_selective_acks);
  b.is_loss_in_round = false;
  b.losses_in_round = 0;
}

// How much more is acknowledged at a time than the rate explains.
void update_ack_aggregation(Bbr3& b, const Window& w, const Ack& a) noexcept {
  u64 expected = 0;
  const u64 us = static_cast<u64>(std::max<i64>((a.now - b.extra_acked_start).us(), 0));
  expected = __builtin_mul_overflow(b.bw, us, &expected) ? ~u64{0} : expected / 1'000'000;
  if (b.extra_acked_delivered <= expected) {
    b.extra_acked_delivered = 0;
    b.extra_acked_start = a.now;
    expected = 0;
  }
  b.extra_acked_delivered += a.delivered;
  b.extra_acked.update(b.round_count, static_cast<u32>(std::min<u64>(b.extra_acked_delivered - expected, w.cwnd)));
}

void check_full_bw_reached(Bbr3& b, const Step& s) noexcept {
  if (b.full_bw_now || !b.round_start || s.app_limited || s.rate == 0) return;
  if (s.rate * 4 >= b.full_bw * 5) {
    reset_full_bw(b, s.rate);
    return;
  }
  if (++b.full_bw_count < Bbr3::full_bw_rounds) return;
  b.full_bw_now = b.full_bw_reached = true;
}

void check_startup_done(Bbr3& b, const Window& w, const Step& s) noexcept {
  if (b.state != State::startup) return;
  if (s.high_loss && !b.full_bw_reached) {
    b.undo_state = Undo::startup;
    b.full_bw_reached = true;
    b.inflight_longterm = std::max(bbr::bytes(bdp_multiple(b, w, b.max_bw(), bbr::unit)), b.inflight_latest);
  }
  if (!b.full_bw_reached) return;
  b.state = State::drain;
  b.drain_start_round = b.round_count;
}

void check_drain_done(Bbr3& b, const Window& w, const Ack& a) noexcept {
  if (b.state != State::drain) return;
  if (a.in_flight <= b.inflight(w, b.bw, bbr::unit) || b.round_count > b.drain_start_round + Bbr3::drain_most_rounds)
    start_probe_bw_down(b, a.now);
}

// -- ProbeBW

bool is_time_to_probe_bw(Bbr3& b, const Window& w, Instant now) noexcept {
  // As often as a Reno flow of this volume would lose something, but at least every 63 rounds.
  const u32 reno_rounds = std::min(target_inflight(b, w) / w.mss, Bbr3::reno_most_rounds);
  if (now <= b.cycle_stamp + Duration::micros(b.bw_probe_wait_us) && b.rounds_since_probe_up < reno_rounds) return false;
  start_probe_bw_refill(b);
  return true;
}

bool is_time_to_cruise(const Bbr3& b, const Window& w, u32 in_flight) noexcept {
  return in_flight <= b.inflight_with_headroom(w.mss) && in_flight <= b.inflight(w, b.max_bw(), bbr::unit);
}

bool is_time_to_go_down(Bbr3& b, const Window& w, const Step& s) noexcept {
  if (b.prev_probe_too_high && s.ack.in_flight >= b.inflight_longterm) {
    b.prev_probe_precautionary = true;  // this volume was too much the last time: enough if it is not now
    return true;
  }
  if (is_cwnd_limited(b) && w.cwnd >= b.inflight_longterm) {
    reset_full_bw(b, s.rate);  // it is the bound that holds the rate
    return false;
  }
  return b.full_bw_now;
}

void probe_inflight_longterm_upward(Bbr3& b, const Window& w, const Ack& a) noexcept {
  if (!is_cwnd_limited(b) || w.cwnd < b.inflight_longterm) return;
  b.bw_probe_up_acked += a.delivered;
  if (b.bw_probe_up_acked >= b.probe_up_acked_per_inc) {
    const u32 delta = b.bw_probe_up_acked / b.probe_up_acked_per_inc;
    b.bw_probe_up_acked -= delta * b.probe_up_acked_per_inc;
    b.inflight_longterm = bbr::bytes(b.inflight_longterm + u64{delta} * w.mss);
  }
  if (b.round_start) raise_inflight_longterm_slope(b, w);
}

// True if it has decided on the next state.
bool adapt_longterm_model(Bbr3& b, const Window& w, const Step& s) noexcept {
  if (b.ack_phase == AckPhase::probe_starting && b.round_start) b.ack_phase = AckPhase::probe_feedback;
  if (b.ack_phase == AckPhase::probe_stopping && b.round_start) {
    b.is_bw_probe_sample = false;
    b.ack_phase = AckPhase::init;
    if (b.in_probe_bw() && !s.app_limited) advance_max_bw_filter(b);
    if (b.in_probe_bw() && b.prev_probe_precautionary && !b.prev_probe_too_high) {
      start_probe_bw_refill(b);
      return true;
    }
  }
  if (s.ack.delivered == 0 || is_inflight_too_high(b, s.ack) || b.inflight_longterm == Bbr3::infinite) return false;
  b.inflight_longterm = std::max(b.inflight_longterm, s.ack.rate.tx_in_flight);
  if (b.state == State::probe_bw_up) probe_inflight_longterm_upward(b, w, s.ack);
  return false;
}

void update_probe_bw_cycle_phase(Bbr3& b, const Window& w, const Step& s) noexcept {
  if (!b.full_bw_reached || adapt_longterm_model(b, w, s)) return;
  switch (b.state) {
    case State::probe_bw_down:
      if (!is_time_to_probe_bw(b, w, s.ack.now) && is_time_to_cruise(b, w, s.ack.in_flight)) b.state = State::probe_bw_cruise;
      break;
    case State::probe_bw_cruise: is_time_to_probe_bw(b, w, s.ack.now); break;
    case State::probe_bw_refill:
      if (!b.round_start) break;
      b.is_bw_probe_sample = true;
      start_probe_bw_up(b, w, s.rate);
      break;
    case State::probe_bw_up:
      if (!is_time_to_go_down(b, w, s)) break;
      b.prev_probe_too_high = false;  // nothing is known of a high loss yet
      start_probe_bw_down(b, s.ack.now);
      break;
    case State::startup:
    case State::drain:
    case State::probe_rtt: break;
  }
}

// -- ProbeRTT

void update_min_rtt(Bbr3& b, const Ack& a) noexcept {
  b.probe_rtt_expired = a.now > b.probe_rtt_min_stamp + Bbr3::probe_rtt_interval;
  if (a.rtt_us != 0 && (a.rtt_us < b.probe_rtt_min_us || b.probe_rtt_expired)) {
    b.probe_rtt_min_us = a.rtt_us;
    b.probe_rtt_min_stamp = a.now;
  }
  if (b.probe_rtt_min_us >= b.min_rtt_us && a.now <= b.min_rtt_stamp + Bbr3::min_rtt_filter) return;
  b.min_rtt_us = b.probe_rtt_min_us;
  b.min_rtt_stamp = b.probe_rtt_min_stamp;
}

void check_probe_rtt_done(Bbr3& b, Window& w, Instant now) noexcept {
  if (b.probe_rtt_done.ns == 0 || now <= b.probe_rtt_done) return;
  b.probe_rtt_min_stamp = now;  // the next one is in five seconds
  restore_cwnd(b, w);
  reset_shortterm_model(b);
  if (!b.full_bw_reached) {
    b.state = State::startup;
    return;
  }
  start_probe_bw_down(b, now);  // sets the clock; there is no queue to be drained
  b.state = State::probe_bw_cruise;
}

void handle_probe_rtt(Bbr3& b, Window& w, const Ack& a) noexcept {
  b.limited_until = b.delivered + std::max<u32>(a.in_flight, 1);
  if (b.probe_rtt_done.ns == 0) {
    if (a.in_flight > probe_rtt_cwnd(b, w)) return;
    b.probe_rtt_done = a.now + Bbr3::probe_rtt_time;
    b.probe_rtt_round_done = false;
    start_round(b);
    return;
  }
  if (b.round_start) b.probe_rtt_round_done = true;
  if (b.probe_rtt_round_done) check_probe_rtt_done(b, w, a.now);
}

void check_probe_rtt(Bbr3& b, Window& w, const Ack& a) noexcept {
  if (b.state != State::probe_rtt && b.probe_rtt_expired && !b.idle_restart) {
    save_cwnd(b, w.cwnd);
    b.state = State::probe_rtt;
    b.probe_rtt_done = Instant{};
    b.ack_phase = AckPhase::probe_stopping;
    start_round(b);
  }
  if (b.state == State::probe_rtt) handle_probe_rtt(b, w, a);
  if (a.delivered != 0) b.idle_restart = false;
}

// -- the control parameters

void bound_cwnd_for_model(const Bbr3& b, Window& w) noexcept {
  u32 cap = Bbr3::infinite;
  if (b.state == State::probe_rtt || b.state == State::probe_bw_cruise) {
    cap = b.inflight_with_headroom(w.mss);
  } else if (b.in_probe_bw()) {
    cap = b.inflight_longterm;
  }
  cap = std::max(std::min(cap, b.inflight_shortterm), min_pipe(w));
  w.cwnd = std::min(w.cwnd, cap);
}

void set_cwnd(const Bbr3& b, Window& w, const Ack& a) noexcept {
  const u32 max_inflight = quantization_budget(b, w, bdp_multiple(b, w, b.bw, b.cwnd_gain()) + b.extra_acked.max());
  const u32 grown = bbr::bytes(u64{w.cwnd} + a.delivered);
  if (b.full_bw_reached) {
    w.cwnd = std::min(grown, max_inflight);
  } else if (w.cwnd < max_inflight || b.delivered < w.initial) {
    w.cwnd = grown;
  }
  w.cwnd = std::max(w.cwnd, min_pipe(w));
  if (b.state == State::probe_rtt) w.cwnd = std::min(w.cwnd, probe_rtt_cwnd(b, w));
  bound_cwnd_for_model(b, w);
}

// What the loss has lowered comes back, and the state that it ended.
void handle_spurious_loss(Bbr3& b, Window& w) noexcept {
  restore_cwnd(b, w);
  b.is_loss_in_round = false;
  b.losses_in_round = 0;
  reset_full_bw(b, 0);
  b.bw_shortterm = std::max(b.bw_shortterm, b.undo_bw_shortterm);
  b.inflight_shortterm = std::max(b.inflight_shortterm, b.undo_inflight_shortterm);
  b.inflight_longterm = std::max(b.inflight_longterm, b.undo_inflight_longterm);
  if (b.undo_state == Undo::startup && b.state != State::startup) {
    b.full_bw_reached = false;
    if (b.state != State::probe_rtt) b.state = State::startup;
  } else if (b.undo_state == Undo::probe_bw_up && b.state != State::probe_bw_up && b.state != State::probe_rtt) {
    start_probe_bw_refill(b);
  }
  b.undo_state = Undo::none;
}

}  // namespace

bbr::Gain Bbr3::pacing_gain() const noexcept {
  switch (state) {
    case State::startup: return 2'770;  // 4 ln 2: the least that doubles the rate every round
    case State::drain: return 500;
    case State::probe_bw_down: return 900;
    case State::probe_bw_up: return 1'250;
    case State::probe_bw_cruise:
    case State::probe_bw_refill:
    case State::probe_rtt: return bbr::unit;
  }
  return bbr::unit;
}

bbr::Gain Bbr3::cwnd_gain() const noexcept {
  return state == State::probe_bw_up ? 2'250 : state == State::probe_rtt ? probe_rtt_cwnd_gain : 2'000;
}

u32 Bbr3::send_quantum(u32 mss) const noexcept {
  return static_cast<u32>(std::max<u64>(std::min<u64>(rate / 1'000, 65'536), 2 * u64{mss}));
}

u32 Bbr3::inflight(const Window& w, u64 at_bw, bbr::Gain gain) const noexcept {
  return quantization_budget(*this, w, bdp_multiple(*this, w, at_bw, gain));
}

u32 Bbr3::inflight_with_headroom(u32 mss) const noexcept {
  if (inflight_longterm == infinite) return infinite;
  const u32 room = std::max(mss, bbr::bytes(bbr::times(inflight_longterm, headroom)));
  return std::max(inflight_longterm - std::min(room, inflight_longterm), min_pipe_segments * mss);
}

void Bbr3::begin(Window& w, Instant now, u32 srtt_us) noexcept {
  if (srtt_us != 0) min_rtt_us = srtt_us;
  seen_rtt = srtt_us != 0;
  min_rtt_stamp = probe_rtt_min_stamp = extra_acked_start = now;
  if (seed == 0) seed = static_cast<u32>(static_cast<u64>(now.ns) * 0x9e37'79b9'7f4a'7c15 >> 32);
  init_pacing_rate(*this, w, srtt_us);
}

void Bbr3::on_ack(Window& w, const Ack& a) noexcept {
  delivered = a.delivered_total;
  if (!seen_rtt && a.rtt_us != 0) {
    seen_rtt = true;
    init_pacing_rate(*this, w, a.rtt_us);
  }
  Step s{.ack = a,
         .rate = bbr::delivery_rate(a.rate),
         .tx_in_flight = a.rate.tx_in_flight,
         .app_limited = a.rate.app_limited || a.rate.prior_delivered < limited_until};
  if (a.lost != 0) handle_lost(*this, w, s);
  update_latest_delivery_signals(*this, s);
  update_congestion_signals(*this, w, s);
  cwnd_limited_now |= a.prior_in_flight + w.mss > w.cwnd;
  update_ack_aggregation(*this, w, a);
  check_full_bw_reached(*this, s);
  check_startup_done(*this, w, s);
  check_drain_done(*this, w, a);
  update_probe_bw_cycle_phase(*this, w, s);
  update_min_rtt(*this, a);
  check_probe_rtt(*this, w, a);
  if (loss_round_start) {
    bw_latest = s.rate;
    inflight_latest = a.rate.delivered;
  }
  bw = std::min(max_bw(), bw_shortterm);
  set_pacing_rate(*this, pacing_gain());
  set_cwnd(*this, w, a);
}

void Bbr3::on_event(Window& w, Event e, Instant now, u32, u32) noexcept {
  switch (e) {
    case Event::recovery:
    case Event::timeout:
      if (in_loss_recovery) {
        save_cwnd(*this, w.cwnd);  // what an undo restores is from before the first step of the episode
      } else {
        save_state_upon_loss(*this, w.cwnd);
      }
      in_loss_recovery = true;
      if (e == Event::timeout) {
        note_loss(*this);  // what the timeout takes for lost comes with no ACK
        w.cwnd = w.mss;
      }
      break;
    case Event::recovered:
      in_loss_recovery = false;
      restore_cwnd(*this, w);
      break;
    case Event::undone:
      in_loss_recovery = false;
      handle_spurious_loss(*this, w);
      break;
    case Event::restart: on_sent(w, now, 0, 0); break;
    case Event::mark: break;  // the draft leaves ECN to others
  }
}

// HandleRestartFromIdle(): nothing is in flight since there was nothing to be sent.
void Bbr3::on_sent(Window& w, Instant now, u32, u32 in_flight) noexcept {
  if (in_flight != 0 || in_loss_recovery || delivered == 0) return;
  idle_restart = true;
  extra_acked_start = now;
  extra_acked_delivered = 0;
  if (in_probe_bw()) {
    set_pacing_rate(*this, bbr::unit);
  } else if (state == State::probe_rtt) {
    check_probe_rtt_done(*this, w, now);
  }
}

}  // namespace weir::tcp::cc
