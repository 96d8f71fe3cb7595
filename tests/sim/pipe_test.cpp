// A pipe alone: rate and delay to the nanosecond, queue limits, faults by script and by chance.
#include "sim/pipe.hpp"

#include <gtest/gtest.h>

#include "tests/sim/frames.hpp"

namespace weir::sim {
namespace {

struct Rig {
  explicit Rig(const LinkConfig& c, u64 seed = 1) : pipe(c, Rng::seeded(seed), true) {}
  void enter(usize bytes, Instant now, u8 mark = 0) { pipe.enter(std::vector<std::byte>(bytes, std::byte{mark}), now, store); }
  // Runs the transmitter until nothing waits; returns the arrivals.
  std::vector<Frame> drain() {
    while (pipe.waiting()) pipe.on_wire_free(pipe.free_at(), store);
    std::vector<Frame> all;
    for (Frame f; pipe.take_arrived(Instant::never(), f);) all.push_back(std::move(f));
    return all;
  }
  FrameStore store;
  Pipe pipe;
};

TEST(sim_pipe, delay_is_exact) {
  Rig r({.delay = 10_ms});
  r.enter(100, Instant{5});
  EXPECT_EQ(r.pipe.next_arrival(), Instant{10'000'005});
  Frame f;
  EXPECT_FALSE(r.pipe.take_arrived(Instant{10'000'004}, f));
  EXPECT_TRUE(r.pipe.take_arrived(Instant{10'000'005}, f));
  EXPECT_EQ(f.bytes.size(), 100u);
}

TEST(sim_pipe, rate_is_exact_and_roundings_do_not_add_up) {
  // 1,000 frames of 1,000 bytes at 7 Mbit/s end at 8 Gbit / 7 Mbit/s, rounded once.
  Rig r({.bits_per_second = 7'000'000, .queue_packets = 0});
  for (int i = 0; i < 1000; ++i) r.enter(1000, Instant{});
  const auto all = r.drain();
  ASSERT_EQ(all.size(), 1000u);
  EXPECT_EQ(all.front().arrival.ns, 1'142'858);      // 8,000 bits / 7 Mbit/s, rounded up
  EXPECT_EQ(all.back().arrival.ns, 1'142'857'143);
  EXPECT_EQ(r.pipe.stats().busy.ns, 1'142'857'143);
}

TEST(sim_pipe, a_new_rate_holds_for_frames_that_still_wait) {
  Rig r({.bits_per_second = 8'000'000});
  r.enter(1000, Instant{});  // on the wire until 1 ms
  r.enter(1000, Instant{});
  r.pipe.set_rate(80'000'000);
  const auto all = r.drain();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].arrival, Instant{1'000'000});
  EXPECT_EQ(all[1].arrival, Instant{1'100'000});
}

TEST(sim_pipe, queue_limit_in_packets_and_in_bytes) {
  Rig packets({.bits_per_second = 8'000, .queue_packets = 3});
  for (int i = 0; i < 10; ++i) packets.enter(100, Instant{});
  EXPECT_EQ(packets.pipe.stats().queue_drops, 6u);  // one on the wire, three wait
  EXPECT_EQ(packets.pipe.stats().queue_max_packets, 3u);
  EXPECT_EQ(packets.drain().size(), 4u);

  Rig bytes({.bits_per_second = 8'000, .queue_packets = 0, .queue_bytes = 250});
  for (int i = 0; i < 10; ++i) bytes.enter(100, Instant{});
  EXPECT_EQ(bytes.pipe.stats().queue_drops, 7u);
  EXPECT_EQ(bytes.pipe.stats().queue_max_bytes, 200u);
}

TEST(sim_pipe, jitter_keeps_the_order_and_its_bound) {
  Rig r({.delay = 10_ms, .jitter = 5_ms});
  for (u8 i = 0; i < 100; ++i) r.enter(10, Instant{i * 1000}, i);
  const auto all = r.drain();
  ASSERT_EQ(all.size(), 100u);
  for (u8 i = 0; i < 100; ++i) {
    EXPECT_EQ(all[i].bytes[0], std::byte{i});
    EXPECT_GE(all[i].arrival, Instant{i * 1000} + 10_ms);
    EXPECT_LE(all[i].arrival, Instant{i * 1000} + 15_ms);
  }
}

TEST(sim_pipe, chance_has_the_frequency_it_was_given) {
  Rig r({.loss = 0.3, .reorder = 0.2, .duplicate = 0.1, .corrupt = 0.05, .queue_packets = 0});
  for (int i = 0; i < 20'000; ++i) r.enter(64, Instant{i * 1000});
  const PipeStats& s = r.pipe.stats();
  EXPECT_NEAR(static_cast<double>(s.lost), 6000, 200);
  EXPECT_NEAR(static_cast<double>(s.reordered), 0.7 * 4000, 200);
  EXPECT_NEAR(static_cast<double>(s.duplicated), 0.7 * 2000, 150);
  EXPECT_NEAR(static_cast<double>(s.corrupted), 0.7 * 1000, 100);
}

TEST(sim_pipe, a_reordered_frame_is_overtaken) {
  Rig r({.delay = 1_ms});
  r.pipe.add_fault({FaultKind::delay, nth_frame(2), 3_ms});
  for (u8 i = 0; i < 6; ++i) r.enter(10, Instant{i * 1'000'000}, i);
  const auto all = r.drain();
  const u8 expected[] = {0, 2, 3, 1, 4, 5};  // 1 arrives with 4 ms of delay at 5 ms, just before 4 does
  for (usize i = 0; i < 6; ++i) EXPECT_EQ(all[i].bytes[0], std::byte{expected[i]}) << i;
}

TEST(sim_pipe, outage_drops_what_goes_on_the_wire_meanwhile) {
  Rig r({});
  r.pipe.outage(Instant{100}, Instant{200});
  for (const i64 t : {99, 100, 199, 200}) r.enter(10, Instant{t});
  EXPECT_EQ(r.pipe.stats().faulted, 2u);
  EXPECT_EQ(r.drain().size(), 2u);
}

TEST(sim_pipe, tells_what_became_of_each_frame) {
  Rig r({.bits_per_second = 8'000, .queue_packets = 1});
  r.pipe.drop(nth_frame(2));
  std::vector<Drop> seen;
  r.pipe.set_observer([&](Bytes, Instant, Drop why, std::string_view) { seen.push_back(why); });
  for (int i = 0; i < 3; ++i) r.enter(100, Instant{});
  r.drain();
  EXPECT_EQ(seen, (std::vector{Drop::none, Drop::queue_full, Drop::link_loss}));
}

TEST(sim_faults, counting_filters) {
  using test::flow4;
  const auto count = [](Filter f, const std::vector<test::FrameBytes>& frames) {
    std::string hits;
    for (const auto& frame : frames) hits += f({frame, {}, 0, true}) ? '1' : '0';
    return hits;
  };
  const std::vector<test::FrameBytes> frames{test::tcp_frame(flow4, {.flags = wire::TcpFlags::syn}), test::udp_frame(flow4, "x"),
                                             test::tcp_frame(flow4, {.data = "one"}), test::tcp_frame(flow4, {}),
                                             test::tcp_frame(flow4, {.data = "two"})};
  EXPECT_EQ(count(nth_frame(2), frames), "01000");
  EXPECT_EQ(count(nth_tcp_segment(2), frames), "00100");
  EXPECT_EQ(count(nth_tcp_segment({1, 3}), frames), "10010");
  EXPECT_EQ(count(nth_data_segment(2), frames), "00001");
  EXPECT_EQ(count(nth_datagram(1), frames), "01000");
  EXPECT_EQ(count(tcp_with(wire::TcpFlags::syn), frames), "10000");
  EXPECT_EQ(count(first(2, every_frame()), frames), "11000");
}

TEST(sim_faults, flips_one_bit) {
  Rng rng = Rng::seeded(3);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::byte> f(33);
    flip_a_bit(f, rng);
    int bits = 0;
    for (const std::byte b : f) bits += std::popcount(static_cast<u8>(b));
    EXPECT_EQ(bits, 1);
  }
}

}  // namespace
}  // namespace weir::sim
