#include "link/arp_probe.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace weir::link {
namespace {

using Act = ArpProbe::Act;
constexpr Ip4Addr ours{0x0a000005}, other{0x0a000006};

struct Sent {
  Act act;
  Instant at;
};

std::vector<Sent> run(ArpProbe& acd, Rng& rng, Instant until = Instant::never()) {
  std::vector<Sent> sent;
  while (acd.deadline() != Instant::never() && acd.deadline() <= until) {
    const Instant at = acd.deadline();
    if (const Act act = acd.on_deadline(at, rng); act != Act::nothing) sent.push_back({act, at});
  }
  return sent;
}

TEST(arp_probe_rfc5227, three_probes_then_two_announcements_at_the_times_of_section_1_1) {
  for (u64 seed = 0; seed < 200; ++seed) {
    Rng rng = Rng::seeded(seed);
    ArpProbe acd;
    acd.start({}, rng);
    const auto sent = run(acd, rng);
    ASSERT_EQ(sent.size(), 5u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sent[i].act, Act::send_probe);
    for (int i = 3; i < 5; ++i) EXPECT_EQ(sent[i].act, Act::send_announce);
    EXPECT_LE(sent[0].at.ns, 1'000'000'000);
    for (int i = 1; i < 3; ++i) {
      EXPECT_GE(sent[i].at - sent[i - 1].at, 1_s);
      EXPECT_LE(sent[i].at - sent[i - 1].at, 2_s);
    }
    EXPECT_EQ(sent[3].at - sent[2].at, 2_s);
    EXPECT_EQ(sent[4].at - sent[3].at, 2_s);
    EXPECT_EQ(acd.state(), ArpProbe::State::bound);
  }
}

TEST(arp_probe_rfc5227, it_is_usable_from_the_first_announcement_on) {
  Rng rng = Rng::seeded(1);
  ArpProbe acd;
  acd.start({}, rng);
  while (acd.on_deadline(acd.deadline(), rng) != Act::send_announce) EXPECT_FALSE(acd.usable());
  EXPECT_TRUE(acd.usable());
}

TEST(arp_probe_rfc5227, a_user_or_a_prober_of_the_address_is_a_conflict_while_probing) {
  for (const auto& [sender, target, conflict] :
       {std::tuple{ours, other, true}, {Ip4Addr::any(), ours, true}, {other, ours, false}, {Ip4Addr::any(), other, false}}) {
    Rng rng = Rng::seeded(1);
    ArpProbe acd;
    acd.start({}, rng);
    EXPECT_EQ(acd.on_arp(ours, sender, target, {}), conflict ? Act::conflict : Act::nothing);
    EXPECT_EQ(run(acd, rng).empty(), conflict);
    EXPECT_EQ(acd.usable(), !conflict);
  }
}

TEST(arp_probe_rfc5227, after_ten_conflicts_an_attempt_waits_a_minute) {
  Rng rng = Rng::seeded(1);
  ArpProbe acd;
  acd.start({}, rng, 10);
  EXPECT_GE(acd.deadline().ns, Duration::seconds(60).ns);
}

ArpProbe bound(ArpProbeConfig::Defence defence) {
  Rng rng = Rng::seeded(1);
  ArpProbe acd{{.defence = defence}};
  acd.start({}, rng);
  run(acd, rng);
  return acd;
}

TEST(arp_probe_attack_a03, a_conflict_is_answered_by_one_defence_in_ten_seconds) {
  ArpProbe acd = bound(ArpProbeConfig::Defence::keep);
  u32 defences = 0;
  for (i64 ms = 0; ms < 100'000; ms += 10)
    defences += acd.on_arp(ours, ours, other, Instant{} + 100_s + Duration::millis(ms)) == Act::defend ? 1 : 0;
  EXPECT_EQ(defences, 10u);
  EXPECT_TRUE(acd.usable());
  EXPECT_EQ(acd.on_arp(ours, Ip4Addr::any(), ours, Instant{} + 300_s), Act::nothing) << "a probe gets an answer, no defence";
}

TEST(arp_probe_rfc5227, the_second_conflict_in_the_interval_makes_a_host_that_yields_give_up) {
  ArpProbe acd = bound(ArpProbeConfig::Defence::give_up_on_second);
  EXPECT_EQ(acd.on_arp(ours, ours, other, Instant{} + 100_s), Act::defend);
  EXPECT_EQ(acd.on_arp(ours, ours, other, Instant{} + 111_s), Act::defend);
  EXPECT_EQ(acd.on_arp(ours, ours, other, Instant{} + 120_s), Act::give_up);
  EXPECT_FALSE(acd.usable());
  ArpProbe meek = bound(ArpProbeConfig::Defence::none);
  EXPECT_EQ(meek.on_arp(ours, ours, other, Instant{} + 100_s), Act::give_up);
}

}  // namespace
}  // namespace weir::link
