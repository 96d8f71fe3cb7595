// The picture of a connection: segments, acknowledgments and the window over time, as tcptrace has taught to read them, and below
// the congestion window, what is in flight and round trips.
#pragma once

#include "plot/flow.hpp"

namespace weir::plot {

// An SVG document. Where more payload came than went, segments are those received, and ACKs those sent.
[[nodiscard]] std::string time_sequence_svg(const Flow& flow);

}  // namespace weir::plot
