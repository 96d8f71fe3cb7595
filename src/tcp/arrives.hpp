// SEGMENT ARRIVES (RFC 9293 3.10.7), one function per state group and step. Segments come parsed and with a good checksum.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// 3.10.7.4: SYN-RECEIVED (of an active open) and the synchronized states.
void arrives_synchronized(Context& cx, Tcb& t, Segment& seg) noexcept;
// 3.10.7.3
void arrives_syn_sent(Context& cx, Tcb& t, Segment& seg) noexcept;
// 3.10.7.2: a listener was found for the flow.
void arrives_listen(Context& cx, u32 listener, const Flow& flow, Segment& seg, u32 min_iss) noexcept;
// 3.10.7.4 for a passive connection in SYN-RECEIVED, which is not a TCB yet.
void arrives_half_open(Context& cx, u32 half_open, Segment& seg) noexcept;
// Back to LISTEN: the entry goes.
void drop_half_open(Context& cx, u32 half_open) noexcept;
// 3.10.7.1
void arrives_closed(Context& cx, const Flow& flow, Segment& seg) noexcept;
// 3.10.7.4 for TIME-WAIT, with RFC 1337 and RFC 6191. True: a SYN that ended it and is to be given to the listener (there
// is one), with an initial sequence number of at least min_iss.
bool arrives_time_wait(Context& cx, Ref ref, Segment& seg, bool listening, u32& min_iss) noexcept;

// -- steps, for the above
[[nodiscard]] bool header_prediction(Context& cx, Tcb& t, Segment& seg) noexcept;
Verdict step5_ack(Context& cx, Tcb& t, const Segment& seg) noexcept;
// SEG.ACK is one that the state takes: RFC 5961 5.2 in the synchronized states.
[[nodiscard]] bool ack_acceptable(const Tcb& t, const Segment& seg) noexcept;
// Step five for such a segment.
Verdict process_ack(Context& cx, Tcb& t, const Segment& seg) noexcept;
// What an ACK of new data means: RTT, congestion window, recovery, the send queue. seg.ack is in (SND.UNA, SND.NXT].
void ack_advances(Context& cx, Tcb& t, const Segment& seg) noexcept;
void step6_urgent(Context& cx, Tcb& t, const Segment& seg) noexcept;
Verdict step7_text(Context& cx, Tcb& t, Segment& seg) noexcept;
// [left, right) came twice: to be told in the next ACK (RFC 2883 4).
void note_duplicate(Context& cx, Tcb& t, SeqNum left, SeqNum right) noexcept;
void step8_fin(Context& cx, Tcb& t, const Segment& seg) noexcept;
// RFC 7323 4.3: TS.Recent is updated by segments that cover Last.ACK.sent.
void update_ts_recent(Context& cx, Tcb& t, const Segment& seg) noexcept;
[[nodiscard]] bool paws_rejects(const Context& cx, const Tcb& t, const Segment& seg) noexcept;

// RFC 5961: an ACK that tells where we are; at most one per connection and 500 ms.
void challenge(Context& cx, Tcb& t) noexcept;
[[nodiscard]] bool may_challenge(u32 now_ms, u32& last_ms) noexcept;

// Takes the packet from the segment and drops it.
void drop_segment(Context& cx, Segment& seg, Drop why) noexcept;

// -- transitions
void establish(Context& cx, Tcb& t) noexcept;
// MSS, congestion window and what else begins with a connection.
void init_windows(Context& cx, Tcb& t) noexcept;
void enter_time_wait(Context& cx, Tcb& t) noexcept;
// The connection is over for the user: error (would_block: none), out of the table, freed when nobody holds it.
void finish_connection(Context& cx, Tcb& t, Errc error) noexcept;
// The connections of a namespace that are in TIME-WAIT end now.
void forget_records(Context& cx, NetnsId netns) noexcept;
void abort_connection(Context& cx, Tcb& t, Errc error, Tcp why) noexcept;  // with RST where RFC 9293 3.10.5 asks for it
void free_tcb(Context& cx, Tcb& t) noexcept;

}  // namespace weir::tcp
