// BBR version 3 (draft-ietf-ccwg-bbr, as of August 2026): as version 1 a model of the path, to which losses add upper bounds of rate and
// volume: short-term ones, which follow what is delivered, and a long-term one, which probing raises. Names are the draft's.
#pragma once

#include "tcp/cc/bbr_model.hpp"

namespace weir::tcp::cc {

struct Bbr3 {
  static constexpr std::string_view name = "bbr3";
  static constexpr bool owns_cwnd = true;
  static constexpr bool scalable = false;
  static constexpr bool wants_sent = true;

  enum class State : u8 { startup, drain, probe_bw_down, probe_bw_cruise, probe_bw_refill, probe_bw_up, probe_rtt };
  // What the ACKs that come in now tell of the last probe for bandwidth.
  enum class AckPhase : u8 { init, refilling, probe_starting, probe_feedback, probe_stopping };
  // The state that a loss has ended, for the undo.
  enum class Undo : u8 { none, startup, probe_bw_up };

  static constexpr u32 infinite = ~0u;
  static constexpr u64 infinite_bw = ~u64{0};
  static constexpr u32 loss_thresh_percent = 2;
  static constexpr bbr::Gain beta = 700;
  static constexpr bbr::Gain headroom = 150;
  static constexpr u32 min_pipe_segments = 4;
  static constexpr u32 startup_full_loss_count = 6;
  static constexpr u32 full_bw_rounds = 3;
  static constexpr u32 drain_most_rounds = 3;
  static constexpr u32 reno_most_rounds = 63;
  static constexpr bbr::Gain pacing_margin = 990;  // 1 % below the rate
  static constexpr bbr::Gain probe_rtt_cwnd_gain = 500;
  static constexpr Duration min_rtt_filter = Duration::seconds(10);
  static constexpr Duration probe_rtt_interval = Duration::seconds(5);
  static constexpr Duration probe_rtt_time = Duration::millis(200);

  // -- rates, bytes per second
  std::array<u64, 2> max_bw_filter{};  // the cycle that goes on, and the one before
  u64 bw = 0;                          // the lesser of max_bw() and bw_shortterm
  u64 bw_shortterm = infinite_bw;
  u64 bw_latest = 0;                   // the most in this round
  u64 full_bw = 0;
  u64 rate = 0;                        // C.pacing_rate
  u64 undo_bw_shortterm = 0;
  // -- bytes delivered since the connection began
  u64 delivered = 0;                   // as of the last ACK
  u64 next_round_delivered = 0;
  u64 loss_round_delivered = 0;
  u64 limited_until = 0;               // samples of packets sent before this show our own restraint
  u64 extra_acked_delivered = 0;       // since extra_acked_start
  // -- times
  Instant extra_acked_start{};
  Instant min_rtt_stamp{};
  Instant probe_rtt_min_stamp{};
  Instant probe_rtt_done{};            // 0: inflight has not come down yet
  Instant cycle_stamp{};
  u32 bw_probe_wait_us = 0;
  u32 min_rtt_us = bbr::no_rtt;
  u32 probe_rtt_min_us = bbr::no_rtt;
  // -- volumes, bytes
  bbr::MaxOfTenRounds<u32> extra_acked{};
  u32 inflight_longterm = infinite;
  u32 inflight_shortterm = infinite;
  u32 inflight_latest = 0;             // the most delivered in a sample of this round
  u32 undo_inflight_longterm = 0;
  u32 undo_inflight_shortterm = 0;
  u32 prior_cwnd = 0;
  u32 bw_probe_up_acked = 0;
  u32 probe_up_acked_per_inc = infinite;
  // -- rounds
  u32 round_count = 0;
  u32 rounds_since_probe_up = 0;
  u32 drain_start_round = 0;
  u32 seed = 0;                        // of the waiting times; may be set before begin()

  State state = State::startup;
  AckPhase ack_phase = AckPhase::init;
  Undo undo_state = Undo::none;
  u8 full_bw_count = 0;
  u8 bw_probe_up_rounds = 0;
  u8 losses_in_round = 0;              // ACKs that told of a loss: each at least one range of its own
  bool has_selective_acks = true;      // without SACK any loss in a round counts as too much; set by the engine
  bool round_start = false;
  bool loss_round_start = false;
  bool is_loss_in_round = false;
  bool is_bw_probe_sample = false;
  bool full_bw_reached = false;
  bool full_bw_now = false;
  bool prev_probe_too_high = false;
  bool prev_probe_precautionary = false;
  bool probe_rtt_expired = false;
  bool probe_rtt_round_done = false;
  bool idle_restart = false;
  bool in_loss_recovery = false;
  bool seen_rtt = false;
  bool cwnd_limited_now = false;       // in this round
  bool cwnd_limited_before = false;    // in the one before

  void begin(Window& w, Instant now, u32 srtt_us) noexcept;
  void on_ack(Window& w, const Ack& a) noexcept;
  void on_event(Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept;
  void on_sent(Window& w, Instant now, u32 bytes, u32 in_flight) noexcept;
  [[nodiscard]] u64 pacing_rate() const noexcept { return rate; }

  [[nodiscard]] u64 max_bw() const noexcept { return std::max(max_bw_filter[0], max_bw_filter[1]); }
  [[nodiscard]] bool in_probe_bw() const noexcept { return state >= State::probe_bw_down && state <= State::probe_bw_up; }
  [[nodiscard]] bool probing_bw() const noexcept {
    return state == State::startup || state == State::probe_bw_refill || state == State::probe_bw_up;
  }
  [[nodiscard]] bbr::Gain pacing_gain() const noexcept;
  [[nodiscard]] bbr::Gain cwnd_gain() const noexcept;
  [[nodiscard]] u32 send_quantum(u32 mss) const noexcept;
  // Inflight(bw, gain) of the draft, and the volume that leaves others some room.
  [[nodiscard]] u32 inflight(const Window& w, u64 at_bw, bbr::Gain gain) const noexcept;
  [[nodiscard]] u32 inflight_with_headroom(u32 mss) const noexcept;
};

static_assert(Controller<Bbr3> && sizeof(Bbr3) <= 320);

}  // namespace weir::tcp::cc
