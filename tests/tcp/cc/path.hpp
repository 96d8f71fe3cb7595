// A sender, one bottleneck and a receiver that acknowledges at once: what a congestion controller meets, without TCP. Virtual time,
// packets of one size, delivery in order; a lost packet is noticed when one that was sent later arrives.
#pragma once

#include <deque>
#include <functional>

#include "base/rng.hpp"
#include "tcp/cc/window.hpp"

namespace weir::tcp::cc::test {

struct PathConfig {
  u64 rate = 1'250'000;         // of the bottleneck, bytes per second
  Duration rtt = 40_ms;         // without queue
  u64 buffer = ~u64{0} >> 1;    // bytes that wait before the bottleneck; more are dropped
  u32 mss = 1'448;
  u32 segment = 0;              // bytes of a packet; 0: mss. More: as offload sends
  u32 initial_segments = 10;
  bool paced = false;           // controllers that name no rate are paced by 2 and 1.2 times cwnd / SRTT
  u32 jitter_us = 0;            // an ACK is late by 0..jitter_us
  Duration aggregate{};         // ACKs come at multiples of it only
  u64 policer = 0;              // bytes per second; 0: none. Excess is dropped
  u64 policer_burst = 0;        // bytes
  double loss = 0;              // chance that a packet is lost
  u64 mark_above = 0;           // bytes of queue above which packets are marked (DCTCP); 0: none
  u64 seed = 1;
};

template <Controller C>
class Path {
 public:
  PathConfig config;
  C cc{};
  u32 cwnd, ssthresh = ~0u >> 1;
  Instant now{1'000'000'000};
  u64 delivered = 0, lost = 0, sent = 0, dropped = 0, marked = 0, timeouts = 0, recoveries = 0;
  u32 in_flight = 0, srtt_us = 0, min_rtt_us = 0;
  u64 most_queue = 0;
  std::function<bool(u64)> drop;                  // by number of the transmission, from 0
  std::function<void(const Ack&)> after_ack;      // looks on
  std::function<void(Event)> before_event;

  explicit Path(const PathConfig& c, C controller = {}) : config(c), cc(controller), rng_(Rng::seeded(c.seed)) {
    if (config.segment == 0) config.segment = config.mss;
    cwnd = initial_window(config.mss, config.initial_segments);
    started_ = app_since_ = delivered_time_ = first_sent_time_ = next_send_ = now;
    tokens_ = static_cast<double>(config.policer_burst);
    Window w = window();
    cc.begin(w, now, 0);
  }

  [[nodiscard]] Window window() { return {cwnd, ssthresh, config.mss, initial_window(config.mss, config.initial_segments)}; }
  [[nodiscard]] Duration elapsed() const { return now - started_; }
  [[nodiscard]] u64 queue() const {
    return free_at_ <= now ? 0 : static_cast<u64>(static_cast<double>((free_at_ - now).ns) * 1e-9 * static_cast<double>(config.rate));
  }
  [[nodiscard]] u64 bdp() const { return static_cast<u64>(static_cast<double>(config.rate) * config.rtt.s()); }
  [[nodiscard]] bool in_recovery() const { return in_recovery_; }

  // What the application has to say from now on: bytes per second; ~0: always enough.
  void app(u64 rate) {
    app_rate_ = rate;
    app_since_ = now;
    app_sent_ = 0;
  }

  // The last reduction was needless, as DSACK or F-RTO find it: the engine restores, the algorithm too.
  void undo() {
    cwnd = undo_cwnd_;
    ssthresh = undo_ssthresh_;
    in_recovery_ = in_loss_ = false;
    event(Event::undone, 0);
  }

  void run(Duration d) {
    const Instant end = now + d;
    for (;;) {
      const Instant ack = acks_.empty() ? Instant::never() : acks_.front().ack_at;
      const Instant send = send_time();
      const Instant rto = acks_.empty() && in_flight > 0 ? rto_at() : Instant::never();
      const Instant next = std::min({ack, send, rto});
      if (next > end) break;
      now = std::max(now, next);
      if (ack == next) {
        take_acks(next);
      } else if (send == next) {
        transmit();
      } else {
        timeout();
      }
    }
    now = end;
  }

 private:
  struct Packet {
    u64 number, seq, order;  // transmission, place in the stream (in packets), place in `flight_`
    Instant sent_at, delivered_time, first_sent_time, ack_at;
    u64 delivered, lost;
    u32 tx_in_flight;
    bool app_limited, resent, ce;
  };

  Rng rng_;
  std::deque<Packet> flight_;  // in the order of sending
  std::deque<Packet> acks_;    // those that arrive, in the order of their ACKs
  std::deque<u64> resend_;
  std::deque<bool> got_;       // from una_ on: has arrived
  u64 una_ = 0, nxt_ = 0, number_ = 0, recovery_point_ = 0;
  Instant started_{}, free_at_{}, last_ack_at_{}, next_send_{}, delivered_time_{}, first_sent_time_{}, app_since_{}, last_active_{},
      policed_{};
  u64 app_rate_ = ~u64{0}, app_sent_ = 0, app_limited_until_ = 0;
  double tokens_ = 0;
  bool in_recovery_ = false, in_loss_ = false;
  u32 undo_cwnd_ = 0, undo_ssthresh_ = 0;

  [[nodiscard]] Duration time_for(u64 bytes, u64 rate) const {
    return Duration{static_cast<i64>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate))};
  }
  [[nodiscard]] Instant rto_at() const { return last_active_ + std::max(Duration::millis(200), Duration::micros(srtt_us) * 2); }
  [[nodiscard]] bool app_has_data() const {
    if (app_rate_ == ~u64{0}) return true;
    return app_sent_ + config.segment <= static_cast<u64>(static_cast<double>(app_rate_) * (now - app_since_).s());
  }

