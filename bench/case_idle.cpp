// idle: what an established connection costs when it has nothing to do: the worst slope of resident memory over the number of
// endpoints, with everything that grows with them: control blocks, socket handles, timers, tables, and 8 bytes of the program's.
#include <algorithm>
#include <vector>

#include "bench/connections.hpp"
#include "bench/cpu.hpp"
#include "bench/peers/linux.hpp"

namespace weir::bench {
namespace {

struct Point {
  double endpoints, bytes;
};

// Between any two points that are a tenth of the whole apart: table growth falls into one of the spans.
double worst_slope(const std::vector<Point>& points) {
  const double apart = (points.back().endpoints - points.front().endpoints) / 10 * 0.999;
  double worst = 0;
  for (const Point& a : points)
    for (const Point& b : points)
      if (b.endpoints - a.endpoints >= apart) worst = std::max(worst, (b.bytes - a.bytes) / (b.endpoints - a.endpoints));
  return worst;
}

Sample idle(const Env& env, Family family) {
  Pair p({.family = family});
  Connections all(p);
  const usize first = env.count(5'000, 100), last = env.count(550'000, 400), step = env.count(13'625, 75);
  all.clients.reserve(last);
  all.servers.reserve(last);
  std::vector<Point> points;
  const CpuMeter cpu;
  for (usize n = first;; n += step) {
    all.grow_to(n);
    points.push_back({static_cast<double>(2 * n), static_cast<double>(rss_bytes())});
    if (n >= last) break;
  }
  Sample s{worst_slope(points), cpu.seconds()};
  const Point &a = points.front(), &b = points.back();
  s.extras.push_back({"mean", "bytes", (b.bytes - a.bytes) / (b.endpoints - a.endpoints)});
  s.extras.push_back({"endpoints", "", b.endpoints});
  return s;
}

}  // namespace

Case idle_case() {
  return {"idle",
          "memory of an idle established endpoint, worst slope from 10,000 to 1,100,000",
          {{"v4", "bytes", Better::lower, [](const Env& e) { return idle(e, Family::v4); }, {"v4"}, true},
           {"v6", "bytes", Better::lower, [](const Env& e) { return idle(e, Family::v6); }, {"v4"}, true}},
          {{"v4", "bytes", Better::lower, linux_idle, {}, true}}};
}

}  // namespace weir::bench
