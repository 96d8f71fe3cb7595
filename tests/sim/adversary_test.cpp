// The window adversary: peers that shrink, shut, forget and dribble their window. Exact probe times, no death, no silly
// segment. RFC 9293 3.8.6, RFC 1122 4.2.2.16 and 4.2.2.17, 4.2.3.4.
#include <gtest/gtest.h>

#include "sim/oracle.hpp"
#include "tests/sim/tcp_peer.hpp"
#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpPeer;
using F = wire::TcpFlags;

class sim_adversary : public testing::Test {
 protected:
  sim_adversary() : world_(1, {}), host_(world_.host("weir", config())), peer_(world_, host_, {.delay = 10_ms}) {}
  static HostConfig config() {
    HostConfig c;
    c.sysctl.tcp_window_scaling = c.sysctl.tcp_timestamps = false;  // so that windows and sizes are as they look
    return c;
  }
  Stream& start(u64 bytes, const StreamPlan& plan = {}) {
    StreamPlan p = plan;
    p.send_bytes = bytes;
    p.verify = false;
    return *stream_.emplace_back(std::make_unique<Stream>(host_, peer_.address(), p));
  }
  [[nodiscard]] bool alive() const { return !stream_[0]->over() && !peer_.got_reset; }
  // A peer that behaves from here on: the window is open, everything is taken and acknowledged, the FIN is answered.
  void behave() {
    peer_.on_segment = [this](const TcpPeer::Seen& s) {
      const bool fin = (s.flags & F::fin) != 0 && s.offset + s.length == peer_.next();
      if (s.length != 0 || fin) peer_.ack(peer_.next() + (fin ? 1 : 0), 0xffff);
      if (fin) peer_.send({.seq = peer_.isn + 1, .ack = peer_.their_isn + peer_.next() + 1, .flags = F::fin | F::ack, .window = 0xffff});
    };
    peer_.ack(peer_.next(), 0xffff);
  }
  void expect_completes(u64 bytes) {
    behave();
    world_.run_until([this] { return stream_[0]->over(); }, 600_s);
    EXPECT_FALSE(stream_[0]->result().error) << text(*stream_[0]->result().error);
    EXPECT_EQ(peer_.stream.size(), bytes);
    EXPECT_FALSE(peer_.got_reset);
    EXPECT_EQ(test::first_of(world_.violations()), "");
  }

  World world_;
  Host& host_;
  TcpPeer peer_;
  std::vector<std::unique_ptr<Stream>> stream_;
};

