// RFC 9293 3.10.7.4: SEGMENT ARRIVES in the synchronized states, with RFC 5961 (challenge ACKs) and RFC 7323 (PAWS).
#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/window.hpp"

namespace weir::tcp {
namespace {

bool rst(const Segment& seg) noexcept { return seg.any(TcpFlags::rst); }

// First: sequence number. PAWS goes before the window test, and an RST is exempt from it (RFC 7323 5.3 R1).
Verdict step1_sequence(Context& cx, Tcb& t, const Segment& seg) noexcept {
  //= rfc7323#3.2 MUST-8
  //= rfc7323#5.3 MUST-12
  if (t.has(HotFlags::timestamps) && !rst(seg)) {
    //= rfc7323#3.2 SHLD-1
    if (!seg.has_ts) {  // RFC 7323 3.2: once negotiated, on every segment
      cx.why = Drop::tcp_no_timestamp;
      return Verdict::drop;
    }
    //= rfc7323#5.3 MUST-11
    if (paws_rejects(cx, t, seg)) {
      cx.count(t, Tcp::paws_rejected);
      cx.why = Drop::tcp_paws;
      return Verdict::drop_and_ack;
    }
  }
  const ReceiveWindow w{t.rcv_nxt, t.rcv_wnd()};
  if (w.acceptable(seg)) return Verdict::next_step;
  cx.why = Drop::tcp_bad_seq;
  const bool at_zero_window = w.wnd == 0 && seg.seq == w.nxt;  //= rfc9293#3.4 MUST-66
  //= rfc5961#3.2 MUST-1
  if (rst(seg)) return at_zero_window ? Verdict::next_step : Verdict::drop;
  if (w.pure_ack_at_edge(seg)) return Verdict::next_step;
  if (!seg.any(TcpFlags::syn) && w.touched_by(seg) && ack_acceptable(t, seg)) {
    if (process_ack(cx, t, seg) == Verdict::done && t.state == State::closed) return Verdict::done;
    if (at_zero_window) step6_urgent(cx, t, seg);
  }
  return Verdict::drop_and_ack;
}

// What the user is told. In CLOSE-WAIT the peer has refused what was sent after its close: a broken pipe, as the write
// that fails. In CLOSING and LAST-ACK the RFC tells nobody; but what was sent last may be lost, and who still holds the
// socket wants to know.
Errc reset_error(State s) noexcept {
  switch (s) {
    case State::syn_received: return Errc::conn_refused;
    case State::close_wait: return Errc::broken_pipe;
    default: return Errc::conn_reset;
  }
}

// Second: RST. RFC 5961 3.2: only exactly RCV.NXT resets; elsewhere in the window it is challenged.
Verdict step2_reset(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!rst(seg)) return Verdict::next_step;
  //= rfc5961#3.2 MUST-2
  if (seg.seq != t.rcv_nxt) {
    //= rfc5961#3.2 MUST-3
    if (ReceiveWindow{t.rcv_nxt, t.rcv_wnd()}.holds(seg.seq)) challenge(cx, t);
    cx.why = Drop::tcp_rst_ignored;
    return Verdict::drop;
  }
  const bool opening = t.state == State::syn_received;
  const bool closing = t.state == State::closing || t.state == State::last_ack;
  if (!closing) cx.count(t, opening ? Tcp::attempt_fails : Tcp::estab_resets);
  //= rfc9293#3.5 MUST-11
  //= rfc9293#3.5.3 SHLD-2
  //= rfc9293#3.6 MUST-12
  fast_open::reset(cx, t);
  const bool accepted = (t.fast_open & FastOpenFlags::child) != 0;  // the user has it already
  finish_connection(cx, t, accepted ? Errc::conn_reset : reset_error(t.state));
  return Verdict::done;
}

// Fourth: SYN. RFC 5961 4.2: never resets a synchronized connection.
Verdict step4_syn(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::syn)) return Verdict::next_step;
  //= rfc5961#4.2 MUST-4
  challenge(cx, t);
  cx.why = Drop::tcp_bad_flags;
  return Verdict::drop;
}