  void event(Event e, u32 flight, u32 idle_us = 0) {
    if (before_event) before_event(e);
    Window w = window();
    cc.on_event(w, e, now, flight, idle_us);
  }

  [[nodiscard]] Instant send_time() const {
    if (in_flight + config.segment > std::max(cwnd, config.segment)) return Instant::never();
    const Instant paced = std::max(now, next_send_);
    if (!resend_.empty() || app_rate_ == ~u64{0}) return paced;
    if (app_rate_ == 0) return Instant::never();
    return std::max(paced, app_since_ + time_for(app_sent_ + config.segment, app_rate_) + 1_us);
  }

  [[nodiscard]] u64 pacing_rate() const {
    const u64 own = cc.pacing_rate();
    if (own != 0 || !config.paced || srtt_us == 0) return own;
    return u64{cwnd} * 1'000'000 / srtt_us * (cwnd < ssthresh ? 20 : 12) / 10;
  }

  void transmit() {
    const u32 size = config.segment;
    if (in_flight == 0) {
      if (number_ != 0 && !in_loss_ && resend_.empty()) event(Event::restart, 0, static_cast<u32>((now - last_active_).us()));
      first_sent_time_ = delivered_time_ = now;
    }
    Window w = window();
    if constexpr (C::wants_sent) cc.on_sent(w, now, size, in_flight);
    Packet p{};
    p.number = number_++;
    p.resent = !resend_.empty();
    p.seq = p.resent ? resend_.front() : nxt_++;
    if (p.resent) {
      resend_.pop_front();
    } else {
      got_.push_back(false);
      app_sent_ += size;
    }
    p.sent_at = now;
    p.delivered = delivered, p.delivered_time = delivered_time_, p.first_sent_time = first_sent_time_;
    p.lost = lost;
    in_flight += size;
    p.tx_in_flight = in_flight;
    sent += size;
    last_active_ = now;
    if (const u64 rate = pacing_rate(); rate != 0) next_send_ = std::max(next_send_, now) + time_for(size, rate);
    if (!p.resent && !app_has_data() && in_flight < cwnd) app_limited_until_ = delivered + in_flight;
    p.app_limited = app_limited_until_ != 0;
    through_link(p);
  }

  [[nodiscard]] bool policed(u32 size) {
    if (config.policer == 0) return false;
    tokens_ += (now - policed_).s() * static_cast<double>(config.policer);
    tokens_ = std::min(tokens_, static_cast<double>(config.policer_burst));
    policed_ = now;
    if (tokens_ < size) return true;
    tokens_ -= size;
    return false;
  }

  void through_link(Packet p) {
    const u32 size = config.segment;
    const bool chance = config.loss > 0 && rng_.chance(config.loss);
    const Duration late = config.jitter_us == 0 ? Duration{} : Duration::micros(static_cast<i64>(rng_.below(config.jitter_us + 1)));
    const u64 waiting = queue();
    const bool lost_now = (drop && drop(p.number)) || chance || policed(size) || waiting + size > config.buffer + size;
    if (lost_now) {
      ++dropped;
      p.ack_at = Instant::never();
      flight_.push_back(p);
      return;
    }
    p.ce = config.mark_above != 0 && waiting > config.mark_above;
    free_at_ = std::max(free_at_, now) + time_for(size, config.rate);
    most_queue = std::max(most_queue, queue());
    p.ack_at = std::max(last_ack_at_, free_at_ + config.rtt + late);
    if (config.aggregate.ns != 0) {
      p.ack_at = {(p.ack_at.ns + config.aggregate.ns - 1) / config.aggregate.ns * config.aggregate.ns};
    }
    last_ack_at_ = p.ack_at;
    flight_.push_back(p);
    acks_.push_back(p);
  }

