// Network namespaces for tests of devices: they need root, and never skip as root.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

namespace weir::io::testing {

// Runs f in a thread that has a network namespace of its own (with "lo" up), which vanishes afterwards.
template <class F>
void in_new_netns(F&& f) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root (network namespaces, /dev/net/tun)";
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    ASSERT_EQ(std::system("ip link set lo up"), 0);
    f();
  }).join();
}

inline void sh(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

}  // namespace weir::io::testing
