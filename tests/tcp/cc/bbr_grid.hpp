// What the tests of both versions of BBR have in common.
#pragma once

#include <string>
#include <vector>

#include "tests/tcp/cc/path.hpp"

namespace weir::tcp::cc::test {

struct GridPoint {
  u64 rate;  // bytes per second
  Duration rtt;
  PathConfig config;
  Duration warm_up;  // three seconds, and a round for every doubling of the rate from the initial window

  [[nodiscard]] std::string text() const { return std::to_string(rate / 125) + " kbit/s, " + std::to_string(rtt.ms()) + " ms"; }
};

// (1 Mbit/s .. 10 Gbit/s) x (1 .. 300 ms). Fast links carry large packets, as offload would send, so that a test takes no minutes.
inline std::vector<GridPoint> grid() {
  std::vector<GridPoint> points;
  for (const u64 mbit : {1, 10, 100, 1'000, 10'000}) {
    for (const i64 ms : {1, 10, 40, 100, 300}) {
      GridPoint p{.rate = mbit * 125'000, .rtt = Duration::millis(ms), .config = {}, .warm_up = 3_s};
      p.config.rate = p.rate;
      p.config.rtt = p.rtt;
      p.config.mss = mbit >= 10'000 ? 60'000 : mbit >= 1'000 ? 8'948 : 1'448;
      u32 doublings = 4;
      for (u64 w = 10 * p.config.mss; w < p.rate * static_cast<u64>(ms) / 1'000; w *= 2) ++doublings;
      p.warm_up = p.warm_up + p.rtt * (2 * doublings);
      points.push_back(p);
    }
  }
  return points;
}

// Without queue a packet takes the path's round-trip time and its own time on the link.
inline double base_rtt_us(const PathConfig& c) {
  return static_cast<double>(c.rtt.us()) + static_cast<double>(c.segment == 0 ? c.mss : c.segment) * 1e6 / static_cast<double>(c.rate);
}

}  // namespace weir::tcp::cc::test