void answer_unacceptable(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (seg.data != 0 && seg.seq < t.rcv_nxt) note_duplicate(cx, t, seg.seq, seq_min(seg.seq + seg.data, t.rcv_nxt));
  if (answer_always({t.rcv_nxt, t.rcv_wnd()}, seg, ack_acceptable(t, seg))) return send_ack(cx, t);
  challenge(cx, t);
}

// In SYN-RECEIVED the peer's SYN lies before the window. Alone, it is repeated, and so is our SYN-ACK; with an ACK it is
// the SYN-ACK of a simultaneous open: all but the SYN is still to be looked at.
bool syn_again(Context& cx, Tcb& t, Segment& seg) noexcept {
  if (t.state != State::syn_received || !seg.any(TcpFlags::syn) || rst(seg) || seg.seq != t.irs) return false;
  if (!seg.any(TcpFlags::ack)) {
    send_syn(cx, t);
    return true;
  }
  seg.cut_syn();
  t.set(HotFlags::ack_now);
  return false;
}

Verdict process(Context& cx, Tcb& t, Segment& seg) noexcept {
  if (syn_again(cx, t, seg)) {
    cx.why = Drop::tcp_duplicate;
    return Verdict::drop;
  }
  Verdict v = step1_sequence(cx, t, seg);
  if (v == Verdict::next_step) v = step2_reset(cx, t, seg);
  if (v == Verdict::next_step) v = step4_syn(cx, t, seg);  // third, security: not used
  if (v == Verdict::next_step) v = step5_ack(cx, t, seg);
  if (v == Verdict::next_step) {
    step6_urgent(cx, t, seg);  //= rfc9293#3.8.5 MUST-30
    v = step7_text(cx, t, seg);
  }
  if (v == Verdict::next_step) {
    step8_fin(cx, t, seg);
    v = Verdict::done;
  }
  return v;
}

}  // namespace

bool paws_rejects(const Context& cx, const Tcb& t, const Segment& seg) noexcept {
  if (static_cast<i32>(seg.ts_val - t.ts_recent) >= 0) return false;
  constexpr u32 idle_ms = 24u * 24 * 3600 * 1000;  // RFC 7323 5.5: 24 days make TS.Recent worthless
  //= rfc7323#5.5 SHLD-3
  return cx.now_ms - t.last_rx_ms < idle_ms;
}

void update_ts_recent(Context&, Tcb& t, const Segment& seg) noexcept {
  if (!seg.has_ts || !t.has(HotFlags::timestamps)) return;
  if (seg.seq <= t.last_ack_sent && static_cast<i32>(seg.ts_val - t.ts_recent) >= 0) t.ts_recent = seg.ts_val;
  else if (seg.seq <= t.last_ack_sent && seg.seq + seg.len >= t.last_ack_sent) t.ts_recent = seg.ts_val;  // after 24 days
}

bool may_challenge(u32 now_ms, u32& last_ms) noexcept {
  constexpr u32 interval_ms = 500;
  //= rfc5961#7 SHLD-1
  if (last_ms != 0 && now_ms - last_ms < interval_ms) return false;
  last_ms = now_ms;
  return true;
}

void challenge(Context& cx, Tcb& t) noexcept {
  if (!may_challenge(cx.now_ms, t.last_challenge_ms)) return cx.count(t, Tcp::challenge_limited);
  cx.count(t, Tcp::challenge_acks);
  send_ack(cx, t);
}

void drop_segment(Context& cx, Segment& seg, Drop why) noexcept {
  if (seg.packet == buf::PacketId::none) return;
  cx.env.drop(seg.packet, why);
  seg.packet = buf::PacketId::none;
}

void arrives_synchronized(Context& cx, Tcb& t, Segment& seg) noexcept {
  const Verdict v = process(cx, t, seg);
  if (v == Verdict::drop_and_ack && t.state != State::closed) answer_unacceptable(cx, t, seg);
  if (v == Verdict::drop || v == Verdict::drop_and_ack) {
    drop_segment(cx, seg, cx.why);
  } else {
    t.last_rx_ms = cx.now_ms;
  }
  if (seg.packet != buf::PacketId::none) cx.env.pool.release(seg.packet);
  seg.packet = buf::PacketId::none;
}

}  // namespace weir::tcp
