// Building segments: RFC 9293 3.1 (header, MSS, checksum left partial), RFC 7323 (timestamps), RFC 9293 3.8.6 (window).
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// Bytes [seq, seq + data) of the send queue with these flags (ACK is added). data may exceed the MSS: a super-segment, or `whole`, a probe
// of the path's MTU.
// False when out of packets or buffers: nothing was sent, a timer will try again.
bool send_segment(Context& cx, Tcb& t, SeqNum seq, u32 data, u16 flags, bool whole = false) noexcept;

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void send_ack(Context& cx, Tcb& t) noexcept;
// The same with another sequence number: probes use SND.UNA - 1.
void send_ack_at(Context& cx, Tcb& t, SeqNum seq) noexcept;
// SYN or, in SYN-RECEIVED, SYN-ACK; also retransmitted.
void send_syn(Context& cx, Tcb& t) noexcept;
void send_syn_ack(Context& cx, HalfOpen& h) noexcept;
// <SEQ=SND.NXT><CTL=RST,ACK>: to abort.
void send_reset(Context& cx, Tcb& t) noexcept;
// The RST that RFC 9293 3.5.2 answers a segment with that no connection wants. Bounded (A59). Never to an RST.
void reply_reset(Context& cx, const Flow& flow, const Segment& seg) noexcept;
// A bare segment for a flow without a TCB: TIME-WAIT and half-open replies.
struct Bare {
  SeqNum seq{}, ack{};
  u16 flags = 0;
  u16 window = 0;
  bool has_ts = false;
  u32 ts_val = 0, ts_ecr = 0;
};
void send_bare(Context& cx, const Flow& flow, const Bare& b) noexcept;

// Payload bytes of a full-sized segment on the connection's path now (RFC 9293 3.7.1, MUST-16).
[[nodiscard]] u16 effective_mss(Context& cx, Tcb& t) noexcept;
// Sets snd_mss from it.
void update_mss(Context& cx, Tcb& t) noexcept;
// MSS to announce on the path (MUST-67): what fits the first link.
[[nodiscard]] u16 announced_mss(Context& cx, u32 destination, bool v4, u16 limit) noexcept;

// Window field for a segment sent now; moves the advertised right edge where it may move (receiver SWS avoidance).
[[nodiscard]] u16 advertise(Context& cx, Tcb& t) noexcept;
// How far the right edge would move if it were advertised now.
[[nodiscard]] u32 window_gain(const Context& cx, const Tcb& t) noexcept;
// The receive window at most: the buffer, or what option window_clamp leaves of it.
[[nodiscard]] u32 receive_limit(const Context& cx, const Tcb& t) noexcept;
// Sequence space that may be advertised beyond RCV.NXT.
[[nodiscard]] u32 receive_space(const Context& cx, const Tcb& t) noexcept;

// The connection's destination entry, looked up again when it went away.
[[nodiscard]] u32 destination(Context& cx, Tcb& t) noexcept;

}  // namespace weir::tcp
