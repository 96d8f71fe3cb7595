// BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): sends at the rate and with the volume that a model of the path asks
// for: the maximum of recent delivery rates, the minimum of recent round-trip times. Losses change neither, except that a policer is
// recognised by them.
#pragma once

#include "tcp/cc/bbr_model.hpp"

namespace weir::tcp::cc {

struct Bbr1 {
  static constexpr std::string_view name = "bbr1";
  static constexpr bool owns_cwnd = true;
  static constexpr bool scalable = false;
  static constexpr bool wants_sent = true;

  enum class State : u8 { startup, drain, probe_bw, probe_rtt };

  static constexpr bbr::Gain high_gain = 2'885;      // 2 / ln 2: the least that doubles the rate every round
  static constexpr bbr::Gain drain_gain = 347;       // its reciprocal
  static constexpr bbr::Gain cwnd_gain_bw = 2'000;   // for delayed and aggregated ACKs
  static constexpr std::array<bbr::Gain, 8> cycle{1'250, 750, 1'000, 1'000, 1'000, 1'000, 1'000, 1'000};
  static constexpr Duration rtprop_filter = Duration::seconds(10);
  static constexpr Duration probe_rtt_time = Duration::millis(200);
  static constexpr u32 min_pipe_segments = 4;
  static constexpr u32 full_bw_rounds = 3;
  static constexpr u32 lt_least_rounds = 4, lt_most_rounds = 16, lt_use_rounds = 48;

  // -- the model
  bbr::MaxOfTenRounds<u64> btlbw{};   // bytes per second
  u64 delivered = 0;                  // of the connection, as of the last ACK
  u64 next_round_delivered = 0;       // a packet sent from here on ends the round
  u64 full_bw = 0;                    // BtlBw when it last grew by a quarter
  u64 rate = 0;                       // the pacing rate
  Instant rtprop_stamp{};
  Instant cycle_stamp{};              // the phase of the gain cycle began
  Instant probe_rtt_done{};           // 0: inflight has not come down yet
  u64 limited_until = 0;              // rate samples of packets sent before this much was delivered show our own restraint
  u64 conservation_until = 0;         // the end of the first round of recovery, in bytes delivered
  u32 rtprop_us = bbr::no_rtt;
  u32 round_count = 0;
  u32 prior_cwnd = 0;
  u32 seed = 0;                       // of the phase that the gain cycle begins with; may be set before begin()

  // -- long-term sampling: the rate of a policer
  u64 lost = 0;                       // bytes, of the connection
  u64 lt_bw = 0;                      // of the last interval, or of both when in use
  u64 lt_delivered = 0, lt_lost = 0;  // when the interval began
  Instant lt_stamp{};
  u8 lt_rounds = 0;
  bool lt_sampling = false;
  bool lt_use = false;

  State state = State::startup;
  u8 cycle_index = 0;
  u8 full_bw_count = 0;
  bool filled_pipe = false;
  bool round_start = false;
  bool seen_rtt = false;
  bool idle_restart = false;
  bool packet_conservation = false;
  bool in_loss_recovery = false;
  bool rtprop_expired = false;
  bool probe_rtt_round_done = false;

  void begin(Window& w, Instant now, u32 srtt_us) noexcept;
  void on_ack(Window& w, const Ack& a) noexcept;
  void on_event(Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept;
  void on_sent(Window& w, Instant now, u32 bytes, u32 in_flight) noexcept;
  [[nodiscard]] u64 pacing_rate() const noexcept { return rate; }

  [[nodiscard]] u64 bw() const noexcept { return lt_use ? lt_bw : btlbw.max(); }
  [[nodiscard]] bbr::Gain pacing_gain() const noexcept;
  [[nodiscard]] bbr::Gain cwnd_gain() const noexcept;
  // Bytes to be sent in one piece (4.2.2) and in flight for a gain (4.2.3.2).
  [[nodiscard]] u32 send_quantum(u32 mss) const noexcept;
  [[nodiscard]] u32 inflight(const Window& w, bbr::Gain gain) const noexcept;
};

static_assert(Controller<Bbr1> && sizeof(Bbr1) <= 200);

}  // namespace weir::tcp::cc
