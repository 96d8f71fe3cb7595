// What an ACK and a timeout mean for the path: the one machine of open, disorder, cwr, recovery and loss over the detectors (RACK,
// NewReno), the repair rate (PRR), undo (D-SACK, Eifel, F-RTO) and the congestion control.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp {

[[nodiscard]] inline Sender* sender(Context& cx, const Tcb& t) noexcept { return t.sender != 0 ? &cx.senders[t.sender] : nullptr; }
// Makes it where there is none. Null: no memory.
[[nodiscard]] Sender* own_sender(Context& cx, Tcb& t) noexcept;
void release_sender(Context& cx, Tcb& t) noexcept;
// Everything is acknowledged. What less than an initial window has taught is not worth its memory: a connection that has hardly been
// used is as small as one that has not.
void release_sender_if_idle(Context& cx, Tcb& t) noexcept;
// The congestion control of a connection: its own, or that of its netns.
[[nodiscard]] cc::Kind cc_kind(const Context& cx, const Tcb& t) noexcept;
void set_cc(Context& cx, Tcb& t, cc::Kind kind) noexcept;

namespace recovery {

// Before the ACK is looked at.
[[nodiscard]] Learnt begin(const Tcb& t, const Sender& s) noexcept;
// SND.UNA is to move to `una`.
void take_ack(Context& cx, Tcb& t, Sender& s, SeqNum una, const Segment& seg, Learnt& l) noexcept;
// The SACK option (RFC 2018, RFC 2883) of a segment whose ACK is acceptable.
void take_sacks(Context& cx, Tcb& t, Sender& s, const Segment& seg, Learnt& l) noexcept;
// After all of that: judges, moves between the states, sets cwnd.
void on_ack(Context& cx, Tcb& t, Sender& s, Learnt& l) noexcept;
// The retransmission timer: RFC 5681 3.1, RFC 5682, RFC 8985 6.3.
void on_timeout(Context& cx, Tcb& t, Sender& s) noexcept;
// The reordering timer (RFC 8985 6.3).
void on_reorder_timer(Context& cx, Tcb& t, Sender& s) noexcept;
// What is in flight was too big for the path and is lost, but not by congestion: sent again in smaller pieces, cwnd stays.
void on_too_big(Context& cx, Tcb& t, Sender& s) noexcept;
// New data is about to be sent with nothing in flight: was the connection idle for longer than the RTO?
void after_idle(Context& cx, Tcb& t, Sender& s, u32 rto_us) noexcept;
// Into `record`, which is being sent (again).
void note_sent(Context& cx, Sender& s, Sent& record, u32 flight) noexcept;

}  // namespace recovery
}  // namespace weir::tcp