  void lose_front() {
    Packet& p = flight_.front();
    lost += config.segment;
    in_flight -= config.segment;
    resend_.push_back(p.seq);
    flight_.pop_front();
  }

  // Everything that arrives at this instant is one ACK.
  void take_acks(Instant at) {
    Ack a{};
    a.now = now;
    a.prior_in_flight = in_flight;
    const u64 una_before = una_, lost_before = lost;
    Packet newest{};
    while (!acks_.empty() && acks_.front().ack_at == at) {
      newest = acks_.front();
      acks_.pop_front();
      while (flight_.front().number != newest.number) lose_front();
      flight_.pop_front();
      in_flight -= config.segment;
      delivered += config.segment;
      a.delivered += config.segment;
      if (newest.ce) a.ce_bytes += config.segment, marked += config.segment;
      got_[newest.seq - una_] = true;
      while (!got_.empty() && got_.front()) got_.pop_front(), ++una_;
    }
    delivered_time_ = now;
    first_sent_time_ = newest.sent_at;
    last_active_ = now;
    a.acked = static_cast<u32>((una_ - una_before) * config.segment);
    a.una = SeqNum{static_cast<u32>(una_ * config.segment)};
    a.nxt = SeqNum{static_cast<u32>(nxt_ * config.segment)};
    a.lost = static_cast<u32>(lost - lost_before);
    a.in_flight = in_flight;
    a.delivered_total = delivered;
    if (!newest.resent) take_rtt(a, newest);
    a.srtt_us = srtt_us, a.min_rtt_us = min_rtt_us;
    a.cwnd_limited = app_rate_ == ~u64{0} || a.prior_in_flight + config.segment > cwnd;
    take_rate(a, newest);
    judge_losses(a);
    a.in_recovery = in_recovery_, a.in_loss = in_loss_;
    Window w = window();
    cc.on_ack(w, a);
    if (app_limited_until_ != 0 && delivered > app_limited_until_) app_limited_until_ = 0;
    if (after_ack) after_ack(a);
  }

  void take_rtt(Ack& a, const Packet& p) {
    a.rtt_us = static_cast<u32>((now - p.sent_at).us());
    srtt_us = srtt_us == 0 ? a.rtt_us : (srtt_us * 7 + a.rtt_us) / 8;
    min_rtt_us = min_rtt_us == 0 ? a.rtt_us : std::min(min_rtt_us, a.rtt_us);
  }

  void take_rate(Ack& a, const Packet& p) {
    const Duration send = p.sent_at - p.first_sent_time, ack = now - p.delivered_time;
    a.rate.prior_delivered = p.delivered;
    a.rate.delivered = static_cast<u32>(delivered - p.delivered);
    const i64 interval = std::max(send, ack).us();
    a.rate.interval_us = interval * 2 < min_rtt_us ? 0 : static_cast<u32>(interval);
    a.rate.lost = static_cast<u32>(lost - p.lost);
    a.rate.tx_in_flight = p.tx_in_flight;
    a.rate.newly_lost = a.lost;
    a.rate.app_limited = p.app_limited;
    a.rate.retransmitted = p.resent;
  }

  void judge_losses(const Ack& a) {
    if ((in_recovery_ || in_loss_) && una_ >= recovery_point_) {
      in_recovery_ = in_loss_ = false;
      event(Event::recovered, a.prior_in_flight);
    }
    if (a.lost == 0 || in_recovery_ || in_loss_) return;
    ++recoveries;
    in_recovery_ = true;
    recovery_point_ = nxt_;
    undo_cwnd_ = cwnd, undo_ssthresh_ = ssthresh;
    event(Event::recovery, a.prior_in_flight);
    if constexpr (!C::owns_cwnd) cwnd = ssthresh;  // at once: the rate of repair is another matter
  }

  void timeout() {
    ++timeouts;
    const u32 flight = in_flight;
    while (!flight_.empty()) lose_front();
    if (!in_recovery_ && !in_loss_) undo_cwnd_ = cwnd, undo_ssthresh_ = ssthresh;
    in_recovery_ = false;
    in_loss_ = true;
    recovery_point_ = nxt_;
    event(Event::timeout, flight);
    if constexpr (!C::owns_cwnd) cwnd = config.mss;
    last_active_ = now;
    next_send_ = now;
  }
};

}  // namespace weir::tcp::cc::test
