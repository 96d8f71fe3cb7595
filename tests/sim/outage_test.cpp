// Outages of a second to ten minutes: nobody gives up, and there is progress within one current RTO after it heals.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

struct Case {
  Family family;
  i64 seconds;
  bool static_neighbours;
};

class sim_outage : public testing::TestWithParam<Case> {};

TEST_P(sim_outage, progress_within_one_rto_after_it_heals) {
  const Case c = GetParam();
  TcpWorld w{1, {.bits_per_second = 2'000'000, .delay = 20_ms}, {.static_neighbours = c.static_neighbours}};
  // The server finishes last: a client that has all it wants closes, and its connection, an orphan, may be given up sooner.
  w.transfer({.bytes = 1'000'000, .reply_bytes = 1'000, .family = c.family, .server = {.finish_last = true}});
  const Instant from = Instant{} + 1_s, heals = from + Duration::seconds(c.seconds);
  w.link.outage(from, heals);
  w.world.run_until(heals);
  const Endpoint local = w.moved->client().result().local;
  const auto info = w.client.tcp_info(local.port);
  ASSERT_TRUE(info);
  EXPECT_EQ(timer_rule(w.world), "");
  const u64 before = w.moved->server()->result().received;
  // One RTO as it is now, and the way there. Where the next hop must be found again, its address is asked for first, once
  // a second.
  const Duration bound = Duration::micros(info->rto_us) + 100_ms + (c.static_neighbours ? Duration{} : 1_s);
  w.world.run_until(heals + bound);
  EXPECT_GT(w.moved->server()->result().received, before) << "RTO " << info->rto_us << " us, back-off " << info->backoff;
  EXPECT_EQ(w.finish(), "");
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Family f : {Family::v4, Family::v6})
    for (const i64 s : {1, 2, 5, 10, 30, 60, 120, 300, 600})
      for (const bool known : {true, false}) all.push_back({f, s, known});
  return all;
}

INSTANTIATE_TEST_SUITE_P(all, sim_outage, testing::ValuesIn(cases()), [](const auto& p) {
  return std::string(p.param.family == Family::v4 ? "v4_" : "v6_") + std::to_string(p.param.seconds) +
         (p.param.static_neighbours ? "s_known" : "s_asked");
});

}  // namespace
}  // namespace weir::sim
