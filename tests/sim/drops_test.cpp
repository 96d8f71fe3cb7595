// Every single and every double drop of an exchange of some forty packets, from the first SYN to the last ACK: both
// streams intact, both ends closed, in bounded time, the monitor silent, nothing left.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

constexpr LinkConfig wire{.bits_per_second = 100'000'000, .delay = 10_ms};

// A request of 9 segments, an answer of 9, then both close. Each number names a TCP segment of the link, from 1.
struct Outcome {
  std::string trouble;
  Duration took{};
  u64 segments = 0;
};

Outcome exchange(Family family, std::initializer_list<u64> dropped) {
  TcpWorld w{1, wire, {.static_neighbours = true}};
  w.link.drop(nth_tcp_segment(dropped));
  TransferConfig c{.bytes = 12'500, .reply_bytes = 12'500, .family = family};
  const Instant start = w.world.now();
  w.transfer(c);
  Outcome out;
  out.trouble = w.finish(60_s);
  out.took = w.done_at() - start;
  const Endpoint client = w.moved->client().result().local, server = w.moved->client().result().remote;
  for (const auto* s : {w.world.monitor().tcp_stats(client, server), w.world.monitor().tcp_stats(server, client)})
    out.segments += s != nullptr ? s->segments : 0;
  return out;
}

class sim_drops : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    const Outcome clean = exchange(GetParam(), {});
    ASSERT_EQ(clean.trouble, "");
    packets_ = clean.segments;
    ASSERT_GE(packets_, 38u);
    ASSERT_LE(packets_, 50u);
    clean_ = clean.took;
  }
  u64 packets_ = 0;
  Duration clean_{};
};

TEST_P(sim_drops, every_single_drop) {
  Duration worst{};
  for (u64 i = 1; i <= packets_; ++i) {
    const Outcome o = exchange(GetParam(), {i});
    EXPECT_EQ(o.trouble, "") << "packet " << i;
    // A lost SYN costs its retransmission timeout of a second, anything else less.
    EXPECT_LE(o.took, clean_ + 1100_ms) << "packet " << i;
    worst = std::max(worst, o.took);
  }
  RecordProperty("worst_ms", static_cast<int>(worst.ms()));
}

TEST_P(sim_drops, every_double_drop) {
  Duration worst{};
  for (u64 i = 1; i <= packets_; ++i)
    for (u64 k = i + 1; k <= packets_; ++k) {
      const Outcome o = exchange(GetParam(), {i, k});
      EXPECT_EQ(o.trouble, "") << "packets " << i << " and " << k;
      // Two lost SYNs cost 1 + 2 s; a SYN and the first data after it 1 s and the 3 s of RFC 6298 5.7.
      EXPECT_LE(o.took, clean_ + 4200_ms) << "packets " << i << " and " << k;
      worst = std::max(worst, o.took);
    }
  RecordProperty("worst_ms", static_cast<int>(worst.ms()));
}

INSTANTIATE_TEST_SUITE_P(families, sim_drops, testing::Values(Family::v4, Family::v6),
                         [](const auto& p) { return p.param == Family::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace weir::sim
