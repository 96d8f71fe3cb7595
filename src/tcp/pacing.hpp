// Pacing: data leaves at the rate that the congestion control (or the user, SO_MAX_PACING_RATE) asks for, in pieces of about a
// millisecond. A connection that must wait is in a heap by its departure time, in ns; it costs nothing else.
#pragma once

#include <vector>

#include "tcp/context.hpp"

namespace weir::tcp::pacing {

// Bytes per second; 0: not paced.
[[nodiscard]] u64 rate(Context& cx, const Tcb& t, const Sender& s) noexcept;
// May something leave now? If not, output() is called again when it may.
[[nodiscard]] bool may_send(Context& cx, Tcb& t, Sender& s) noexcept;
// How much may leave as one piece.
[[nodiscard]] u32 quantum(Context& cx, const Tcb& t, const Sender& s, u32 most) noexcept;
void on_sent(Context& cx, Tcb& t, Sender& s, u32 bytes) noexcept;

// Connections whose time has come: at most `budget`; how many.
u32 advance(Context& cx, u32 budget) noexcept;

}  // namespace weir::tcp::pacing
