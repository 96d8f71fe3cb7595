// When to send and how much: RFC 9293 3.8.6 (windows, SWS), 3.7.4 (Nagle), RFC 5681 (cwnd), RFC 3042 (limited transmit),
// and the one rule for the connection's timer.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// Sends what may be sent now: retransmissions after a timeout, new data, FIN; then an ACK if one is due and nothing carried
// it. Ends by setting the timer.
void output(Context& cx, Tcb& t) noexcept;

// Retransmits the SYN, or the first unacknowledged segment of which nothing is known but that it is in flight.
bool retransmit_head(Context& cx, Tcb& t) noexcept;

// Sends [start, start + len) of what is in flight again. False: no memory; nothing was sent, or it was not noted.
bool send_again(Context& cx, Tcb& t, Sender& s, SeqNum start, u32 len) noexcept;
// Sends at most one segment of new data, whatever cwnd says, if there is one and the peer's window takes it.
bool send_one_new(Context& cx, Tcb& t) noexcept;
[[nodiscard]] bool can_send_new(const Tcb& t) noexcept;

// With data (or SYN, FIN) in flight one of retransmission, probe and reordering timer runs; with something queued that the window does not admit,
// persist; else FIN-WAIT-2 of an orphan or keepalive; else none. `restart`: progress was made, count from now.
void set_timer(Context& cx, Tcb& t, bool restart) noexcept;

// Of a timer: once something was sent again, or probed for, not beyond the time when the user gives up (RFC 9293 3.8.3), which back-off
// would overshoot by far.
[[nodiscard]] Duration within_patience(Context& cx, const Tcb& t, Duration d) noexcept;

// Something is queued that was never sent: data or a FIN.
[[nodiscard]] bool pending(const Tcb& t) noexcept;

}  // namespace weir::tcp
