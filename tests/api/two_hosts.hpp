// Two simulated hosts with the C++ API on each: what a coroutine does here it does in virtual time.
#pragma once

#include <gtest/gtest.h>

#include "api/sim_executor.hpp"
#include "sim/oracle.hpp"

namespace weir {

class TwoHosts : public ::testing::Test {
 protected:
  explicit TwoHosts(const sim::LinkConfig& link = {.bits_per_second = 1'000'000'000, .delay = Duration::millis(5)}, u64 seed = 1)
      : world(seed), a_(world.host("a")), b_(world.host("b")), wire(world.link(a_, b_, link)) {}
  ~TwoHosts() override {
    ea->end();
    eb->end();
    EXPECT_EQ(sim::leftovers(world, Duration::seconds(3600)), "");
    for (const std::string& v : world.violations()) ADD_FAILURE() << v;
  }

  [[nodiscard]] Endpoint at_b(u16 port) const { return {b_.address(), port}; }
  [[nodiscard]] Endpoint at_a(u16 port) const { return {a_.address(), port}; }
  void run(Duration time) { world.run_for(time); }
  [[nodiscard]] static Bytes text(std::string_view s) { return std::as_bytes(std::span(s)); }
  [[nodiscard]] static std::string as_text(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

  sim::World world;
  sim::Host &a_, &b_;
  sim::Link& wire;
  std::shared_ptr<SimExecutor> ea = std::make_shared<SimExecutor>(world, a_.shard_index()),
                               eb = std::make_shared<SimExecutor>(world, b_.shard_index());
  Host a{ea, a_.netns()}, b{eb, b_.netns()};
};

}  // namespace weir
