// plot/flow.hpp
#include "plot/flow.hpp"

namespace weir::plot {

Payload payload_of(const Flow& flow) noexcept {
  Payload p;
  for (const tcp::TraceEvent& e : flow.events) {
    if (e.what == tcp::Happened::sent) p.sent += e.v[1];
    if (e.what == tcp::Happened::received) p.received += e.v[1];
  }
  return p;
}

std::string name_of(const Flow& flow) {
  return (flow.netns.empty() ? "" : flow.netns + " ") + to_string(flow.local) + " > " + to_string(flow.remote);
}

}  // namespace weir::plot
