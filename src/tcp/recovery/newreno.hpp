// Loss detection without SACK: duplicate ACKs (RFC 5681 3.2) and partial ACKs (RFC 6582). Each duplicate is taken for a segment
// that has arrived.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::newreno {

// Takes into account what the ACK says of segments that have arrived; before anything is judged.
void on_ack(Context& cx, Tcb& t, Sender& s, Learnt& l) noexcept;
// Bytes newly judged lost.
u32 detect(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept;

}  // namespace weir::tcp::newreno
