// Buffers that grow with the path: a long fat pipe is filled although both buffers begin with a fifth of what is in flight.
#include <gtest/gtest.h>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

// Bytes per second of 60 MB over 1 Gbit/s and 40 ms; a window of 1 MiB would make 26 MB/s.
double rate(const HostConfig& h) {
  TcpWorld w{1, {.bits_per_second = 1'000'000'000, .delay = 20_ms, .queue_packets = 4'000}, {.static_neighbours = true}, h};
  w.transfer({.bytes = 60'000'000});
  EXPECT_EQ(w.finish(), "");
  return 60e6 / (w.done_at() - Instant{}).s();
}

TEST(sim_autotune, a_long_fat_pipe_is_filled) {
  HostConfig h;
  EXPECT_GT(rate(h), 45e6);
}

TEST(sim_autotune, the_receiver_grows_only_where_it_may) {
  HostConfig h;
  h.sysctl.tcp_moderate_rcvbuf = false;
  EXPECT_LT(rate(h), 27e6);
}

TEST(sim_autotune, the_sender_grows_only_as_far_as_it_may) {
  HostConfig h;
  h.sysctl.tcp_wmem_max = h.sysctl.tcp_wmem;
  EXPECT_LT(rate(h), 27e6);
}

}  // namespace
}  // namespace weir::sim
