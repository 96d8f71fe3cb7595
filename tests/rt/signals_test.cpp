#include "rt/signals.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <csignal>

#include "tests/rt/fake_shard.hpp"

namespace weir::rt {
namespace {

TEST(signals, end_a_loop_that_sleeps) {
  Signals signals;
  testing::FakeLoop loop(LoopConfig{.sharing = Sharing::local});
  int got = 0;
  loop.watch(signals.fd(), EPOLLIN, [&](u32) {
    got = signals.take();
    loop.stop();
  });
  ::raise(SIGTERM);
  EXPECT_FALSE(loop.run_until([] { return false; }, Clock::now() + 5_s));
  EXPECT_EQ(got, SIGTERM);
  EXPECT_EQ(signals.take(), 0);
}

}  // namespace
}  // namespace weir::rt
