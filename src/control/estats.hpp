// The extended statistics of a TCP connection by the names of RFC 4898: what of them the stack knows.
#pragma once

#include "control/report.hpp"
#include "tcp/engine.hpp"
#include "tcp/info.hpp"

namespace weir::control {

// An object with one number for each, "tcpEStatsPerfSegsOut" and its like. Units are those of the RFC: octets, segments, milliseconds.
[[nodiscard]] Json estats_json(const tcp::Info& info, const tcp::SendInfo& send);

}  // namespace weir::control
