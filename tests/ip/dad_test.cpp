#include "ip/dad.hpp"

#include <gtest/gtest.h>

namespace weir::ip {
namespace {

using Act = Dad::Act;

TEST(dad_rfc4862, one_solicitation_and_a_second_of_silence_assign_the_address) {
  Rng rng = Rng::seeded(1);
  Dad dad;
  dad.start({}, rng, false);
  EXPECT_EQ(dad.on_deadline({}, rng), Act::solicit);
  EXPECT_EQ(dad.deadline(), Instant{} + 1_s);
  EXPECT_EQ(dad.on_deadline(Instant{} + 999_ms, rng), Act::nothing);
  EXPECT_EQ(dad.on_deadline(Instant{} + 1_s, rng), Act::assign);
  EXPECT_EQ(dad.state(), Dad::State::unique);
  EXPECT_EQ(dad.on_advertisement(), Act::nothing) << "later it is somebody else's defence to make";
}

TEST(dad_rfc4862, the_first_packet_of_an_interface_waits_up_to_a_second) {
  for (u64 seed = 0; seed < 100; ++seed) {
    Rng rng = Rng::seeded(seed);
    Dad dad;
    dad.start({}, rng, true);
    EXPECT_LE(dad.deadline(), Instant{} + 1_s);
    EXPECT_GE(dad.deadline(), Instant{});
  }
  Rng rng = Rng::seeded(1);
  Dad off{{.transmits = 0}};
  off.start({}, rng, true);
  EXPECT_EQ(off.on_deadline({}, rng), Act::assign);
}

TEST(dad_rfc4862, a_prober_or_an_owner_of_the_address_makes_it_a_duplicate) {
  Rng rng = Rng::seeded(1);
  for (int wait = 0; wait < 2; ++wait)
    for (int kind = 0; kind < 3; ++kind) {
      Dad dad;
      dad.start({}, rng, false);
      if (wait == 0) {
        EXPECT_EQ(dad.on_deadline({}, rng), Act::solicit);
      }
      const Act act = kind == 0   ? dad.on_advertisement()
                      : kind == 1 ? dad.on_solicitation(true, {})
                                  : dad.on_solicitation(true, DadNonce{9, 9, 9, 9, 9, 9});
      EXPECT_EQ(act, Act::duplicate);
      EXPECT_EQ(dad.deadline(), Instant::never());
      EXPECT_EQ(dad.on_deadline(Instant{} + 100_s, rng), Act::nothing) << "A30: no spin";
    }
}

TEST(dad_rfc4862, address_resolution_by_a_neighbour_proves_nothing) {
  Rng rng = Rng::seeded(1);
  Dad dad;
  dad.start({}, rng, false);
  static_cast<void>(dad.on_deadline({}, rng));
  EXPECT_EQ(dad.on_solicitation(false, {}), Act::nothing);
  EXPECT_EQ(dad.on_deadline(Instant{} + 1_s, rng), Act::assign);
}

TEST(dad_rfc7527, our_own_probe_that_comes_back_is_no_duplicate_but_more_are_sent) {
  Rng rng = Rng::seeded(1);
  Dad dad;
  dad.start({}, rng, false);
  Instant now{};
  u32 sent = 0;
  for (int i = 0; i < 10; ++i) {  // the loop lasts for ten seconds
    EXPECT_EQ(dad.on_deadline(now, rng), Act::solicit);
    ++sent;
    EXPECT_EQ(dad.on_solicitation(true, dad.nonce()), Act::nothing);
    EXPECT_TRUE(dad.loop_seen());
    now = dad.deadline();
  }
  while (dad.state() != Dad::State::unique) {  // then it heals
    if (dad.on_deadline(now, rng) == Act::solicit) ++sent;
    now = std::min(dad.deadline(), now + 1_s);
  }
  EXPECT_LE(sent, 16u);
}

TEST(dad_rfc7527, nonces_differ) {
  Rng rng = Rng::seeded(1);
  Dad dad{{.transmits = 3}};
  dad.start({}, rng, false);
  static_cast<void>(dad.on_deadline({}, rng));
  const DadNonce first = dad.nonce();
  static_cast<void>(dad.on_deadline(dad.deadline(), rng));
  EXPECT_NE(dad.nonce(), first);
  EXPECT_EQ(dad.on_solicitation(true, first), Act::nothing) << "an earlier one may be late";
}

}  // namespace
}  // namespace weir::ip
