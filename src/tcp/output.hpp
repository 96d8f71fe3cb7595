// When to send and how much: RFC 9293 3.8.6 (windows, SWS), 3.7.4 (Nagle), RFC 5681 (cwnd), RFC 3042 (limited transmit),
// and the one rule for the connection's timer.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// Sends what may be sent now: retransmissions after a timeout, new data, FIN; then an ACK if one is due and nothing carried
// it. Ends by setting the timer.
void output(Context& cx, Tcb& t) noexcept;

// Retransmits the first unacknowledged segment.
bool retransmit_head(Context& cx, Tcb& t) noexcept;

// With data (or SYN, FIN) in flight the retransmission timer runs; with something queued that the window does not admit,
// persist; else FIN-WAIT-2 of an orphan or keepalive; else none. `restart`: progress was made, count from now.
void set_timer(Context& cx, Tcb& t, bool restart) noexcept;

// Something is queued that was never sent: data or a FIN.
[[nodiscard]] bool pending(const Tcb& t) noexcept;

}  // namespace weir::tcp
