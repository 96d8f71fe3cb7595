// DCTCP (RFC 8257), and the table of a program's own algorithm.
#include "tcp/cc/dctcp.hpp"

#include <gtest/gtest.h>

#include "tcp/cc/external.hpp"
#include "tests/tcp/cc/acks.hpp"
#include "tests/tcp/cc/path.hpp"

namespace weir::tcp::cc {
namespace {

using Flow = test::Script<Dctcp>;

double alpha(const Dctcp& c) { return static_cast<double>(c.alpha) / Dctcp::one; }

// A window of ACKs of which every `nth` is marked; 0: none. Reductions are taken back: only alpha is looked at.
void window(Flow& f, u32 nth) {
  const u32 cwnd = 20'000;
  for (u32 i = 0; i < 20; ++i) {
    f.cwnd = cwnd;
    f.ssthresh = cwnd;
    Ack a = f.ack(1'000, 1'000);
    if (nth != 0 && i % nth == 0) a.ce_bytes = 1'000;
    f.give(a);
  }
  f.cwnd = cwnd;
}

TEST(dctcp, alpha_begins_at_one_and_converges_to_the_share_of_marked_bytes) {
  for (const u32 nth : {1u, 2u, 4u, 10u, 0u}) {
    Flow f;
    EXPECT_EQ(alpha(f.cc), 1.0);
    for (int i = 0; i < 200; ++i) window(f, nth);
    EXPECT_NEAR(alpha(f.cc), nth == 0 ? 0 : 1.0 / nth, 0.01) << nth;
  }
}

// RFC 8257 3.3: alpha = alpha (1 - g) + g M, g = 1/16, once for a window of data.
TEST(dctcp, alpha_moves_by_a_sixteenth_a_window) {
  Flow f;
  f.ssthresh = f.cwnd = 20'000;
  double before = 1;
  int changes = 0;
  for (int i = 0; i < 600; ++i) {
    f.cwnd = 20'000;
    f.give(f.ack(1'000, 1'000));
    if (alpha(f.cc) == before) continue;
    ASSERT_NEAR(alpha(f.cc), before * 15 / 16, 1e-5);
    before = alpha(f.cc);
    ++changes;
  }
  EXPECT_NEAR(changes, 30, 3);
}

TEST(dctcp, a_window_shrinks_once_by_half_of_alpha) {
  Flow f;
  f.cwnd = f.ssthresh = 40'000;
  f.cc.alpha = Dctcp::one / 2;
  Ack a = f.ack(1'000, 1'000);
  a.ce_bytes = 1'000;
  f.give(a);
  EXPECT_EQ(f.cwnd, 30'000u);
  EXPECT_EQ(f.ssthresh, 30'000u);
  for (int i = 0; i < 20; ++i) {
    a = f.ack(1'000, 1'000);
    a.ce_bytes = 1'000;
    f.give(a);
    ASSERT_EQ(f.cwnd, 30'000u);  // the same window of data, and no growth by marked bytes
  }
  for (int i = 0; i < 30 && f.cwnd == 30'000; ++i) {
    a = f.ack(1'000, 1'000);
    a.ce_bytes = 1'000;
    f.give(a);
  }
  EXPECT_NEAR(f.cwnd, 30'000 * (1 - alpha(f.cc) / 2), 100);
}

TEST(dctcp, no_less_than_two_segments_are_left) {
  Flow f;
  f.cwnd = 2'500;
  Ack a = f.ack(1'000, 1'000);
  a.ce_bytes = 1'000;
  f.give(a);
  EXPECT_EQ(f.cwnd, 2'000u);
}

// 3.5: a loss is answered as RFC 5681 does, also when nothing was ever marked.
TEST(dctcp, a_loss_halves) {
  Flow f;
  f.cwnd = 40'000;
  f.cc.alpha = 0;
  f.event(Event::recovery, 40'000);
  EXPECT_EQ(f.ssthresh, 20'000u);
  f.event(Event::timeout, 30'000);
  EXPECT_EQ(f.ssthresh, 15'000u);
}

TEST(dctcp, in_recovery_alpha_is_observed_and_the_window_left_alone) {
  Flow f;
  f.cwnd = f.ssthresh = 20'000;
  for (int i = 0; i < 25; ++i) {
    Ack a = f.ack(1'000, 1'000);
    a.in_recovery = true;
    a.ce_bytes = i % 2 == 0 ? 1'000 : 0;
    f.give(a);
  }
  EXPECT_EQ(f.cwnd, 20'000u);
  EXPECT_NEAR(alpha(f.cc), 1 - 0.5 / 16, 0.005);
}

TEST(dctcp, growth_is_that_of_reno) {
  Flow f;
  f.round(1_ms);
  EXPECT_EQ(f.cwnd, 20'000u);
  f.ssthresh = 20'000;
  f.round(1_ms);
  EXPECT_EQ(f.cwnd, 21'000u);
  Ack a = f.ack(21'000, 1'000);
  a.cwnd_limited = false;
  f.give(a);
  EXPECT_EQ(f.cwnd, 21'000u);
}

// RFC 8257 1: the queue stays about the marking threshold and nothing is lost.
TEST(dctcp, on_a_path_the_queue_stays_at_the_threshold_and_the_link_full) {
  test::PathConfig c{.rate = 125'000'000, .rtt = 200_us, .buffer = 1'000'000, .mark_above = 60'000};
  test::Path<Dctcp> path(c);
  path.run(500_ms);
  const u64 delivered = path.delivered;
  path.most_queue = 0;
  u64 acks = 0, marked_acks = 0;
  path.after_ack = [&](const Ack& a) { ++acks, marked_acks += a.ce_bytes != 0; };
  path.run(500_ms);
  EXPECT_EQ(path.dropped, 0u);
  EXPECT_LT(path.most_queue, 90'000u);
  EXPECT_GT(path.delivered - delivered, 125'000'000 / 2 * 0.98);
  EXPECT_NEAR(alpha(path.cc), static_cast<double>(marked_acks) / static_cast<double>(acks), 0.1);
}

struct Doubling {  // grows by what is acknowledged, counts what it is told
  static constexpr std::string_view name = "doubling";
  static constexpr bool owns_cwnd = false, scalable = false, wants_sent = true;
  u64 sent = 0;
  u32 begun = 0, events = 0;
  void begin(Window&, Instant, u32) noexcept { ++begun; }
  void on_ack(Window& w, const Ack& a) noexcept { w.cwnd += a.acked; }
  void on_event(Window& w, Event, Instant, u32 in_flight, u32) noexcept { ++events, w.ssthresh = in_flight / 4; }
  void on_sent(Window&, Instant, u32 bytes, u32) noexcept { sent += bytes; }
  [[nodiscard]] u64 pacing_rate() const noexcept { return 7 + sent; }
};

TEST(external, every_call_reaches_the_programs_own_algorithm) {
  test::Script<External> f(External::of<Doubling>());
  EXPECT_STREQ(f.cc.table->name, "doubling");
  f.give(f.ack(3'000, 1'000));
  EXPECT_EQ(f.cwnd, 13'000u);
  f.event(Event::recovery, 8'000);
  EXPECT_EQ(f.ssthresh, 2'000u);
  Window w = f.window();
  f.cc.on_sent(w, f.now, 500, 0);
  const External copy = f.cc;  // as connections are moved about
  EXPECT_EQ(copy.pacing_rate(), 507u);
  const auto* state = reinterpret_cast<const Doubling*>(copy.state.data());
  EXPECT_EQ(state->begun, 1u);
  EXPECT_EQ(state->events, 1u);
}

TEST(external, a_table_without_its_functions_is_refused) {
  ExternalTable t;
  EXPECT_FALSE(t.complete());
  t = *External::of<Doubling>().table;
  EXPECT_TRUE(t.complete());
  t.on_event = nullptr;
  EXPECT_FALSE(t.complete());
  t = *External::of<Doubling>().table;
  t.on_sent = nullptr, t.pacing_rate = nullptr;  // these two may be left out
  External e{.table = &t};
  ::new (static_cast<void*>(e.state.data())) Doubling{};
  u32 cwnd = 1, ssthresh = 1;
  Window w{cwnd, ssthresh, 1'000, 10'000};
  e.begin(w, Instant{}, 0);
  e.on_sent(w, Instant{}, 1, 0);
  EXPECT_EQ(e.pacing_rate(), 0u);
}

TEST(external, begin_without_a_table_ends_the_process) {
  u32 cwnd = 1, ssthresh = 1;
  Window w{cwnd, ssthresh, 1'000, 10'000};
  External e;
  EXPECT_DEATH(e.begin(w, Instant{}, 0), "table");
}

}  // namespace
}  // namespace weir::tcp::cc
