// A BBRv3 connection whose ACKs report rates, losses and volumes as the test says.
#pragma once

#include <gtest/gtest.h>

#include "tcp/cc/bbr3.hpp"
#include "tests/tcp/cc/acks.hpp"

namespace weir::tcp::cc::test {

struct Bbr3Flow : Script<Bbr3> {
  u64 total = 0;
  bool no_probe_rtt = false;  // the five seconds never end
  static constexpr u64 rate = 1'000'000;  // with 100 ms: a BDP of 100 segments

  Bbr3Flow() { cc.seed = 7; }

  // An ACK that begins a round, of a path of 100 ms.
  Ack round_ack(u64 at, u32 rtt_us = 100'000) {
    now = now + Duration::micros(rtt_us);
    if (no_probe_rtt) cc.probe_rtt_min_stamp = now;
    Ack a = ack(10'000, rtt_us);
    total += 10'000;
    a.delivered_total = total;
    a.prior_in_flight = a.in_flight = 100'000;
    a.rate.prior_delivered = total - 10'000;
    a.rate.delivered = static_cast<u32>(at / 10);
    a.rate.interval_us = 100'000;
    a.rate.tx_in_flight = 100'000;
    return a;
  }
  void round(u64 at = rate) { give(round_ack(at)); }
  void round_with(u32 in_flight, u64 at = rate) {
    Ack a = round_ack(at);
    a.prior_in_flight = a.in_flight = in_flight;
    give(a);
  }
  void limited_round(u64 at) {
    Ack a = round_ack(at);
    a.rate.app_limited = true;
    give(a);
  }
  // A round of `n` ACKs of which each tells of `lost` bytes, `share` percent of what was in flight in all; then the ACK that ends it.
  void lossy_round(int n, u32 lost, u32 percent, bool in_recovery = true, u64 at = rate) {
    if (in_recovery && !cc.in_loss_recovery) event(Event::recovery, 100'000);
    Ack a{};
    for (int i = 0; i < n; ++i) {
      a = round_ack(at);
      a.rate.prior_delivered = cc.delivered == 0 ? 0 : cc.delivered - 1;
      if (cc.is_loss_in_round) a.rate.prior_delivered = cc.loss_round_delivered - 1;
      a.lost = a.rate.newly_lost = lost;
      a.rate.lost = a.rate.tx_in_flight * percent / 100;
      a.in_recovery = in_recovery;
      give(a);
    }
    a = round_ack(at);
    a.rate.prior_delivered = cc.loss_round_delivered;
    a.rate.lost = a.rate.tx_in_flight * percent / 100;
    a.in_recovery = in_recovery;
    give(a);
  }
  void reach_cruise() {
    cwnd = 300'000;
    for (int i = 0; i < 4; ++i) round_with(300'000);
    ASSERT_EQ(cc.state, Bbr3::State::drain);
    round_with(0);
    ASSERT_EQ(cc.state, Bbr3::State::probe_bw_cruise);
    for (int i = 0; i < 12; ++i) round();  // the window has become what the model says
    ASSERT_EQ(cc.state, Bbr3::State::probe_bw_cruise);
  }
  void reach_refill() {
    reach_cruise();
    for (int i = 0; i < 40 && cc.state == Bbr3::State::probe_bw_cruise; ++i) round();
    ASSERT_EQ(cc.state, Bbr3::State::probe_bw_refill);
  }
  void reach_up() {
    reach_refill();
    round();
    ASSERT_EQ(cc.state, Bbr3::State::probe_bw_up);
  }
};

}  // namespace weir::tcp::cc::test
