// Equivalence: how frames are batched, cut and merged, where sequence numbers begin and what shard a host is in make no
// difference to what is delivered.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

struct Variant {
  Family family;
  u32 batch;
  bool supers, merge, one_shard;
};

class sim_equivalence : public testing::TestWithParam<Variant> {};

TEST_P(sim_equivalence, the_same_bytes_are_delivered) {
  const Variant v = GetParam();
  LinkConfig link{.bits_per_second = 50'000'000, .delay = 5_ms, .loss = 0.01, .reorder = 0.01, .coalesce = 200_us};
  link.offload = {.tx_checksum = v.supers, .tso = v.supers, .gro = v.merge};
  TcpWorld w{3, link, {.one_shard = v.one_shard, .max_batch = v.batch}};
  w.transfer({.bytes = 400'000, .reply_bytes = 300'000, .family = v.family});
  EXPECT_EQ(w.finish(), "");
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const Family f : {Family::v4, Family::v6})
    for (const u32 batch : {1u, 64u})
      for (const bool supers : {false, true})
        for (const bool merge : {false, true})
          for (const bool one : {false, true}) all.push_back({f, batch, supers, merge, one});
  return all;
}

INSTANTIATE_TEST_SUITE_P(all, sim_equivalence, testing::ValuesIn(variants()), [](const auto& p) {
  const Variant& v = p.param;
  return std::string(v.family == Family::v4 ? "v4" : "v6") + "_batch" + std::to_string(v.batch) + (v.supers ? "_supers" : "") +
         (v.merge ? "_merge" : "") + (v.one_shard ? "_oneshard" : "");
});

// The first SYN of each end.
struct Origins : WireListener {
  void on_address(u32, const IpAddr&) override {}
  void on_sent(u32 host, const Link&, Bytes frame, Instant) override {
    const Dissected d = dissect(frame);
    if (!d.is_tcp()) return;
    const auto tcp = wire::TcpView::parse(d.l4);
    if (tcp->flags().any(wire::TcpFlags::syn) && !isn[host]) isn[host] = tcp->seq().raw;
  }
  void on_delivered(u32, const Link&, Bytes, bool, Instant) override {}
  std::optional<u32> isn[2];
};

struct Origin {
  Family family;
  u32 host, at;
};

class sim_origin : public testing::TestWithParam<Origin> {};

// The initial sequence number is a clock of 4 us and a hash of the addresses (RFC 6528): with the same seed a world that
// begins later has another one, and only its clock part differs.
TEST_P(sim_origin, streams_that_wrap_are_intact) {
  const Origin o = GetParam();
  const LinkConfig link{.bits_per_second = 50'000'000, .delay = 5_ms, .loss = 0.02};
  Instant start{};
  for (int attempt = 0; attempt < 2; ++attempt) {
    Origins origins;
    TcpWorld w{5, link, {.static_neighbours = true, .start = start}};
    w.world.add_listener(&origins);
    w.transfer({.bytes = 200'000, .reply_bytes = 200'000, .family = o.family});
    EXPECT_EQ(w.finish(), "");
    ASSERT_TRUE(origins.isn[o.host]);
    if (attempt == 0) start = Instant{} + Duration::micros(i64{o.at - *origins.isn[o.host]} * 4);
    else EXPECT_LE(static_cast<u32>(*origins.isn[o.host] - o.at + 20'000), 40'000u) << *origins.isn[o.host];
  }
}

std::vector<Origin> origins() {
  std::vector<Origin> all;
  for (const Family f : {Family::v4, Family::v6})
    for (const u32 host : {0u, 1u})
      for (const u32 at : {0u, (1u << 31) - 100'000, 0u - 100'000}) all.push_back({f, host, at});
  return all;
}

INSTANTIATE_TEST_SUITE_P(all, sim_origin, testing::ValuesIn(origins()), [](const auto& p) {
  return std::string(p.param.family == Family::v4 ? "v4" : "v6") + (p.param.host == 0 ? "_client_" : "_server_") +
         std::to_string(p.param.at);
});

}  // namespace
}  // namespace weir::sim
