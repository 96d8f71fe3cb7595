// CUBIC (RFC 9438): against the closed forms in long double, by single ACKs, and on a path.
#include "tcp/cc/cubic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/tcp/cc/acks.hpp"
#include "tests/tcp/cc/path.hpp"

namespace weir::tcp::cc {
namespace {

using Flow = test::Script<Cubic>;
using Real = long double;

Real exact_k(u32 w_max, u32 cwnd_epoch, u32 mss) { return std::cbrt(static_cast<Real>(w_max - cwnd_epoch) / (0.4L * mss)); }
Real exact_w(Real t, Real k, u32 w_max, u32 mss) { return 0.4L * mss * (t - k) * (t - k) * (t - k) + w_max; }

// A flow in congestion avoidance after a loss at `cwnd`, its window being the ssthresh.
Flow after_loss(u32 cwnd, Duration rtt) {
  Flow f;
  f.srtt_us = static_cast<u32>(rtt.us());
  f.cwnd = cwnd;
  f.event(Event::recovery, cwnd);
  f.cwnd = f.ssthresh;
  f.event(Event::recovered);
  return f;
}

// RFC 9438 4.2: exact enough wherever a window may go.
TEST(cubic, the_cubic_function_is_within_one_segment_of_the_closed_form) {
  for (const u32 mss : {536u, 1'220u, 1'448u, 8'948u, 65'483u}) {
    for (const u32 w_max : {4 * mss, 100 * mss, 1u << 24, 1u << 27, 1u << 30}) {
      const u32 cwnd = static_cast<u32>(u64{w_max} * 7 / 10);
      const Real k = exact_k(w_max, cwnd, mss);
      const u32 mine = detail::cubic_k(w_max - cwnd, mss);
      EXPECT_NEAR(static_cast<double>(mine) / 0x1p20, static_cast<double>(k), 1e-6);
      for (i64 ms = 0; ms <= 300'000; ms += 37) {
        const Real expected = std::min<Real>(exact_w(static_cast<Real>(ms) / 1'000, k, w_max, mss), most_cwnd);
        const u32 w = detail::w_cubic(detail::cubic_time(Duration::millis(ms)), mine, w_max, mss);
        ASSERT_LE(std::abs(static_cast<Real>(w) - expected), mss) << "mss " << mss << " W_max " << w_max << " t " << ms << " ms";
      }
    }
  }
}

// Three losses at given windows, the second and third with fast convergence (4.7): at each RTT cwnd is where figure 1 puts it.
TEST(cubic, cwnd_follows_the_formula_through_losses) {
  //= rfc9438#4.2 MUST-1
  //= rfc9438#4.6 SHLD-1
  for (const u32 rtt_ms : {20u, 60u, 100u}) {
    Flow f;
    f.mss = 1'448;
    f.cwnd = 2'000 * f.mss;
    u32 w_max = 0;
    for (const int seconds : {20, 8, 30}) {
      w_max = f.cwnd < w_max ? static_cast<u32>(u64{f.cwnd} * 17 / 20) : f.cwnd;
      f.event(Event::recovery, f.cwnd);
      f.cwnd = f.ssthresh;
      f.event(Event::recovered);
      const u32 cwnd_epoch = f.cwnd;
      const Real k = exact_k(w_max, cwnd_epoch, f.mss);
      const Instant epoch = f.now + Duration::millis(rtt_ms) / (f.cwnd / f.mss);  // the first ACK
      for (int i = 0; i < seconds * 1'000 / static_cast<int>(rtt_ms); ++i) {
        f.round(Duration::millis(rtt_ms));
        const Real expected = exact_w((f.now - epoch).s(), k, w_max, f.mss);
        ASSERT_NEAR(static_cast<double>(f.cwnd) / f.mss, static_cast<double>(expected / f.mss), 1.0)
            << rtt_ms << " ms, round " << i << " of " << seconds << " s";
      }
    }
  }
}

// 4.3: alpha = 3 (1 - beta) / (1 + beta) = 9/17 of a segment a round, up to cwnd_prior; then a segment a round.
TEST(cubic, the_reno_friendly_region_grows_as_the_closed_form) {
  //= rfc9438#4.3 MUST-2
  Flow f = after_loss(100'000, 4_ms);
  ASSERT_EQ(f.cwnd, 70'000u);
  int n = 0;
  for (double expected = 70; expected < 100; expected += 9.0 / 17, ++n) {
    ASSERT_NEAR(f.cwnd / 1'000.0, expected, 1.0) << n;
    f.round(4_ms);
  }
  EXPECT_NEAR(n, 57, 1);
  for (double expected = f.cwnd / 1'000.0; expected < 130; expected += 1) {
    ASSERT_NEAR(f.cwnd / 1'000.0, expected, 1.0);
    f.round(4_ms);
  }
  EXPECT_LT(detail::w_cubic(detail::cubic_time(f.now - f.cc.epoch.start), f.cc.epoch.k, f.cc.epoch.w_max, f.mss), f.cwnd);
}

// 4.2: the target is at most 1.5 cwnd, so a window grows by half a round at the most.
TEST(cubic, growth_is_at_most_half_the_window_a_round) {
  //= rfc9438#4.2 MUST-3
  Flow f = after_loss(100'000, 1_s);
  f.round(1_s);
  f.now = f.now + 100_s;
  f.cc.last = f.now;
  const u32 before = f.cwnd;
  f.round(1_s);
  EXPECT_NEAR(f.cwnd, before * 1.5, 1'000.0);
}

TEST(cubic, a_loss_takes_three_tenths_and_fast_convergence_lowers_w_max) {
  //= rfc9438#4.6 SHLD-1
  //= rfc9438#4.7 SHLD-2
  Flow f = after_loss(100'000, 100_ms);
  EXPECT_EQ(f.ssthresh, 70'000u);
  EXPECT_EQ(f.cc.epoch.w_max, 100'000u);
  EXPECT_EQ(f.cc.epoch.cwnd_prior, 100'000u);
  f.round(100_ms);
  f.cwnd = 80'000;
  f.event(Event::mark, f.cwnd);
  EXPECT_EQ(f.ssthresh, 56'000u);
  EXPECT_EQ(f.cc.epoch.w_max, 68'000u);  // 80,000 (1 + beta) / 2
  EXPECT_EQ(f.cc.epoch.cwnd_prior, 80'000u);
}

TEST(cubic, ssthresh_is_at_least_two_segments) {
  //= rfc9438#4.6 MUST-4
  Flow f;
  f.cwnd = 1'000;
  f.event(Event::recovery, 1'000);
  EXPECT_EQ(f.ssthresh, 2'000u);
}

// PRR has the window.
TEST(cubic, nothing_grows_in_recovery) {
  Flow f = after_loss(100'000, 100_ms);
  const Cubic before = f.cc;
  Ack a = f.ack(1'000, 100'000);
  a.in_recovery = true;
  f.give(a);
  EXPECT_EQ(f.cwnd, 70'000u);
  EXPECT_EQ(std::memcmp(&before.epoch, &f.cc.epoch, sizeof before.epoch), 0);
}

// 4.8: after a timeout K is 0 and W_max the window with which congestion avoidance begins.
TEST(cubic, after_a_timeout_growth_begins_at_the_plateau) {
  //= rfc9438#4.8 MUST-5
  Flow f;
  f.cwnd = 100'000;
  f.event(Event::timeout, f.cwnd);
  EXPECT_EQ(f.ssthresh, 70'000u);
  f.cwnd = 1'000;
  while (f.cwnd < f.ssthresh) {
    Ack a = f.ack(10'000, 100'000);
    a.in_loss = true;
    const u32 before = f.cwnd;
    f.give(a);
    ASSERT_EQ(f.cwnd, before + 1'000);  // RFC 3465 2.3
  }
  f.round(100_ms);
  EXPECT_EQ(f.cc.epoch.k, 0u);
  EXPECT_EQ(f.cc.epoch.w_max, 70'000u);
  EXPECT_FALSE(f.cc.epoch.after_rto);
  f.event(Event::recovery, f.cwnd);  // the stage after that is an ordinary one
  f.cwnd = f.ssthresh;
  f.round(100_ms);
  EXPECT_GT(f.cc.epoch.k, 0u);
}

TEST(cubic, a_second_timeout_of_a_segment_leaves_ssthresh) {
  Flow f;
  f.cwnd = 100'000;
  f.event(Event::timeout, f.cwnd);
  f.cwnd = 1'000;
  f.event(Event::timeout, f.cwnd);
  EXPECT_EQ(f.ssthresh, 70'000u);
  EXPECT_EQ(f.cc.epoch.cwnd_prior, 100'000u);
  f.cwnd = 10'000;  // some was acknowledged since: another segment
  f.event(Event::timeout, f.cwnd);
  EXPECT_EQ(f.ssthresh, 7'000u);
}

// 4.10: W_max is not known when HyStart++ has ended slow start without a loss.
TEST(cubic, without_a_loss_the_plateau_is_where_slow_start_ended) {
  //= rfc9438#4.10 MUST-6
  Flow f;
  f.cwnd = f.ssthresh = 50'000;
  f.round(100_ms);
  EXPECT_EQ(f.cc.epoch.k, 0u);
  EXPECT_EQ(f.cc.epoch.w_max, 50'000u);
  EXPECT_EQ(f.cc.epoch.cwnd_prior, 50'000u);
  EXPECT_FALSE(f.cc.hystart.active());
}

bool equal(const Cubic::Epoch& a, const Cubic::Epoch& b) {
  return a.start == b.start && a.w_est == b.w_est && a.w_max == b.w_max && a.cwnd_prior == b.cwnd_prior && a.k == b.k &&
         a.running == b.running && a.after_rto == b.after_rto;
}

// 4.9: everything is as before, also when the reduction had several steps.
TEST(cubic, an_undo_restores_exactly) {
  //= rfc9438#4.9 SHLD-3
  for (const bool then_timeout : {false, true}) {
    for (const bool ended : {false, true}) {
      Flow f = after_loss(500'000, 100_ms);
      for (int i = 0; i < 20; ++i) f.round(100_ms);
      const Cubic::Epoch before = f.cc.epoch;
      const u32 cwnd = f.cwnd, ssthresh = f.ssthresh;
      f.event(Event::recovery, f.cwnd);
      f.cwnd = f.ssthresh;
      if (then_timeout) {
        Ack a = f.ack(1'000, 100'000);
        a.in_recovery = true;
        f.give(a);
        f.event(Event::timeout, f.cwnd);
        f.cwnd = f.mss;
      }
      if (ended) f.event(Event::recovered);
      f.cwnd = cwnd, f.ssthresh = ssthresh;
      f.event(Event::undone);
      EXPECT_TRUE(equal(f.cc.epoch, before));
      // And a later, real loss starts from there.
      f.event(Event::recovery, f.cwnd);
      EXPECT_TRUE(equal(f.cc.saved, before));
      EXPECT_EQ(f.cc.epoch.w_max, cwnd < before.w_max ? static_cast<u32>(u64{cwnd} * 17 / 20) : cwnd);
    }
  }
}

// A second loss is saved by itself when ACKs have shown that the first episode was over.
TEST(cubic, each_episode_saves_its_own_state) {
  Flow f = after_loss(500'000, 100_ms);
  f.event(Event::recovery, f.cwnd);
  f.cwnd = f.ssthresh;
  f.round(100_ms);  // not in recovery any more; nobody said `recovered`
  const Cubic::Epoch before = f.cc.epoch;
  f.event(Event::recovery, f.cwnd);
  f.event(Event::undone);
  EXPECT_TRUE(equal(f.cc.epoch, before));
}

// 4.2, 5.8: time in which the sender had nothing to say is not time in which the window could have grown.
TEST(cubic, idle_time_shifts_the_epoch) {
  //= rfc9438#5.8 MUST-7
  Flow busy = after_loss(500'000, 100_ms), idle = busy;
  for (int i = 0; i < 20; ++i) busy.round(100_ms), idle.round(100_ms);
  idle.now = idle.now + 60_s;
  idle.event(Event::restart, 0, 60'000'000);
  EXPECT_EQ((idle.cc.epoch.start - busy.cc.epoch.start).ns, (60_s).ns);
  for (int i = 0; i < 50; ++i) {
    busy.round(100_ms), idle.round(100_ms);
    ASSERT_EQ(busy.cwnd, idle.cwnd) << i;
  }
}

// A full window after a pause: its first ACK says that the window was the limit, and comes a round trip after the pause.
TEST(cubic, a_pause_that_nobody_reports_shifts_it) {
  Flow busy = after_loss(500'000, 100_ms), pausing = busy;
  for (int i = 0; i < 20; ++i) busy.round(100_ms), pausing.round(100_ms);
  pausing.now = pausing.now + 60_s;
  for (int i = 0; i < 50; ++i) {
    busy.round(100_ms), pausing.round(100_ms);
    ASSERT_NEAR(busy.cwnd, pausing.cwnd, 3'000) << i;  // that round trip is counted
  }
}

TEST(cubic, acks_of_a_sender_that_is_not_held_back_shift_it_too) {
  Flow busy = after_loss(500'000, 100_ms), slack = busy;
  for (int i = 0; i < 20; ++i) busy.round(100_ms), slack.round(100_ms);
  const u32 cwnd = slack.cwnd;
  for (int i = 0; i < 300; ++i) {
    slack.now = slack.now + 100_ms;
    Ack a = slack.ack(1'000, 100'000);
    a.cwnd_limited = false;
    slack.give(a);
  }
  EXPECT_EQ(slack.cwnd, cwnd);
  for (int i = 0; i < 50; ++i) {
    busy.round(100_ms), slack.round(100_ms);
    ASSERT_EQ(busy.cwnd, slack.cwnd) << i;
  }
}

TEST(cubic, the_window_is_bounded) {
  Flow f = after_loss(1u << 29, 1_s);
  for (int i = 0; i < 400; ++i) {
    f.now = f.now + 1_s;
    f.give(f.ack(f.cwnd, 1'000'000));
  }
  EXPECT_EQ(f.cwnd, most_cwnd);
}

// The whole of it: on a long fat path with one loss every 40 s CUBIC is back at W_max after K.
TEST(cubic, on_a_path_the_window_is_back_after_k_seconds) {
  test::Path<Cubic> path({.rate = 125'000'000, .rtt = 100_ms, .buffer = 25'000'000, .segment = 14'480});
  path.cwnd = path.ssthresh = 4'000 * path.config.mss;
  path.run(300_ms);
  ASSERT_EQ(path.dropped, 0u);
  path.drop = [once = true](u64) mutable { return std::exchange(once, false); };
  path.run(300_ms);
  ASSERT_EQ(path.recoveries, 1u);
  const u32 w_max = path.cc.epoch.w_max;
  const Real k = exact_k(w_max, static_cast<u32>(u64{w_max} * 7 / 10), path.config.mss);
  const Instant back = path.cc.epoch.start + Duration::nanos(static_cast<i64>(k * 1e9L));
  path.run(back - path.now - 3_s);
  EXPECT_LT(path.cwnd, w_max - 8 * path.config.mss);
  path.run(3_s);
  EXPECT_NEAR(static_cast<double>(path.cwnd), w_max, 2.0 * path.config.mss);
  EXPECT_EQ(path.timeouts, 0u);
}

TEST(cubic, on_a_path_an_undo_leaves_no_trace) {
  test::Path<Cubic> path({.rate = 12'500'000, .rtt = 50_ms, .buffer = 2'000'000});
  path.ssthresh = 400'000;
  path.run(3_s);
  ASSERT_EQ(path.dropped, 0u);
  path.drop = [once = true](u64) mutable { return std::exchange(once, false); };
  u32 cwnd = 0;
  Cubic::Epoch before{};
  path.before_event = [&](Event e) {
    if (e == Event::recovery) cwnd = path.cwnd, before = path.cc.epoch;
  };
  path.run(80_ms);
  ASSERT_EQ(path.recoveries, 1u);
  ASSERT_LT(path.cwnd, cwnd);
  path.undo();
  EXPECT_EQ(path.cwnd, cwnd);
  EXPECT_TRUE(equal(path.cc.epoch, before));
}

}  // namespace
}  // namespace weir::tcp::cc
