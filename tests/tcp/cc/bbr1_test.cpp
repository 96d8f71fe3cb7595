// BBR version 1: its model on paths of all sizes, and each transition of its state machine.
#include "tcp/cc/bbr1.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/tcp/cc/acks.hpp"
#include "tests/tcp/cc/bbr_grid.hpp"

namespace weir::tcp::cc {
namespace {

using State = Bbr1::State;
using test::Path;
using test::PathConfig;

constexpr PathConfig ordinary{.rate = 12'500'000, .rtt = 40_ms};  // 100 Mbit/s: a BDP of 500,000 bytes

// A flow whose ACKs report rates as the test says: a round each.
struct Flow : test::Script<Bbr1> {
  u64 total = 0;
  Flow() { cc.seed = 7; }

  Ack round_ack(u64 rate, u32 rtt_us = 100'000) {
    now = now + Duration::micros(rtt_us);
    Ack a = ack(10'000, rtt_us);
    total += 10'000;
    a.delivered_total = total;
    a.rate.prior_delivered = total - 10'000;
    a.rate.delivered = static_cast<u32>(rate / 10);
    a.rate.interval_us = 100'000;
    return a;
  }
  void round(u64 rate) { give(round_ack(rate)); }
  void limited_round(u64 rate) {
    Ack a = round_ack(rate);
    a.rate.app_limited = true;
    give(a);
  }
  // As after a start on a path of `rate`, in ProbeBW.
  void reach_probe_bw(u64 rate) {
    for (int i = 0; i < 4; ++i) round(rate);
    Ack a = round_ack(rate);
    a.in_flight = 0;
    give(a);
    ASSERT_EQ(cc.state, State::probe_bw);
  }
};

TEST(bbr1, the_model_is_within_five_percent_of_the_path) {
  for (const test::GridPoint& p : test::grid()) {
    Path<Bbr1> path(p.config);
    path.run(p.warm_up);
    const double rate = static_cast<double>(p.rate), rtt = test::base_rtt_us(p.config);
    EXPECT_NEAR(static_cast<double>(path.cc.bw()), rate, rate * 0.05) << p.text();
    EXPECT_NEAR(path.cc.rtprop_us, rtt, rtt * 0.05) << p.text();
    EXPECT_EQ(path.cc.state, State::probe_bw) << p.text();
    EXPECT_EQ(path.dropped, 0u);
  }
}

TEST(bbr1, the_link_is_full_and_the_queue_small) {
  for (const i64 ms : {1, 10, 40, 100}) {
    PathConfig c = ordinary;
    c.rtt = Duration::millis(ms);
    Path<Bbr1> path(c);
    path.run(5_s);
    const u64 before = path.delivered;
    path.most_queue = 0;
    path.run(4_s);
    EXPECT_GT(path.delivered - before, 4 * c.rate * 96 / 100) << ms;
    EXPECT_LT(path.most_queue, path.bdp() + 5 * path.cc.send_quantum(c.mss)) << ms;  // cwnd_gain 2 and three quanta
  }
}

// 4.2.1: 2/ln 2 times the initial window a round-trip time.
TEST(bbr1, the_first_rate_is_that_of_the_initial_window) {
  test::Script<Bbr1> f;
  EXPECT_EQ(f.cc.pacing_rate(), 10'000u * 2'885);  // SRTT is not known: 1 ms
  f.give(f.ack(1'000, 50'000));
  EXPECT_EQ(f.cc.pacing_rate(), 10'000u * 20 * 2'885 / 1'000);
  u32 cwnd = 10'000, ssthresh = ~0u;
  Window w{cwnd, ssthresh, 1'000, 10'000};
  Bbr1 known;
  known.begin(w, Instant{1}, 50'000);
  EXPECT_EQ(known.pacing_rate(), 10'000u * 20 * 2'885 / 1'000);
  EXPECT_EQ(known.rtprop_us, 50'000u);
}

// 4.3.2.2: full when the rate has not grown by a quarter in three rounds.
TEST(bbr1, startup_ends_after_three_rounds_of_little_growth) {
  Flow f;
  u64 rate = 1'000'000;
  for (int i = 0; i < 10; ++i, rate = rate * 5 / 4) {
    f.round(rate);
    ASSERT_EQ(f.cc.state, State::startup) << i;
  }
  f.round(rate);
  for (int i = 0; i < 2; ++i) {
    f.round(rate * 124 / 100);
    ASSERT_EQ(f.cc.state, State::startup) << i;
  }
  EXPECT_EQ(f.cc.pacing_gain(), 2'885u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'885u);
  f.cwnd = 5'000'000;  // so much is in flight
  f.round(rate * 124 / 100);
  EXPECT_TRUE(f.cc.filled_pipe);
  EXPECT_EQ(f.cc.state, State::drain);
  EXPECT_EQ(f.cc.pacing_gain(), 347u);
  EXPECT_EQ(f.cc.cwnd_gain(), 2'885u);
}

TEST(bbr1, rounds_that_the_application_limits_do_not_end_startup) {
  Flow f;
  f.round(1'000'000);
  for (int i = 0; i < 20; ++i) f.limited_round(900'000);
  EXPECT_EQ(f.cc.state, State::startup);
  for (int i = 0; i < 2; ++i) f.round(900'000);
  EXPECT_EQ(f.cc.state, State::startup);
  f.round(900'000);
  EXPECT_NE(f.cc.state, State::startup);
}

// Several ACKs of one round count once.
TEST(bbr1, rounds_are_counted_by_what_was_delivered_when_the_packet_left) {
  Flow f;
  f.round(1'000'000);
  const u32 rounds = f.cc.round_count;
  for (int i = 0; i < 50; ++i) {
    Ack a = f.round_ack(1'000'000);
    a.rate.prior_delivered = f.cc.next_round_delivered - 1;
    f.give(a);
  }
  EXPECT_EQ(f.cc.round_count, rounds);
  f.round(1'000'000);
  EXPECT_EQ(f.cc.round_count, rounds + 1);
}

// 4.3.3
TEST(bbr1, drain_empties_the_queue_that_startup_left) {
  Path<Bbr1> path(ordinary);
  u64 at_drain = 0, after = 0;
  path.after_ack = [&](const Ack&) {
    if (path.cc.state == State::drain) at_drain = std::max(at_drain, path.queue());
    if (path.cc.state == State::probe_bw && after == 0) after = path.queue() + 1;
  };
  path.run(2_s);
  EXPECT_GT(at_drain, path.bdp() / 2);
  EXPECT_GT(after, 0u);
  EXPECT_LT(after, path.bdp() / 10 + 3 * path.cc.send_quantum(path.config.mss));
}

// 4.1.1.3: the maximum of ten rounds.
TEST(bbr1, a_rate_is_forgotten_after_ten_rounds) {
  Flow f;
  for (int i = 0; i < 6; ++i) f.round(i == 0 ? 2'000'000 : 1'000'000);
  EXPECT_EQ(f.cc.bw(), 2'000'000u);
  for (int i = 0; i < 2; ++i) f.round(1'000'000);
  EXPECT_EQ(f.cc.bw(), 2'000'000u);  // eight rounds later
  for (int i = 0; i < 3; ++i) f.round(1'000'000);
  EXPECT_EQ(f.cc.bw(), 1'000'000u);
}

TEST(bbr1, the_count_of_rounds_may_wrap) {
  bbr::MaxOfTenRounds<u32> m;
  m.update(~0u - 40, 100);
  for (u32 i = 40; i > 31; --i) m.update(~0u - i, 5);
  EXPECT_EQ(m.max(), 100u);
  for (u32 i = 31; i > 0; --i) m.update(~0u - i, 5);
  EXPECT_EQ(m.max(), 5u);
  for (u32 i = 0; i < 20; ++i) m.update(~0u + i, 7 + i);
  EXPECT_EQ(m.max(), 26u);
  m.update(1'000, 1);
  EXPECT_EQ(m.max(), 1u);
}

// 4.1.1.5
TEST(bbr1, samples_that_the_application_limits_can_only_raise_the_rate) {
  Flow f;
  f.round(1'000'000);
  f.limited_round(1'500'000);
  EXPECT_EQ(f.cc.bw(), 1'500'000u);
  for (int i = 0; i < 9; ++i) f.limited_round(100'000);
  f.round(1'200'000);
  f.limited_round(100'000);
  EXPECT_EQ(f.cc.bw(), 1'200'000u);
  for (int i = 0; i < 40; ++i) f.limited_round(100'000);
  EXPECT_EQ(f.cc.bw(), 1'200'000u);  // nothing else is known
}

// 4.2.1: until the pipe was full once.
TEST(bbr1, in_startup_the_rate_only_rises) {
  Flow f;
  f.limited_round(20'000);
  EXPECT_EQ(f.cc.pacing_rate(), 288'500u);  // the initial window in the 100 ms of the first sample
  f.round(200'000);
  EXPECT_EQ(f.cc.pacing_rate(), 577'000u);
}

// 4.3.4.3: 1.25, 0.75 and six times 1.
TEST(bbr1, the_gain_cycle_has_eight_phases_of_a_round_trip_time) {
  Path<Bbr1> path(ordinary);
  path.run(2_s);
  struct Phase {
    u8 index;
    Instant begin;
    bbr::Gain gain;
  };
  std::vector<Phase> phases;
  path.after_ack = [&](const Ack&) {
    if (path.cc.state != State::probe_bw || (!phases.empty() && phases.back().index == path.cc.cycle_index)) return;
    phases.push_back({path.cc.cycle_index, path.now, path.cc.pacing_gain()});
  };
  path.run(4_s);
  ASSERT_GT(phases.size(), 60u);
  for (usize i = 1; i + 1 < phases.size(); ++i) {
    EXPECT_EQ(phases[i].index, (phases[i - 1].index + 1) % 8);
    EXPECT_EQ(phases[i].gain, phases[i].index == 0 ? 1'250u : phases[i].index == 1 ? 750u : 1'000u);
    const Duration length = phases[i + 1].begin - phases[i].begin;
    EXPECT_LT(length, 2 * ordinary.rtt);
    if (phases[i].index != 1) {
      EXPECT_GE(length, ordinary.rtt);
    }
  }
}

TEST(bbr1, the_phase_that_probes_lasts_until_its_volume_is_in_flight_or_something_is_lost) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  while (f.cc.cycle_index != 0) f.round(1'000'000);
  for (int i = 0; i < 5; ++i) {
    Ack a = f.round_ack(1'000'000);
    a.prior_in_flight = f.cc.inflight(f.window(), 1'250) - 1;
    f.give(a);
    ASSERT_EQ(f.cc.cycle_index, 0);
  }
  Flow lossy = f;
  Ack a = f.round_ack(1'000'000);
  a.prior_in_flight = f.cc.inflight(f.window(), 1'250);
  f.give(a);
  EXPECT_EQ(f.cc.cycle_index, 1);
  a = lossy.round_ack(1'000'000);
  a.prior_in_flight = 0;
  a.lost = 1'000;
  lossy.give(a);
  EXPECT_EQ(lossy.cc.cycle_index, 1);
  // And the one that drains ends when it has: before its time.
  a = f.round_ack(1'000'000);
  a.now = f.now = f.cc.cycle_stamp + 1_ms;
  a.prior_in_flight = f.cc.inflight(f.window(), 1'000) + 1;
  f.give(a);
  EXPECT_EQ(f.cc.cycle_index, 1);
  a.prior_in_flight = f.cc.inflight(f.window(), 1'000);
  f.give(a);
  EXPECT_EQ(f.cc.cycle_index, 2);
}

TEST(bbr1, the_cycle_begins_anywhere_but_in_the_phase_that_drains) {
  std::map<u8, int> seen;
  for (u32 seed = 1; seed <= 700; ++seed) {
    Flow f;
    f.cc.seed = seed * 2'654'435'761u;
    f.reach_probe_bw(1'000'000);
    ++seen[f.cc.cycle_index];
  }
  EXPECT_EQ(seen.count(1), 0u);
  ASSERT_EQ(seen.size(), 7u);
  for (const auto& [index, n] : seen) EXPECT_NEAR(n, 100, 50) << int{index};
}

TEST(bbr1, more_bandwidth_is_found_and_less_is_noticed) {
  Path<Bbr1> path({.rate = 1'250'000, .rtt = 40_ms});
  path.run(3_s);
  path.config.rate = 12'500'000;
  path.run(5_s);
  EXPECT_NEAR(static_cast<double>(path.cc.bw()), 12.5e6, 0.6e6);
  path.config.rate = 1'250'000;
  path.run(8_s);
  EXPECT_NEAR(static_cast<double>(path.cc.bw()), 1.25e6, 0.06e6);
}

// 4.1.2.3, 4.3.5: when no sample has been as low for ten seconds. The path gets longer all the time, so that none ever is.
TEST(bbr1, every_ten_seconds_the_round_trip_time_is_probed) {
  Path<Bbr1> path(ordinary);
  std::vector<Instant> begun, ended;
  u32 least_flight = ~0u, cwnd_before = 0, cwnd_after = 0;
  bool probing = false;
  path.after_ack = [&](const Ack& a) {
    const bool is = path.cc.state == State::probe_rtt;
    if (is && !probing) begun.push_back(path.now);
    if (!is && probing) ended.push_back(path.now), cwnd_after = path.cwnd;
    if (!is && begun.empty()) cwnd_before = path.cwnd;
    if (is) least_flight = std::min(least_flight, a.in_flight);
    probing = is;
  };
  for (int i = 0; i < 350; ++i) {
    path.run(100_ms);
    path.config.rtt = path.config.rtt + 10_us;
  }
  ASSERT_EQ(begun.size(), 3u);
  ASSERT_EQ(ended.size(), 3u);
  for (usize i = 0; i < 3; ++i) {
    EXPECT_GE(ended[i] - begun[i], 200_ms);
    EXPECT_LT(ended[i] - begun[i], 400_ms);
    if (i > 0) {
      EXPECT_NEAR((begun[i] - ended[i - 1]).s(), 10.0, 0.3);
    }
  }
  EXPECT_LE(least_flight, 4 * path.config.mss);
  EXPECT_NEAR(cwnd_after, cwnd_before, cwnd_before * 0.1);
  EXPECT_NEAR(path.cc.rtprop_us, path.config.rtt.s() * 1e6, 500.0);
  EXPECT_NEAR(static_cast<double>(path.cc.bw()), 12.5e6, 0.6e6);  // our own restraint was no sample
}

TEST(bbr1, probe_rtt_before_the_pipe_was_full_leads_back_to_startup) {
  Flow f;
  f.round(1'000'000);
  f.now = f.now + 11_s;
  Ack a = f.round_ack(1'000'000, 200'000);
  f.give(a);
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  EXPECT_EQ(f.cwnd, 4'000u);
  for (int i = 0; i < 2; ++i) {
    a = f.round_ack(1'000'000);
    a.in_flight = 4'000;
    f.give(a);
    ASSERT_EQ(f.cc.state, State::probe_rtt);
  }
  a = f.round_ack(1'000'000);
  a.in_flight = 4'000;
  f.give(a);
  ASSERT_EQ(f.cc.state, State::probe_rtt);  // 200 ms are not over: > is asked for
  a = f.round_ack(1'000'000);
  f.give(a);
  EXPECT_EQ(f.cc.state, State::startup);
}

// 4.2.3.4
TEST(bbr1, the_first_round_of_recovery_sends_what_arrives_and_then_the_window_comes_back) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  for (int i = 0; i < 20; ++i) f.round(1'000'000);
  const u32 cwnd = f.cwnd;
  Ack a = f.round_ack(1'000'000);
  f.event(Event::recovery, 50'000);
  a.lost = 5'000, a.in_flight = 35'000, a.in_recovery = true;
  f.give(a);
  EXPECT_EQ(f.cwnd, 45'000u);  // in flight and delivered
  a.lost = 20'000;
  a.in_flight = 35'000;
  a.rate.prior_delivered = f.cc.conservation_until - 1;
  f.give(a);
  EXPECT_EQ(f.cwnd, 45'000u);  // still: as much as arrives
  a = f.round_ack(1'000'000);
  a.in_recovery = true;
  f.give(a);
  EXPECT_EQ(f.cwnd, 55'000u);  // the second round grows
  f.event(Event::recovered);
  EXPECT_EQ(f.cwnd, cwnd);
}

TEST(bbr1, a_timeout_leaves_one_segment_and_an_undo_the_window_as_it_was) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  for (int i = 0; i < 20; ++i) f.round(1'000'000);
  const u32 cwnd = f.cwnd;
  f.event(Event::timeout, cwnd);
  EXPECT_EQ(f.cwnd, 1'000u);
  Ack a = f.round_ack(1'000'000);
  a.delivered = 1'000, a.in_loss = true;
  f.give(a);
  EXPECT_EQ(f.cwnd, 4'000u);
  f.event(Event::timeout, 1'000);
  f.event(Event::undone);
  EXPECT_EQ(f.cwnd, cwnd);
  EXPECT_FALSE(f.cc.packet_conservation);
}

TEST(bbr1, random_losses_do_not_slow_it) {
  for (const double loss : {0.001, 0.01, 0.05}) {
    PathConfig c = ordinary;
    c.loss = loss;
    Path<Bbr1> path(c);
    path.run(3_s);
    const u64 before = path.delivered;
    path.run(5_s);
    EXPECT_GT(path.delivered - before, static_cast<u64>(5 * 12.5e6 * (1 - loss) * 0.9)) << loss;
  }
}

// A token bucket that drops: found, and after 48 rounds looked for again.
TEST(bbr1, a_policer_is_recognised_and_its_rate_kept) {
  PathConfig c{.rate = 125'000'000, .rtt = 20_ms, .policer = 1'250'000, .policer_burst = 60'000};
  Path<Bbr1> path(c);
  Instant found{}, probed{};
  path.after_ack = [&](const Ack&) {
    if (path.cc.lt_use && found.ns == 0) found = path.now;
    if (found.ns != 0 && !path.cc.lt_use && probed.ns == 0) probed = path.now;
  };
  while (found.ns == 0 && path.elapsed() < 10_s) path.run(10_ms);
  ASSERT_GT(found.ns, 0);
  EXPECT_LT((found - Instant{1'000'000'000}).s(), 3.0);
  EXPECT_NEAR(static_cast<double>(path.cc.bw()), 1.25e6, 0.2e6);
  path.run(300_ms);
  const u64 dropped = path.dropped, sent = path.sent;
  path.run(400_ms);
  EXPECT_TRUE(path.cc.lt_use);
  EXPECT_EQ(path.cc.pacing_gain(), 1'000u);
  EXPECT_LT((path.dropped - dropped) * c.mss * 20, path.sent - sent);  // less than a twentieth is lost now
  while (probed.ns == 0 && path.elapsed() < 20_s) path.run(10_ms);
  EXPECT_NEAR((probed - found).s(), 48 * 0.02, 0.3);
}

TEST(bbr1, losses_of_different_rates_are_no_policer) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  for (int i = 0; i < 60; ++i) {
    Ack a = f.round_ack(1'000'000);
    a.lost = i % 5 == 0 ? 20'000 : 0;
    f.now = f.now + (i / 5 % 2 == 0 ? 0_ms : 200_ms);  // every other interval is much slower
    a.now = f.now;
    f.give(a);
    ASSERT_FALSE(f.cc.lt_use) << i;
  }
}

TEST(bbr1, few_losses_are_no_policer) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  for (int i = 0; i < 100; ++i) {
    Ack a = f.round_ack(1'000'000);
    a.lost = 1'900;  // under a fifth
    f.give(a);
    ASSERT_FALSE(f.cc.lt_use) << i;
  }
  for (int i = 0; i < 20 && !f.cc.lt_use; ++i) {
    Ack a = f.round_ack(1'000'000);
    a.lost = 4'000;
    f.give(a);
  }
  EXPECT_TRUE(f.cc.lt_use);
}

// Two intervals of four rounds at least, and of sixteen at most.
TEST(bbr1, a_policer_is_judged_over_four_to_sixteen_rounds) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  const auto lossy = [&](Flow& to, u32 lost) {
    Ack a = to.round_ack(1'000'000);
    a.lost = lost;
    to.give(a);
  };
  Flow slow = f, limited = f;
  for (int i = 0; i < 7; ++i) {
    lossy(f, 4'000);
    ASSERT_FALSE(f.cc.lt_use) << i;
  }
  lossy(f, 4'000);
  EXPECT_TRUE(f.cc.lt_use);

  lossy(slow, 4'000);
  for (int i = 0; i < 15; ++i) {
    slow.round(1'000'000);
    ASSERT_TRUE(slow.cc.lt_sampling);
  }
  slow.round(1'000'000);
  EXPECT_FALSE(slow.cc.lt_sampling);

  for (int i = 0; i < 5; ++i) lossy(limited, 4'000);
  ASSERT_TRUE(limited.cc.lt_sampling);
  limited.limited_round(1'000'000);
  EXPECT_FALSE(limited.cc.lt_sampling);
}

TEST(bbr1, restarting_from_idle_the_gain_is_one) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  while (f.cc.cycle_index != 0) f.round(1'000'000);
  ASSERT_EQ(f.cc.pacing_rate(), 1'250'000u);
  Window w = f.window();
  f.cc.on_sent(w, f.now, 1'000, 1'000);
  EXPECT_EQ(f.cc.pacing_rate(), 1'250'000u);
  f.cc.on_sent(w, f.now, 1'000, 0);
  EXPECT_EQ(f.cc.pacing_rate(), 1'000'000u);
}

// 4.3.4.4: at the rate it had, no burst, no probing of the round-trip time.
TEST(bbr1, after_an_idle_time_it_goes_on_at_its_rate) {
  Path<Bbr1> path(ordinary);
  path.run(3_s);
  path.app(0);
  path.run(15_s);
  ASSERT_EQ(path.in_flight, 0u);
  path.app(~u64{0});
  path.most_queue = 0;
  const u64 before = path.delivered;
  bool probed = false;
  path.after_ack = [&](const Ack&) { probed |= path.cc.state == State::probe_rtt; };
  path.run(5_ms);
  EXPECT_TRUE(path.cc.idle_restart);
  EXPECT_EQ(path.cc.pacing_rate(), path.cc.bw());
  path.run(500_ms);
  EXPECT_FALSE(probed);
  EXPECT_FALSE(path.cc.idle_restart);
  EXPECT_GT(path.delivered - before, 12'500'000u * 4 / 10);
  EXPECT_LT(path.most_queue, path.bdp());
}

TEST(bbr1, probe_rtt_may_end_while_nothing_is_sent) {
  Flow f;
  f.reach_probe_bw(1'000'000);
  f.now = f.now + 11_s;
  Ack a = f.round_ack(1'000'000, 200'000);
  a.in_flight = 4'000;
  f.give(a);
  ASSERT_EQ(f.cc.state, State::probe_rtt);
  ASSERT_GT(f.cc.probe_rtt_done.ns, 0);
  f.now = f.now + 1_s;
  Window w = f.window();
  f.cc.on_sent(w, f.now, 1'000, 0);
  EXPECT_EQ(f.cc.state, State::probe_bw);
  EXPECT_GT(f.cwnd, 4'000u);
}

// 4.2.2 and 4.2.3.2
TEST(bbr1, quanta_grow_with_the_rate) {
  test::Script<Bbr1> f;
  const auto quantum = [&](u64 rate) {
    f.cc.rate = rate;
    return f.cc.send_quantum(1'448);
  };
  EXPECT_EQ(quantum(149'999), 1'448u);
  EXPECT_EQ(quantum(150'000), 2 * 1'448u);
  EXPECT_EQ(quantum(3'000'000), 3'000u);
  EXPECT_EQ(quantum(1'000'000'000), 65'536u);
  f.cc.rtprop_us = 100'000;
  f.cc.btlbw.update(0, 10'000'000);
  f.cc.rate = 10'000'000;
  EXPECT_EQ(f.cc.inflight(f.window(), 1'000), 1'000'000u + 3 * 10'000);
  EXPECT_EQ(f.cc.inflight(f.window(), 2'000), 2'000'000u + 3 * 10'000);
}

TEST(bbr1, equal_seeds_give_equal_runs) {
  Path<Bbr1> a(ordinary), b(ordinary);
  a.run(5_s), b.run(5_s);
  EXPECT_EQ(a.delivered, b.delivered);
  EXPECT_EQ(a.sent, b.sent);
  EXPECT_EQ(a.cc.seed, b.cc.seed);
}

}  // namespace
}  // namespace weir::tcp::cc