//= rfc9293#3.8.6.1 SHLD-29, SHLD-30
TEST_F(sim_adversary, a_day_of_zero_window) {
  start(50'000);
  peer_.on_segment = [this](const TcpPeer::Seen& s) {
    if (s.length != 0) peer_.ack(peer_.next(), 0);  // takes what comes and shuts
    else if (s.offset < peer_.next()) peer_.ack(peer_.next(), 0);  // answers a probe
  };
  world_.run_for(1_s);
  const usize before = peer_.seen.size();
  const u32 held = peer_.next();
  world_.run_for(24_min * 60);
  ASSERT_TRUE(alive());
  EXPECT_EQ(peer_.next(), held);
  std::vector<Instant> probes;
  for (usize i = before; i < peer_.seen.size(); ++i) {
    EXPECT_LE(peer_.seen[i].length, 1u);
    probes.push_back(peer_.seen[i].time);
  }
  // Each waits twice as long as the one before, up to two minutes, and then so for ever.
  ASSERT_GT(probes.size(), 700u);
  Duration gap = probes[1] - probes[0];
  EXPECT_GE(gap, 200_ms);
  for (usize i = 2; i < probes.size(); ++i) {
    gap = std::min(gap * 2, Duration::seconds(120));
    const Duration is = probes[i] - probes[i - 1];
    EXPECT_LE(std::abs((is - gap).ns), 2'000'000) << "probe " << i << ": " << is.ms() << " ms, expected " << gap.ms();
    gap = std::min(is, gap);
  }
  EXPECT_LE(probes.size(), 740u);
  expect_completes(50'000);
}

TEST_F(sim_adversary, a_lost_window_update_is_found_by_a_probe) {
  start(30'000);
  bool open = false;
  peer_.on_segment = [&](const TcpPeer::Seen& s) {
    if (s.length != 0) peer_.ack(peer_.next(), open ? 0xffff : 0);
    else if (s.offset < peer_.next()) peer_.ack(peer_.next(), open ? 0xffff : 0);
  };
  world_.run_for(2_s);
  ASSERT_TRUE(alive());
  open = true;  // the window opens, and nobody hears of it
  const u32 held = peer_.next();
  world_.run_for(4_s);
  EXPECT_GT(peer_.next(), held);
  expect_completes(30'000);
}

// SHLD-14 forbids it to the peer; MUST-34 and SHLD-15 to 17 say what to do about it.
//= rfc9293#3.8.6 MUST-34, SHLD-15, SHLD-16, SHLD-17
TEST_F(sim_adversary, a_peer_that_shrinks_its_window_is_survived) {
  peer_.window = 10'000;
  start(40'000);
  bool shrunk = false;
  u32 furthest = 0;
  peer_.accept_data = false;
  peer_.on_segment = [&](const TcpPeer::Seen& s) {
    if (s.length == 0) return;
    if (!shrunk) {
      shrunk = true;
      world_.after(30_ms, [&] {  // everything that may be is on its way: up to 10,000
        for (const auto& x : peer_.seen) furthest = std::max(furthest, x.offset + x.length);
        peer_.ack(1, 2'000);
      });
    }
  };
  world_.run_for(60_s);
  ASSERT_TRUE(alive());
  EXPECT_GT(furthest, 5'000u);
  for (const auto& s : peer_.seen) EXPECT_LE(s.offset + s.length, furthest) << "new data beyond the edge that was taken back";
  peer_.accept_data = true;
  expect_completes(40'000);
}

TEST_F(sim_adversary, a_window_that_flaps_between_nothing_and_much) {
  start(200'000);
  u32 n = 0;
  peer_.on_segment = [&](const TcpPeer::Seen& s) {
    if (s.length != 0 || s.offset < peer_.next()) peer_.ack(peer_.next(), ++n % 3 == 0 ? 0 : static_cast<u16>(n * 997 % 20'000));
  };
  world_.run_for(600_s);
  ASSERT_TRUE(!peer_.got_reset);
  if (!stream_[0]->over()) expect_completes(200'000);
}

// Silly window syndrome, the sender's side: a peer that opens a byte at a time.
//= rfc9293#3.8.6.2.1 MUST-38
TEST_F(sim_adversary, crumbs_of_window_draw_no_crumbs_of_data) {
  peer_.window = 8'000;
  start(60'000);
  u32 offered = 8'001;
  peer_.on_segment = [](const TcpPeer::Seen&) {};
  world_.run_for(100_ms);
  const usize before = peer_.seen.size();
  // Everything is acknowledged, and then the edge moves on a byte each 5 ms.
  for (int i = 0; i < 1000; ++i) {
    world_.after(Duration::millis(5 * i), [&] {
      offered = std::max(offered, peer_.next()) + 1;
      peer_.ack(peer_.next(), static_cast<u16>(offered - peer_.next()));
    });
  }
  world_.run_for(5_s);
  u32 small = 0;
  for (usize i = before; i < peer_.seen.size(); ++i)
    if (peer_.seen[i].length > 1 && peer_.seen[i].length < 1'460) ++small;
  // A timer may send what fits (RFC 9293 3.8.6.2.1: 0.1 to 1 s), nothing else may.
  EXPECT_LE(small, 20u) << "of " << peer_.seen.size() - before;
  ASSERT_TRUE(alive());
  expect_completes(60'000);
}

TEST_F(sim_adversary, a_tiny_mss_is_raised_to_the_floor) {
  peer_.mss = 1;
  start(5'000);
  behave();
  world_.run_until([this] { return stream_[0]->over(); }, 60_s);
  EXPECT_EQ(peer_.stream.size(), 5'000u);
  EXPECT_LT(peer_.seen.size(), 400u);  // at least 48 bytes in each
}

// The receiver's side: a user that reads a byte at a time must not make silly windows.
//= rfc9293#3.8.6.2.2 MUST-39
TEST(sim_adversary_reader, a_byte_at_a_time_makes_no_silly_segments) {
  HostConfig plain;
  plain.sysctl.tcp_window_scaling = false;
  test::TcpWorld w{1, {.bits_per_second = 100'000'000, .delay = 5_ms}, {}, plain};
  TransferConfig c{.bytes = 30'000};
  c.server.read_at_most = 1;
  c.server.read_every = 200_us;
  c.server_setup = [](Socket& s) { EXPECT_TRUE(s.set(Option::receive_buffer, 8'192)); };
  w.transfer(c);
  EXPECT_EQ(w.finish(), "");
  const auto& r = w.moved->client().result();
  const WireStats* sent = w.world.monitor().tcp_stats(r.local, r.remote);
  ASSERT_NE(sent, nullptr);
  EXPECT_LT(sent->data_segments, 30u);  // 21 of full size and a few that end a burst
}

}  // namespace
}  // namespace weir::sim
