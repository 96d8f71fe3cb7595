// HyStart++ (RFC 9406), in CUBIC, where it serves: rules by single ACKs, then whole paths.
#include "tcp/cc/hystart.hpp"

#include <gtest/gtest.h>

#include "tcp/cc/cubic.hpp"
#include "tests/tcp/cc/acks.hpp"
#include "tests/tcp/cc/path.hpp"

namespace weir::tcp::cc {
namespace {

using Phase = HyStart::Phase;
using test::Path;
using Flow = test::Script<Cubic>;

// ACKs of one segment, all of this round-trip time, until `n` rounds have ended.
void rounds(Flow& f, int n, u32 rtt_us) {
  for (; n > 0; --n) {
    if (!f.cc.hystart.in_round) f.give(f.ack(1'000, rtt_us));
    for (const SeqNum end = f.cc.hystart.window_end; f.cc.hystart.window_end == end;) f.give(f.ack(1'000, rtt_us));
  }
}

// After rounds of `before`: do samples of `after` at the beginning of the next one end slow start?
bool leaves(u32 before, u32 after, u32 samples = 16) {
  Flow f;
  f.cwnd = 16'000;
  rounds(f, 2, before);
  for (u32 i = 0; i < samples; ++i) f.give(f.ack(1'000, after));
  return f.cc.hystart.phase == Phase::css;
}

TEST(hystart, slow_start_doubles_every_round) {
  Flow f;
  f.round(20_ms);
  EXPECT_EQ(f.cwnd, 20'000u);
  f.round(20_ms), f.round(20_ms);
  EXPECT_EQ(f.cwnd, 80'000u);
  EXPECT_EQ(f.cc.hystart.phase, Phase::slow_start);
}

// RFC 9406 4.2: RttThresh = clamp(4 ms, lastRoundMinRTT / 8, 16 ms).
TEST(hystart, the_threshold_is_an_eighth_between_4_and_16_ms) {
  //= rfc9406#4.2 SHLD-2, SHLD-3
  EXPECT_FALSE(leaves(10'000, 13'999));
  EXPECT_TRUE(leaves(10'000, 14'000));
  EXPECT_FALSE(leaves(80'000, 89'999));
  EXPECT_TRUE(leaves(80'000, 90'000));
  EXPECT_FALSE(leaves(400'000, 415'999));
  EXPECT_TRUE(leaves(400'000, 416'000));
}

TEST(hystart, a_round_needs_eight_samples) {
  //= rfc9406#4.2 MUST-1
  EXPECT_FALSE(leaves(20'000, 60'000, 7));
  EXPECT_TRUE(leaves(20'000, 60'000, 8));
}

TEST(hystart, one_fast_sample_clears_the_round) {
  Flow f;
  rounds(f, 2, 20'000);
  f.give(f.ack(1'000, 20'000));
  for (int i = 0; i < 20; ++i) f.give(f.ack(1'000, 60'000));
  EXPECT_EQ(f.cc.hystart.phase, Phase::slow_start);
}

// RFC 9406 4.2: rounds are compared with the one before, not with the least of all.
TEST(hystart, rounds_are_ended_by_the_sequence_number) {
  //= rfc9406#4.2 SHLD-1
  Flow f;
  rounds(f, 1, 20'000);
  for (u32 rtt = 23'000; rtt < 60'000; rtt += 3'000) {
    rounds(f, 1, rtt);
    ASSERT_EQ(f.cc.hystart.phase, Phase::slow_start) << rtt;
    f.cwnd = 20'000;
  }
}

// RFC 9406 4.2: cwnd grows by a quarter of what slow start would give, for five rounds, of which the first has begun already.
TEST(hystart, css_grows_by_a_quarter_and_ends_after_five_rounds) {
  //= rfc9406#4.2 SHLD-4, SHLD-6
  Flow f;
  f.cwnd = 16'000;
  rounds(f, 2, 20'000);
  for (int i = 0; i < 8; ++i) f.give(f.ack(1'000, 30'000));
  ASSERT_EQ(f.cc.hystart.phase, Phase::css);
  const u32 at_entry = f.cwnd;
  f.give(f.ack(1'000, 30'000));
  EXPECT_EQ(f.cwnd, at_entry + 250);
  int ended = 0;
  for (SeqNum end = f.cc.hystart.window_end; f.cc.hystart.phase == Phase::css && ended < 20;) {
    f.give(f.ack(1'000, 30'000));
    if (f.cc.hystart.window_end != end) ++ended, end = f.cc.hystart.window_end;
  }
  EXPECT_EQ(ended, 5);
  EXPECT_EQ(f.cc.hystart.phase, Phase::done);
  EXPECT_EQ(f.ssthresh, f.cwnd);
}

TEST(hystart, jitter_that_passes_leads_back_to_slow_start) {
  //= rfc9406#4.2 SHLD-5
  Flow f;
  f.cwnd = 16'000;
  rounds(f, 2, 20'000);
  for (int i = 0; i < 8; ++i) f.give(f.ack(1'000, 30'000));
  ASSERT_EQ(f.cc.hystart.phase, Phase::css);
  EXPECT_EQ(f.cc.hystart.css_baseline_min_rtt, 30'000u);
  f.give(f.ack(1'000, 29'999));
  EXPECT_EQ(f.cc.hystart.phase, Phase::slow_start);
  EXPECT_EQ(f.cc.hystart.css_baseline_min_rtt, HyStart::no_rtt);
  const u32 before = f.cwnd;
  f.give(f.ack(1'000, 29'999));
  EXPECT_EQ(f.cwnd, before + 1'000);
}

// RFC 9406 4.3: L = 8 segments an ACK, without a limit when paced.
TEST(hystart, an_ack_of_many_segments_counts_for_eight_unless_paced) {
  //= rfc9406#4.3 SHLD-8
  Flow f;
  f.cwnd = 60'000;
  f.give(f.ack(30'000, 20'000));
  EXPECT_EQ(f.cwnd, 68'000u);
  f.cc.hystart.paced = true;
  f.give(f.ack(30'000, 20'000));
  EXPECT_EQ(f.cwnd, 98'000u);
}

TEST(hystart, a_window_that_is_not_used_does_not_grow) {
  Flow f;
  Ack a = f.ack(1'000, 20'000);
  a.cwnd_limited = false;
  f.give(a);
  EXPECT_EQ(f.cwnd, 10'000u);
}

TEST(hystart, loss_ends_it_for_good_and_an_undo_brings_it_back) {
  //= rfc9406#4.2 MUST-2
  //= rfc9406#4.3 SHLD-7
  Flow f;
  f.cwnd = 16'000;
  rounds(f, 2, 20'000);
  const u32 cwnd = f.cwnd, ssthresh = f.ssthresh;
  f.event(Event::recovery, f.cwnd);
  EXPECT_EQ(f.cc.hystart.phase, Phase::done);
  f.cwnd = cwnd, f.ssthresh = ssthresh;
  f.event(Event::undone);
  EXPECT_EQ(f.cc.hystart.phase, Phase::slow_start);
  f.round(20_ms);
  EXPECT_EQ(f.cwnd, 2 * cwnd);

  f.event(Event::timeout, f.cwnd);
  f.cwnd = 1'000;
  for (int i = 0; i < 4; ++i) f.round(20_ms);
  EXPECT_EQ(f.cwnd, 16'000u);  // slow start of RFC 5681 after the first one
  f.round(200_ms), f.round(400_ms);
  EXPECT_EQ(f.cwnd, 64'000u);
  EXPECT_EQ(f.cc.hystart.phase, Phase::done);
  f.event(Event::recovery, f.cwnd);
  f.event(Event::undone);  // what was interrupted was not HyStart++
  EXPECT_EQ(f.cc.hystart.phase, Phase::done);
}

struct Start {
  u32 cwnd_at_css = 0;
  u64 dropped_at_css = 0, dropped_by_end = 0;
};

Start start_on(const test::PathConfig& config, Duration d, Phase phase = Phase::slow_start) {
  Path<Cubic> path(config);
  path.cc.hystart.phase = phase;
  Start s;
  path.after_ack = [&](const Ack&) {
    if (s.cwnd_at_css != 0 || path.cc.hystart.phase == Phase::slow_start) return;
    s.cwnd_at_css = path.cwnd;
    s.dropped_at_css = path.dropped;
  };
  path.run(d);
  s.dropped_by_end = path.dropped;
  return s;
}

// A flight of slow start reaches the bottleneck at twice its rate, so half of it waits: from about half a BDP on the tail tells.
TEST(hystart, slow_start_is_left_before_a_queue_of_one_bdp_is_full) {
  for (const u64 mbit : {10, 50, 100, 500, 1'000}) {
    for (const i64 rtt : {20, 40, 100}) {
      test::PathConfig c{.rate = mbit * 125'000, .rtt = Duration::millis(rtt)};
      const u64 bdp = c.rate * static_cast<u64>(rtt) / 1'000;
      if (bdp < 80 * c.mss) continue;  // a round has too few samples to tell in time
      c.buffer = bdp;
      const Start s = start_on(c, 3_s);
      EXPECT_EQ(s.dropped_at_css, 0u) << mbit << " Mbit/s " << rtt << " ms";
      EXPECT_GE(s.cwnd_at_css, bdp / 2) << mbit << " Mbit/s " << rtt << " ms";
      EXPECT_LE(s.cwnd_at_css, 2 * bdp) << mbit << " Mbit/s " << rtt << " ms";
    }
  }
}

// RFC 9406 5: what slow start loses when it overshoots. CSS entered by a tail goes back to slow start, so some is lost all the same.
TEST(hystart, far_less_is_lost_than_without_it) {
  for (const u64 mbit : {50, 100, 500}) {
    test::PathConfig c{.rate = mbit * 125'000, .rtt = 40_ms, .buffer = mbit * 2 * 5'000};
    const u64 with = start_on(c, 1_s).dropped_by_end, without = start_on(c, 1_s, Phase::done).dropped_by_end;
    EXPECT_LT(with * 10, without * 7) << mbit << " Mbit/s: " << with << " and " << without;
  }
}

TEST(hystart, css_ends_in_a_deeper_queue_without_any_loss) {
  const test::PathConfig c{.rate = 12'500'000, .rtt = 40_ms, .buffer = 12 * 500'000};
  Path<Cubic> path(c);
  while (path.cc.hystart.active() && path.elapsed() < 3_s) path.run(1_ms);
  EXPECT_EQ(path.dropped, 0u);
  EXPECT_EQ(path.cc.hystart.css_round_count, hystart_css_rounds);
  EXPECT_LT(path.cwnd, 12 * 500'000u);
  EXPECT_GE(path.cwnd, 500'000u);
}

// A path that is never full: nothing but jitter could end slow start.
TEST(hystart, three_ms_of_jitter_do_not_end_it_early) {
  for (u64 seed = 1; seed <= 10; ++seed) {
    for (const i64 rtt : {10, 40, 100}) {
      Path<Cubic> path({.rate = 12'500'000'000, .rtt = Duration::millis(rtt), .jitter_us = 3'000, .seed = seed});
      u32 before = 0;
      path.after_ack = [&](const Ack&) {
        if (path.cc.hystart.phase == Phase::slow_start) before = path.cwnd;
      };
      while (path.cwnd < 16'000'000 && path.elapsed() < 3_s) path.run(10_ms);
      EXPECT_GE(before, 16'000'000u) << "seed " << seed << ", " << rtt << " ms";
    }
  }
}

}  // namespace
}  // namespace weir::tcp::cc
