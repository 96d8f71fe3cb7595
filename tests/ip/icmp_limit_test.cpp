#include "ip/icmp_limit.hpp"

#include <gtest/gtest.h>

namespace weir::ip {
namespace {

TEST(token_bucket, lets_a_burst_pass_and_then_the_rate) {
  TokenBucket bucket;
  const TokenBucket::Rate rate{.per_second = 10, .burst = 5};
  Instant now{};
  u32 passed = 0;
  for (int i = 0; i < 100; ++i) passed += bucket.take(rate, now) ? 1 : 0;
  EXPECT_EQ(passed, 5u);
  for (passed = 0; now < Instant{} + 10_s; now = now + 1_ms) passed += bucket.take(rate, now) ? 1 : 0;
  EXPECT_NEAR(passed, 100, 1);
  EXPECT_FALSE(bucket.take({.per_second = 0}, now));
}

TEST(icmp_limit, a_destination_has_its_own_limit_and_the_namespace_one_for_all) {
  Rng rng = Rng::seeded(1);
  IcmpLimiter limit{{}, rng};
  const Instant now{};
  u32 one = 0;
  for (int i = 0; i < 100; ++i) one += limit.allow_error(1, Ip4Addr{1}, now) ? 1 : 0;
  EXPECT_EQ(one, 6u);
  u32 all = 0;
  for (u32 i = 0; i < 10'000; ++i) all += limit.allow_error(1, Ip4Addr{100 + i}, now) ? 1 : 0;
  EXPECT_GT(all, 20u);
  EXPECT_LT(all, 100u);
  EXPECT_TRUE(limit.allow_error(2, Ip4Addr{1}, now)) << "another namespace";
}

TEST(icmp_limit, in_the_long_run_errors_keep_to_the_rate) {
  Rng rng = Rng::seeded(2);
  IcmpLimiter limit{{}, rng};
  limit.set_error_rate(1, 200);
  u32 passed = 0;
  for (u32 ms = 0; ms < 10'000; ++ms)
    for (u32 i = 0; i < 10; ++i) passed += limit.allow_error(1, Ip4Addr{ms * 10 + i}, Instant{} + Duration::millis(ms)) ? 1 : 0;
  EXPECT_NEAR(passed, 2050, 150);
}

TEST(icmp_limit_attack_a41, echo_replies_have_a_limiter_of_their_own) {
  Rng rng = Rng::seeded(3);
  IcmpLimiter limit{{.echo = {.per_second = 100, .burst = 10}}, rng};
  const Instant now{};
  u32 replies = 0;
  for (int i = 0; i < 1000; ++i) replies += limit.allow_echo_reply(1, now) ? 1 : 0;
  EXPECT_EQ(replies, 10u);
  EXPECT_TRUE(limit.allow_error(1, Ip4Addr{1}, now));
}

// One guess of the attack of CVE-2020-25705: 50 probes to ports of the victim in others' names. When one of the ports is
// open it draws no error, and one token is left for the 51st probe, which the attacker sends in its own name.
double guess_accuracy(bool one_spoofed_source, u64 seed) {
  Rng rng = Rng::seeded(seed);
  IcmpLimiter limit{{}, rng};
  u32 right = 0;
  constexpr u32 trials = 10'000;
  for (u32 trial = 0; trial < trials; ++trial) {
    const Instant now = Instant{} + Duration::seconds(10 * (trial + 1));
    const bool open = rng.below(2) != 0;
    for (u32 i = 0; i < (open ? 49u : 50u); ++i) {
      const Ip4Addr victim_peer{one_spoofed_source ? 0x0a000001 : 0x0b000000 + static_cast<u32>(rng.below(1u << 24))};
      static_cast<void>(limit.allow_error(1, victim_peer, now));
    }
    const bool answered = limit.allow_error(1, Ip4Addr{0x0c000001}, now);
    right += answered == open ? 1 : 0;
  }
  return static_cast<double>(right) / trials;
}

TEST(icmp_limit_attack_a35, the_rate_limit_tells_nothing_about_open_ports) {
  for (u64 seed = 1; seed <= 3; ++seed) {
    EXPECT_LE(guess_accuracy(true, seed), 0.55);
    EXPECT_LE(guess_accuracy(false, seed), 0.55);
    EXPECT_GE(guess_accuracy(false, seed), 0.45);
  }
}

}  // namespace
}  // namespace weir::ip
