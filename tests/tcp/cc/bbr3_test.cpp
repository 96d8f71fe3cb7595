// BBR version 3 (draft-ietf-ccwg-bbr): rules and transitions, each by ACKs that the test writes. Whole paths: bbr3_path_test.cpp.
#include "tcp/cc/bbr3.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/tcp/cc/bbr3_flow.hpp"

namespace weir::tcp::cc {
namespace {

using State = Bbr3::State;
using Flow = test::Bbr3Flow;

// -- Startup and Drain

TEST(bbr3, the_first_rate_is_2_77_initial_windows_a_round_trip) {
  test::Script<Bbr3> f;
  EXPECT_EQ(f.cc.pacing_rate(), 27'700'000u);  // SRTT is not known: 1 ms
  f.give(f.ack(1'000, 50'000));
  EXPECT_EQ(f.cc.pacing_rate(), 10'000u * 20 * 277 / 100);
}

TEST(bbr3, startup_ends_after_three_rounds_of_little_growth) {
  Flow f;
  u64 rate = Flow::rate;
  for (int i = 0; i < 10; ++i, rate = rate * 5 / 4) {
    f.round(rate);
    ASSERT_EQ(f.cc.state, State::startup) << i;
  }
  f.round(rate);
  for (int i = 0; i < 2; ++i) {
    f.round(rate * 124 / 100);
    ASSERT_EQ(f.cc.state, State::startup) << i;
  }
  EXPECT_EQ(f.cc.pacing_gain(), 2'770u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'000u);
  Ack a = f.round_ack(rate * 124 / 100);
  a.in_flight = 100'000'000;
  f.give(a);
  EXPECT_TRUE(f.cc.full_bw_reached);
  EXPECT_EQ(f.cc.state, State::drain);
  EXPECT_EQ(f.cc.pacing_gain(), 500u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'000u);
  EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);
}

TEST(bbr3, rounds_that_the_application_limits_never_end_startup) {
  Flow f;
  f.round();
  for (int i = 0; i < 30; ++i) f.limited_round(Flow::rate / 2);
  EXPECT_EQ(f.cc.state, State::startup);
}

// In recovery for a round, more than 2 % lost, in six pieces.
TEST(bbr3, startup_ends_by_losses_that_meet_all_three_conditions) {
  for (const auto& [ranges, percent, recovery, ends] :
       {std::tuple{6, 3u, true, true}, {5, 3u, true, false}, {6, 2u, true, false}, {6, 3u, false, false}}) {
    Flow f;
    f.round();
    f.round(Flow::rate * 2);
    f.lossy_round(ranges, 1'000, percent, recovery);
    EXPECT_EQ(f.cc.state != State::startup, ends) << ranges << " ranges, " << percent << " %, " << recovery;
    EXPECT_EQ(f.cc.full_bw_reached, ends);
    if (ends) {
      EXPECT_EQ(f.cc.inflight_longterm, 200'000u);
    }
  }
}

TEST(bbr3, losses_of_several_rounds_do_not_add_up) {
  Flow f;
  f.round();
  for (u64 i = 1; i < 5; ++i) f.lossy_round(5, 1'000, 3, true, Flow::rate << i);
  EXPECT_EQ(f.cc.state, State::startup);
}

TEST(bbr3, without_sack_any_loss_of_a_round_in_recovery_ends_startup) {
  Flow f;
  f.cc.has_selective_acks = false;
  f.round();
  f.lossy_round(1, 1'000, 1);
  EXPECT_NE(f.cc.state, State::startup);
}

TEST(bbr3, drain_ends_when_a_bdp_is_in_flight) {
  Flow f;
  f.cwnd = 300'000;
  for (int i = 0; i < 4; ++i) f.round_with(300'000);
  f.round_with(100'001);
  EXPECT_EQ(f.cc.state, State::drain);
  f.round_with(100'000);
  EXPECT_TRUE(f.cc.in_probe_bw());
}

TEST(bbr3, drain_ends_after_three_rounds) {
  Flow f;
  for (int i = 0; i < 3; ++i) f.round();
  for (int i = 0; i < 4; ++i) {
    f.round_with(300'000);
    ASSERT_EQ(f.cc.state, State::drain) << i;
  }
  f.round_with(300'000);
  EXPECT_EQ(f.cc.state, State::probe_bw_down);
  EXPECT_EQ(f.cc.pacing_gain(), 900u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'000u);
}

// -- the cycle

TEST(bbr3, down_ends_when_a_bdp_is_in_flight_and_there_is_headroom) {
  Flow f;
  for (int i = 0; i < 3; ++i) f.round();
  for (int i = 0; i < 5; ++i) f.round_with(300'000);
  ASSERT_EQ(f.cc.state, State::probe_bw_down);
  f.cc.inflight_longterm = 110'000;
  const auto down = [&](u32 in_flight) {
    Ack a = f.round_ack(Flow::rate);
    a.in_flight = in_flight;
    a.rate.tx_in_flight = 0;  // proves nothing of the bound
    f.give(a);
    return f.cc.state == State::probe_bw_down;
  };
  EXPECT_TRUE(down(93'501));
  Flow free = f;
  free.cc.inflight_longterm = Bbr3::infinite;
  free.round_with(100'001);
  EXPECT_EQ(free.cc.state, State::probe_bw_down);
  free.round_with(100'000);
  EXPECT_EQ(free.cc.state, State::probe_bw_cruise);
  EXPECT_FALSE(down(93'500));  // 85 %
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
  EXPECT_EQ(f.cc.pacing_gain(), 1'000u);
}

// The quanta of sender and receiver, and room for two segments more where more is to be found.
TEST(bbr3, a_volume_has_room_for_three_quanta) {
  Flow f;
  f.reach_cruise();
  const auto quantum = [&](u64 rate) {
    f.cc.rate = rate;
    return f.cc.send_quantum(1'448);
  };
  EXPECT_EQ(quantum(100'000), 2 * 1'448u);
  EXPECT_EQ(quantum(10'000'000), 10'000u);
  EXPECT_EQ(quantum(1'000'000'000), 65'536u);
  EXPECT_EQ(f.cc.inflight(f.window(), Flow::rate, bbr::unit), 3 * 65'536u);
  EXPECT_EQ(f.cc.inflight(f.window(), 10 * Flow::rate, bbr::unit), 1'000'000u);
  f.cc.state = State::probe_bw_up;
  EXPECT_EQ(f.cc.inflight(f.window(), 10 * Flow::rate, bbr::unit), 1'002'000u);
}

// T_bbr: two to three seconds, at random.
TEST(bbr3, bandwidth_is_probed_after_two_to_three_seconds) {
  std::set<u32> waits, counted;
  for (u32 seed = 1; seed < 100; ++seed) {
    Flow f;
    f.cc.seed = seed * 2'654'435'761u;
    f.reach_cruise();
    const Instant begun = f.cc.cycle_stamp;
    counted.insert(f.cc.rounds_since_probe_up);
    const u32 wait = f.cc.bw_probe_wait_us;
    ASSERT_GE(wait, 2'000'000u);
    ASSERT_LE(wait, 3'000'000u);
    waits.insert(wait / 100'000);
    while (f.cc.state == State::probe_bw_cruise) f.round();
    EXPECT_EQ(f.cc.state, State::probe_bw_refill);
    EXPECT_GT((f.now - begun).us(), wait);
    EXPECT_LE((f.now - begun).us(), wait + 100'000);
  }
  EXPECT_GE(waits.size(), 9u);
  EXPECT_EQ(counted.size(), 2u);  // the first round counts already, or does not
}

// T_reno: as many rounds as there are packets in a BDP, 63 at the most; the first may count already.
TEST(bbr3, bandwidth_is_probed_after_as_many_rounds_as_reno_would_take) {
  for (const u32 rounds : {63u, 30u}) {
    std::set<u32> seen;
    for (u32 seed = 1; seed < 20; ++seed) {
      Flow f;
      f.cc.seed = seed * 2'654'435'761u;
      f.reach_cruise();
      f.cc.min_rtt_us = f.cc.probe_rtt_min_us = 30'000;  // a BDP of 30 segments, or of 300
      f.cc.probe_rtt_min_stamp = f.now;
      if (rounds == 63) f.cc.max_bw_filter = {10'000'000, 10'000'000};
      f.cc.bw = f.cc.max_bw();
      f.cwnd = 300'000;
      f.cc.cycle_stamp = f.now;
      const u32 first = f.cc.rounds_since_probe_up = seed % 2;
      u32 n = 0;
      for (; f.cc.state == State::probe_bw_cruise && n < 200; ++n) {
        f.cwnd = 300'000;
        f.give(f.round_ack(Flow::rate, 30'000));
      }
      EXPECT_EQ(n + first, rounds);
    }
  }
}

TEST(bbr3, refill_lasts_a_round_and_forgets_the_short_term_bounds) {
  Flow f;
  f.reach_cruise();
  f.lossy_round(1, 1'000, 1);
  ASSERT_NE(f.cc.bw_shortterm, Bbr3::infinite_bw);
  ASSERT_NE(f.cc.inflight_shortterm, Bbr3::infinite);
  for (int i = 0; i < 40 && f.cc.state == State::probe_bw_cruise; ++i) f.round();
  ASSERT_EQ(f.cc.state, State::probe_bw_refill);
  EXPECT_EQ(f.cc.bw_shortterm, Bbr3::infinite_bw);
  EXPECT_EQ(f.cc.inflight_shortterm, Bbr3::infinite);
  EXPECT_EQ(f.cc.pacing_gain(), 1'000u);
  for (int i = 0; i < 10; ++i) {
    Ack a = f.round_ack(Flow::rate);
    a.rate.prior_delivered = f.cc.next_round_delivered - 1;
    f.give(a);
    ASSERT_EQ(f.cc.state, State::probe_bw_refill);
  }
  f.round();
  EXPECT_EQ(f.cc.state, State::probe_bw_up);
  EXPECT_TRUE(f.cc.is_bw_probe_sample);
  EXPECT_EQ(f.cc.pacing_gain(), 1'250u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'250u);
}

TEST(bbr3, up_ends_when_the_rate_has_not_grown_for_three_rounds) {
  Flow f;
  f.reach_up();
  f.round(Flow::rate * 5 / 4);
  for (int i = 0; i < 2; ++i) {
    f.round(Flow::rate * 5 / 4);
    ASSERT_EQ(f.cc.state, State::probe_bw_up) << i;
  }
  f.round(Flow::rate * 5 / 4);
  EXPECT_EQ(f.cc.state, State::probe_bw_down);
  EXPECT_FALSE(f.cc.prev_probe_too_high);
  EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);
}

TEST(bbr3, up_goes_on_while_the_application_limits_it) {
  Flow f;
  f.no_probe_rtt = true;
  f.reach_up();
  for (int i = 0; i < 30; ++i) f.limited_round(Flow::rate / 2);
  EXPECT_EQ(f.cc.state, State::probe_bw_up);
}

// More than 2 % lost of what was in flight: that was too much. The bound is what was in flight when losses passed 2 %.
TEST(bbr3, a_loss_of_more_than_two_percent_ends_up_and_sets_the_bound) {
  for (const u32 lost : {2'000u, 3'000u}) {
    Flow f;
    f.reach_up();
    Ack a = f.round_ack(Flow::rate);
    f.event(Event::recovery, 100'000);
    a.lost = a.rate.newly_lost = lost;
    a.rate.lost = lost;
    a.in_recovery = true;
    f.give(a);
    if (lost == 2'000) {
      EXPECT_EQ(f.cc.state, State::probe_bw_up);
      EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);
      continue;
    }
    EXPECT_EQ(f.cc.state, State::probe_bw_down);
    EXPECT_TRUE(f.cc.prev_probe_too_high);
    EXPECT_EQ(f.cc.inflight_longterm, 97'000u + 97'000 * 2 / 98);
    EXPECT_EQ(f.cc.undo_state, Bbr3::Undo::probe_bw_up);
    // Further losses of that probe change nothing.
    a = f.round_ack(Flow::rate);
    a.lost = a.rate.lost = 20'000;
    a.in_recovery = true;
    f.give(a);
    EXPECT_EQ(f.cc.inflight_longterm, 97'000u + 97'000 * 2 / 98);
  }
}

// No more than CUBIC would give up: 0.7 of the target.
TEST(bbr3, the_bound_is_at_least_seven_tenths_of_the_target) {
  Flow f;
  f.reach_up();
  Ack a = f.round_ack(Flow::rate);
  a.rate.tx_in_flight = 20'000;
  a.lost = a.rate.lost = 5'000;
  f.give(a);
  EXPECT_EQ(f.cc.inflight_longterm, 70'000u);
}

TEST(bbr3, a_loss_that_was_no_probe_leaves_the_long_term_bound) {
  Flow f;
  f.reach_cruise();
  ASSERT_FALSE(f.cc.is_bw_probe_sample);
  f.lossy_round(3, 1'000, 10);
  EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
}

TEST(bbr3, a_probe_after_one_that_was_too_high_stops_at_the_bound_and_if_that_was_safe_goes_on) {
  Flow f;
  f.reach_up();
  f.cc.prev_probe_too_high = true;
  f.cc.inflight_longterm = 150'000;
  f.round_with(149'999);
  ASSERT_EQ(f.cc.state, State::probe_bw_up);
  f.round_with(150'000);
  EXPECT_EQ(f.cc.state, State::probe_bw_down);
  EXPECT_TRUE(f.cc.prev_probe_precautionary);
  EXPECT_FALSE(f.cc.prev_probe_too_high);
  Flow lossy = f;
  f.round_with(150'000);  // a round of feedback without excess loss: at once again
  EXPECT_EQ(f.cc.state, State::probe_bw_refill);
  EXPECT_FALSE(f.cc.prev_probe_precautionary);
  Ack a = lossy.round_ack(Flow::rate);
  a.rate.prior_delivered = lossy.cc.next_round_delivered - 1;
  a.in_flight = 150'000;
  a.lost = a.rate.lost = 10'000;
  lossy.give(a);
  EXPECT_TRUE(lossy.cc.prev_probe_too_high);
  lossy.round_with(150'000);
  EXPECT_EQ(lossy.cc.state, State::probe_bw_down);
}

// The bound is raised by 1, 2, 4 ... segments a round, as long as it is what holds the sender.
TEST(bbr3, in_up_the_bound_grows_exponentially) {
  Flow f;
  f.no_probe_rtt = true;
  f.reach_up();
  f.cc.inflight_longterm = f.cwnd = 100'000;
  f.cc.bw_probe_up_rounds = 0;
  f.cc.probe_up_acked_per_inc = Bbr3::infinite;
  std::vector<u32> grown;
  for (int r = 0; r < 6; ++r) {
    const u32 before = f.cc.inflight_longterm;
    for (u32 acked = 0; acked < f.cwnd; acked += 10'000) {
      Ack a = f.round_ack(Flow::rate);
      if (acked != 0) a.rate.prior_delivered = f.cc.next_round_delivered - 1;
      a.prior_in_flight = f.cwnd;
      a.rate.tx_in_flight = 0;
      f.give(a);
      f.cwnd = f.cc.inflight_longterm;
      ASSERT_EQ(f.cc.state, State::probe_bw_up);
    }
    grown.push_back((f.cc.inflight_longterm - before) / 1'000);
  }
  EXPECT_LE(grown[0], 1u);
  for (usize r = 2; r < grown.size(); ++r) EXPECT_NEAR(grown[r], 2 * grown[r - 1], 1 + grown[r] / 4) << r;
  EXPECT_GE(grown.back(), 14u);
  const u32 bound = f.cc.inflight_longterm;
  f.cc.cwnd_limited_now = f.cc.cwnd_limited_before = false;
  for (int i = 0; i < 2; ++i) {
    Ack a = f.round_ack(Flow::rate);
    a.prior_in_flight = 10'000;
    f.cwnd = bound;
    f.give(a);
  }
  EXPECT_EQ(f.cc.inflight_longterm, bound);  // not used, not raised
}

TEST(bbr3, what_was_in_flight_without_harm_raises_the_bound) {
  Flow f;
  f.reach_cruise();
  f.cc.inflight_longterm = 80'000;
  f.round();
  EXPECT_EQ(f.cc.inflight_longterm, 100'000u);
  Ack a = f.round_ack(Flow::rate);
  a.rate.tx_in_flight = 200'000;
  a.rate.lost = 10'000;
  f.give(a);
  EXPECT_EQ(f.cc.inflight_longterm, 100'000u);  // with harm
}

// -- the short-term bounds

TEST(bbr3, losses_outside_of_probes_bound_rate_and_volume_by_what_is_delivered) {
  Flow f;
  f.reach_cruise();
  f.cc.bw_latest = 0, f.cc.inflight_latest = 0;
  const u32 cwnd = f.cwnd;
  f.lossy_round(1, 1'000, 1);
  EXPECT_EQ(f.cc.bw_shortterm, Flow::rate);  // that much was delivered
  EXPECT_EQ(f.cc.inflight_shortterm, std::max(100'000u, cwnd * 7 / 10));
  // When much less arrives, beta is the least.
  const u64 bw = f.cc.bw_shortterm;
  const u32 inflight = f.cc.inflight_shortterm;
  f.cc.bw_latest = 0, f.cc.inflight_latest = 0;
  Ack a = f.round_ack(Flow::rate / 10);
  a.lost = 1'000, a.in_recovery = true;
  a.rate.prior_delivered = f.cc.loss_round_delivered - 1;
  f.give(a);
  EXPECT_EQ(f.cc.bw_shortterm, bw);  // the round goes on
  a = f.round_ack(Flow::rate / 10);
  a.in_recovery = true;
  f.give(a);
  EXPECT_EQ(f.cc.bw_shortterm, bw * 7 / 10);
  EXPECT_EQ(f.cc.inflight_shortterm, inflight * 7 / 10);
  EXPECT_EQ(f.cc.bw, bw * 7 / 10);
  EXPECT_LE(f.cwnd, inflight * 7 / 10);
  // A round without loss lowers nothing.
  f.round(Flow::rate / 10);
  EXPECT_EQ(f.cc.bw_shortterm, bw * 7 / 10);
}

// The last round counts, not what was delivered before it.
TEST(bbr3, the_short_term_bounds_follow_the_round_that_lost_something) {
  Flow f;
  f.reach_cruise();
  f.cc.inflight_longterm = 100'000;
  for (int i = 0; i < 3; ++i) {
    Ack a = f.round_ack(Flow::rate / 10);
    a.rate.tx_in_flight = 0;
    f.give(a);
  }
  ASSERT_EQ(f.cwnd, 85'000u);
  Ack a = f.round_ack(Flow::rate / 10);
  a.lost = 1'000, a.in_recovery = true;
  a.rate.prior_delivered = f.cc.loss_round_delivered - 1;
  f.give(a);
  a = f.round_ack(Flow::rate / 10);
  a.in_recovery = true;
  f.give(a);
  EXPECT_EQ(f.cc.bw_shortterm, Flow::rate * 7 / 10);
  EXPECT_EQ(f.cc.inflight_shortterm, 59'500u);
}

TEST(bbr3, losses_in_probes_leave_the_short_term_bounds) {
  Flow f;
  f.reach_up();
  f.lossy_round(1, 500, 1);
  EXPECT_EQ(f.cc.bw_shortterm, Bbr3::infinite_bw);
  EXPECT_EQ(f.cc.inflight_shortterm, Bbr3::infinite);
}

TEST(bbr3, cruise_leaves_fifteen_percent_of_the_bound_to_others) {
  Flow f;
  f.reach_cruise();
  f.cc.inflight_longterm = 120'000;
  f.round();
  EXPECT_EQ(f.cwnd, 102'000u);
  f.cc.inflight_longterm = 3'000;
  EXPECT_EQ(f.cc.inflight_with_headroom(1'000), 4'000u);  // never below four segments
  f.cc.inflight_longterm = 6'000;
  EXPECT_EQ(f.cc.inflight_with_headroom(1'000), 5'000u);  // a segment at least
}

// -- the filters

TEST(bbr3, the_rate_is_the_maximum_of_two_cycles) {
  Flow f;
  f.no_probe_rtt = true;
  f.reach_up();
  ASSERT_EQ(f.cc.max_bw(), Flow::rate);
  const auto cycle = [&](u64 rate) {
    for (int i = 0; i < 100 && f.cc.state != State::probe_bw_down; ++i) f.round(rate);
    f.round(rate);
    f.round_with(0, rate);
    for (int i = 0; i < 100 && f.cc.state != State::probe_bw_up; ++i) f.round(rate);
    ASSERT_EQ(f.cc.state, State::probe_bw_up);
  };
  cycle(Flow::rate / 2);
  EXPECT_EQ(f.cc.max_bw(), Flow::rate);
  cycle(Flow::rate / 2);
  EXPECT_EQ(f.cc.max_bw(), Flow::rate / 2);
}

TEST(bbr3, a_cycle_without_samples_forgets_nothing) {
  Flow f;
  f.reach_up();
  for (int i = 0; i < 100 && f.cc.state != State::probe_bw_down; ++i) f.round();
  ASSERT_EQ(f.cc.ack_phase, Bbr3::AckPhase::probe_stopping);
  f.cc.max_bw_filter = {0, Flow::rate};
  Ack a = f.round_ack(Flow::rate);
  a.rate.interval_us = 0;
  f.give(a);
  EXPECT_EQ(f.cc.ack_phase, Bbr3::AckPhase::init);
  EXPECT_EQ(f.cc.max_bw(), Flow::rate);
}

TEST(bbr3, samples_that_the_application_limits_can_only_raise_the_rate) {
  Flow f;
  f.reach_cruise();
  f.limited_round(Flow::rate * 2);
  EXPECT_EQ(f.cc.max_bw(), Flow::rate * 2);
  f.cc.max_bw_filter = {Flow::rate / 2, Flow::rate};
  f.limited_round(Flow::rate * 3 / 4);
  EXPECT_EQ(f.cc.max_bw_filter[0], Flow::rate / 2);
}

// As much as came at once beyond the rate: kept for ten rounds, in Startup for one.
TEST(bbr3, acknowledgements_in_bunches_widen_the_window) {
  Flow f;
  f.reach_cruise();
  const u32 before = f.cwnd;
  f.round();
  Ack a = f.round_ack(Flow::rate);
  a.now = f.now = f.now - 100_ms;  // at the same time as the last one
  f.give(a);
  EXPECT_GE(f.cc.extra_acked.max(), 10'000u);
  const u32 extra = f.cc.extra_acked.max();
  for (int i = 0; i < 7; ++i) f.round();
  EXPECT_EQ(f.cc.extra_acked.max(), extra);
  EXPECT_EQ(f.cwnd, before + extra - 10'000);  // 10,000 is the ordinary size of an ACK here
  for (int i = 0; i < 4; ++i) f.round();
  EXPECT_LT(f.cc.extra_acked.max(), extra);

  Flow young;
  young.cwnd = 200'000;
  young.round();
  a = young.round_ack(Flow::rate);
  a.delivered = 50'000;
  young.give(a);
  ASSERT_GE(young.cc.extra_acked.max(), 50'000u);
  young.round();
  EXPECT_LT(young.cc.extra_acked.max(), 50'000u);
}

// -- ProbeRTT

TEST(bbr3, probe_rtt_takes_half_a_bdp_for_200_ms_and_a_round) {
  Flow f;
  f.reach_cruise();
  const u32 cwnd = f.cwnd;
  f.cc.probe_rtt_min_stamp = f.now - 4'900_ms;
  f.round();
  ASSERT_EQ(f.cc.state, State::probe_bw_cruise);  // five seconds are not over
  f.give(f.round_ack(Flow::rate, 101'000));
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  EXPECT_EQ(f.cwnd, 50'000u);
  EXPECT_EQ(f.cc.pacing_gain(), 1'000u);
  for (int i = 0; i < 5; ++i) f.round_with(50'001);
  EXPECT_EQ(f.cc.probe_rtt_done.ns, 0);  // not down yet
  f.round_with(50'000);
  const Instant begun = f.now;
  f.round_with(50'000);
  f.round_with(50'000);
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  EXPECT_EQ((f.now - begun).ms(), 200);
  f.cc.bw_shortterm = 1;  // what the restraint may have done to it
  f.round_with(50'000);
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
  EXPECT_EQ(f.cc.bw_shortterm, Bbr3::infinite_bw);
  EXPECT_GE(f.cwnd, cwnd);
  EXPECT_EQ(f.cc.probe_rtt_min_stamp, f.now);
}

TEST(bbr3, probe_rtt_needs_a_round_of_its_own) {
  Flow f;
  f.reach_cruise();
  f.now = f.now + 6_s;
  f.give(f.round_ack(Flow::rate, 101'000));
  f.round_with(50'000);
  f.now = f.now + 1_s;
  Ack a = f.round_ack(Flow::rate);
  a.in_flight = 50'000;
  a.rate.prior_delivered = f.cc.next_round_delivered - 1;
  f.give(a);
  EXPECT_EQ(f.cc.state, State::probe_rtt);
  f.round_with(50'000);
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
}

TEST(bbr3, a_lower_sample_puts_probe_rtt_off) {
  Flow f;
  f.reach_cruise();
  for (u32 rtt = 99'000; rtt > 90'000; rtt -= 100) {  // nine seconds
    f.give(f.round_ack(Flow::rate, rtt));
    ASSERT_NE(f.cc.state, State::probe_rtt);
    ASSERT_EQ(f.cc.min_rtt_us, rtt);
  }
}

TEST(bbr3, samples_taken_in_probe_rtt_do_not_lower_the_rate) {
  Flow f;
  f.reach_cruise();
  f.now = f.now + 6_s;
  f.give(f.round_ack(Flow::rate, 101'000));
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  f.cc.max_bw_filter = {0, Flow::rate};
  f.round(Flow::rate / 2);
  EXPECT_EQ(f.cc.max_bw_filter[0], 0u);
}

TEST(bbr3, probe_rtt_before_the_pipe_was_full_leads_back_to_startup) {
  Flow f;
  f.round();
  f.now = f.now + 6_s;
  f.round();
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  for (int i = 0; i < 10 && f.cc.state == State::probe_rtt; ++i) f.round_with(4'000);
  EXPECT_EQ(f.cc.state, State::startup);
  EXPECT_EQ(f.cc.pacing_gain(), 2'770u);
}

// The minimum is that of ten seconds: two intervals.
TEST(bbr3, a_longer_path_is_believed_after_ten_seconds) {
  Flow f;
  f.reach_cruise();
  const Instant begun = f.cc.min_rtt_stamp;
  while (f.cc.min_rtt_us == 100'000 && f.now - begun < 30_s) {
    Ack a = f.round_ack(Flow::rate, 150'000);
    a.in_flight = 10'000;
    f.give(a);
  }
  EXPECT_EQ(f.cc.min_rtt_us, 150'000u);
  EXPECT_GT(f.now - begun, 10_s);
  EXPECT_LT(f.now - begun, 10'300_ms);
}

// -- idle

TEST(bbr3, after_an_idle_time_it_goes_on_at_its_rate_without_probe_rtt) {
  Flow f;
  f.reach_up();
  f.now = f.now + 6_s;
  Window w = f.window();
  f.cc.on_sent(w, f.now, 1'000, 0);
  EXPECT_TRUE(f.cc.idle_restart);
  EXPECT_EQ(f.cc.pacing_rate(), Flow::rate * 99 / 100);
  f.give(f.round_ack(Flow::rate, 120'000));
  EXPECT_NE(f.cc.state, State::probe_rtt);
  EXPECT_FALSE(f.cc.idle_restart);
  f.cc.on_sent(w, f.now, 1'000, 10'000);  // something is in flight: not idle
  EXPECT_FALSE(f.cc.idle_restart);
  f.event(Event::restart, 0, 1'000'000);
  EXPECT_TRUE(f.cc.idle_restart);
  f.cc.extra_acked_delivered = 190'000;  // a bunch of before is not added to what comes
  f.cc.extra_acked_start = f.now;
  f.event(Event::restart, 0, 1'000);
  f.round();
  EXPECT_EQ(f.cc.extra_acked_delivered, 10'000u);
}

TEST(bbr3, probe_rtt_may_end_while_nothing_is_sent) {
  Flow f;
  f.reach_cruise();
  const u32 cwnd = f.cwnd;
  f.now = f.now + 6_s;
  f.give(f.round_ack(Flow::rate, 101'000));
  f.round_with(50'000);
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  f.now = f.now + 201_ms;
  Window w = f.window();
  f.cc.on_sent(w, f.now, 1'000, 0);
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
  EXPECT_EQ(f.cwnd, cwnd);
}

// -- recovery, timeouts, losses that were none

TEST(bbr3, a_timeout_leaves_one_segment_and_recovery_ends_with_the_window_it_began_with) {
  Flow f;
  f.reach_cruise();
  const u32 cwnd = f.cwnd;
  f.event(Event::timeout, cwnd);
  EXPECT_EQ(f.cwnd, 1'000u);
  f.event(Event::timeout, 1'000);
  f.event(Event::recovered);
  EXPECT_EQ(f.cwnd, cwnd);
}

TEST(bbr3, a_timeout_is_a_loss_of_its_round) {
  Flow f;
  f.reach_cruise();
  f.event(Event::timeout, f.cwnd);
  f.cwnd = 200'000;  // else a round would be long enough a wait for the next probe
  Ack a = f.round_ack(Flow::rate);
  a.in_loss = true;
  f.give(a);
  EXPECT_EQ(f.cc.bw_shortterm, Flow::rate);
  EXPECT_NE(f.cc.inflight_shortterm, Bbr3::infinite);
}

// The application sends little, and yet too much of it is lost.
TEST(bbr3, a_loss_ends_up_also_when_the_application_limits_it) {
  Flow f;
  f.reach_up();
  Ack a = f.round_ack(Flow::rate / 2);
  a.rate.app_limited = true;
  a.lost = a.rate.lost = 5'000;
  f.give(a);
  EXPECT_NE(f.cc.state, State::probe_bw_up);
  EXPECT_TRUE(f.cc.prev_probe_too_high);
  EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);  // that says nothing of how much there is room for
}

TEST(bbr3, an_undo_restores_the_bounds_and_the_probe) {
  for (const bool then_timeout : {false, true}) {
    Flow f;
    f.reach_up();
    f.cc.inflight_longterm = 150'000;
    f.event(Event::recovery, 100'000);
    const u32 cwnd = f.cwnd;
    Ack a = f.round_ack(Flow::rate);
    a.lost = a.rate.lost = 5'000;
    a.in_recovery = true;
    f.give(a);
    ASSERT_EQ(f.cc.state, State::probe_bw_down);
    ASSERT_LT(f.cc.inflight_longterm, 150'000u);
    f.cc.bw_shortterm = 1'000, f.cc.inflight_shortterm = 1'000;
    if (then_timeout) f.event(Event::timeout, 100'000);
    f.event(Event::undone);
    EXPECT_EQ(f.cc.state, State::probe_bw_refill);
    EXPECT_EQ(f.cc.inflight_longterm, 150'000u);
    EXPECT_EQ(f.cc.bw_shortterm, Bbr3::infinite_bw);
    EXPECT_EQ(f.cc.inflight_shortterm, Bbr3::infinite);
    EXPECT_EQ(f.cwnd, cwnd);
    EXPECT_EQ(f.cc.undo_state, Bbr3::Undo::none);
  }
}

TEST(bbr3, an_undo_leads_back_to_startup) {
  Flow f;
  f.round();
  f.round(Flow::rate * 2);
  f.lossy_round(6, 1'000, 5);
  ASSERT_NE(f.cc.state, State::startup);
  f.event(Event::undone);
  EXPECT_EQ(f.cc.state, State::startup);
  EXPECT_FALSE(f.cc.full_bw_reached);
  EXPECT_EQ(f.cc.inflight_longterm, Bbr3::infinite);
}

TEST(bbr3, an_undo_of_a_loss_that_ended_nothing_changes_no_state) {
  Flow f;
  f.reach_cruise();
  f.lossy_round(1, 1'000, 1);
  ASSERT_NE(f.cc.bw_shortterm, Bbr3::infinite_bw);
  f.event(Event::undone);
  EXPECT_EQ(f.cc.state, State::probe_bw_cruise);
  EXPECT_EQ(f.cc.bw_shortterm, Bbr3::infinite_bw);
  EXPECT_EQ(f.cc.inflight_shortterm, Bbr3::infinite);
}

}  // namespace
}  // namespace weir::tcp::cc
