// Loss recovery without SACK: RFC 5681 3.2 (fast retransmit and recovery), RFC 6582 (NewReno), and what a timeout does.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp::newreno {

// SND.UNA has moved by `acked`; `flight` is FlightSize before.
void on_ack(Context& cx, Tcb& t, u32 acked, u32 flight) noexcept;
void on_duplicate_ack(Context& cx, Tcb& t) noexcept;
// Everything in flight is taken for lost.
void on_timeout(Context& cx, Tcb& t) noexcept;

}  // namespace weir::tcp::newreno
