// Whatever ACKs and events come, in whatever order: windows stay within bounds, rates do not vanish, nothing overflows (UBSan).
#include <gtest/gtest.h>

#include "tcp/cc/bbr1.hpp"
#include "tcp/cc/bbr3.hpp"
#include "tcp/cc/cubic.hpp"
#include "tcp/cc/dctcp.hpp"
#include "tests/tcp/cc/path.hpp"

namespace weir::tcp::cc {
namespace {

// Mostly of ordinary size, sometimes at an end of the range.
u32 any(Rng& rng, u32 ordinary) {
  switch (rng.below(12)) {
    case 0: return 0;
    case 1: return ~0u >> rng.below(32);
    default: return static_cast<u32>(rng.below(ordinary + 1));
  }
}

template <class C>
class Robust : public testing::Test {};
using All = testing::Types<Cubic, Dctcp, Bbr1, Bbr3>;
TYPED_TEST_SUITE(Robust, All);

TYPED_TEST(Robust, any_sequence_of_acks_and_events_leaves_sane_windows) {
  for (u64 seed = 1; seed <= 60; ++seed) {
    Rng rng = Rng::seeded(seed);
    TypeParam c{};
    const u32 mss = static_cast<u32>(88 + rng.below(9'000));
    u32 cwnd = 10 * mss, ssthresh = ~0u >> 1;
    Window w{cwnd, ssthresh, mss, 10 * mss};
    Instant now{static_cast<i64>(rng.below(1'000'000'000'000))};
    c.begin(w, now, any(rng, 100'000));
    Ack a{};
    for (int i = 0; i < 3'000; ++i) {
      now = now + Duration::micros(any(rng, 20'000));
      if (rng.chance(0.05)) {
        const Event e = static_cast<Event>(rng.below(6));
        c.on_event(w, e, now, std::min(any(rng, 1'000'000), most_cwnd), any(rng, 1'000'000));
        if (e == Event::timeout) cwnd = mss;
        if (e == Event::recovery && !TypeParam::owns_cwnd) cwnd = ssthresh;
      }
      a.now = now;
      a.acked = std::min(any(rng, 60'000), most_cwnd);
      a.delivered = std::min(any(rng, 60'000), most_cwnd);
      a.una += a.acked;
      a.nxt = a.una + any(rng, cwnd);
      a.delivered_total += a.delivered;
      a.lost = rng.chance(0.1) ? any(rng, 10'000) : 0;
      a.prior_in_flight = any(rng, cwnd);
      a.in_flight = any(rng, cwnd);
      a.rtt_us = any(rng, 300'000);
      a.srtt_us = any(rng, 300'000);
      a.ce_bytes = rng.chance(0.1) ? a.delivered : 0;
      a.cwnd_limited = rng.chance(0.8);
      a.in_recovery = rng.chance(0.1);
      a.in_loss = rng.chance(0.05);
      a.rate.prior_delivered = a.delivered_total - std::min<u64>(a.delivered_total, any(rng, 1'000'000));
      a.rate.delivered = any(rng, 1'000'000);
      a.rate.interval_us = any(rng, 300'000);
      a.rate.lost = any(rng, 30'000);
      a.rate.tx_in_flight = any(rng, cwnd);
      a.rate.app_limited = rng.chance(0.2);
      c.on_ack(w, a);
      c.on_sent(w, now, mss, rng.chance(0.1) ? 0 : a.in_flight);
      ASSERT_GE(cwnd, mss) << "seed " << seed << ", step " << i;
      ASSERT_LE(cwnd, most_cwnd) << "seed " << seed << ", step " << i;
      ASSERT_GE(ssthresh, 2 * mss) << "seed " << seed << ", step " << i;
      if (TypeParam::owns_cwnd) {
        ASSERT_GT(c.pacing_rate(), 0u) << "seed " << seed << ", step " << i;
      }
    }
  }
}

// Lossy, jittery, policed, in bunches: the connection goes on, and the same seed makes it do the same.
TYPED_TEST(Robust, bad_paths_are_survived) {
  for (u64 seed = 1; seed <= 8; ++seed) {
    test::PathConfig c{.rate = 1'250'000, .rtt = 30_ms, .buffer = 20'000, .jitter_us = 5'000, .loss = 0.02, .seed = seed};
    if (seed % 2 == 0) c.aggregate = 5_ms;
    if (seed % 4 == 1) c.policer = 625'000, c.policer_burst = 15'000;
    test::Path<TypeParam> path(c), again(c);
    for (int i = 0; i < 12; ++i) {
      for (auto* p : {&path, &again}) {
        p->app(i % 4 == 3 ? 0 : i % 4 == 2 ? 100'000 : ~u64{0});
        p->run(1_s);
      }
      if (i % 4 < 2) {
        EXPECT_GT(path.in_flight, 0u) << seed;
      }
    }
    EXPECT_GT(path.delivered, 500'000u) << seed;
    EXPECT_EQ(path.sent, again.sent) << seed;
    EXPECT_EQ(path.delivered, again.delivered) << seed;
  }
}

}  // namespace
}  // namespace weir::tcp::cc
