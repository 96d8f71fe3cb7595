// The picture of a simulated link: how many frames wait for the wire in each direction, and what was dropped or lost.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"

namespace weir::plot {

struct QueueSample {
  enum class What : u8 { length, dropped, lost };  // the queue's length has changed; it was full; chance or script took a frame
  Instant at;
  What what{};
  u32 packets = 0;  // waiting by then
};

struct LinkDirection {
  std::string from, to;
  std::vector<QueueSample> samples;
  u64 left_out = 0;  // that there was no room for
};

struct LinkQueues {
  std::string name;
  Instant reference, end;
  LinkDirection directions[2];
};

[[nodiscard]] std::string link_svg(const LinkQueues& link);

}  // namespace weir::plot
