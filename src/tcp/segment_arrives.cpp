// RFC 9293 3.10.7.4: SEGMENT ARRIVES in the synchronized states, with RFC 5961 (challenge ACKs) and RFC 7323 (PAWS).
#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"

namespace weir::tcp {
namespace {

bool rst(const Segment& seg) noexcept { return seg.any(TcpFlags::rst); }

// First: sequence number. PAWS goes before the window test, and an RST is exempt from it (RFC 7323 5.3 R1).
Verdict step1_sequence(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (t.has(HotFlags::timestamps) && !rst(seg)) {
    if (!seg.has_ts) {  // RFC 7323 3.2: once negotiated, on every segment
      cx.why = Drop::tcp_no_timestamp;
      return Verdict::drop;
    }
    if (paws_rejects(cx, t, seg)) {
      cx.count(t, Tcp::paws_rejected);
      cx.why = Drop::tcp_paws;
      return Verdict::drop_and_ack;
    }
  }
  if (acceptable(t, seg)) return Verdict::next_step;
  cx.why = Drop::tcp_bad_seq;
  // A segment that begins at RCV.NXT, when the window is closed: its RST, ACK and URG count (MUST-66), its text does not.
  if (seg.seq == t.rcv_nxt && t.rcv_wnd() == 0 && !rst(seg)) return Verdict::next_step;
  return rst(seg) ? Verdict::drop : Verdict::drop_and_ack;
}

// Second: RST. RFC 5961 3.2: only exactly RCV.NXT resets; elsewhere in the window it is challenged.
Verdict step2_reset(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!rst(seg)) return Verdict::next_step;
  if (seg.seq != t.rcv_nxt) {
    challenge(cx, t);
    cx.why = Drop::tcp_rst_ignored;
    return Verdict::drop;
  }
  const bool opening = t.state == State::syn_received;
  const bool closing = t.state == State::closing || t.state == State::last_ack;
  if (!closing) cx.count(t, opening ? Tcp::attempt_fails : Tcp::estab_resets);
  //= rfc9293#3.5.3 MUST-11
  //= rfc9293#3.6 MUST-12
  finish_connection(cx, t, closing ? Errc::would_block : opening ? Errc::conn_refused : Errc::conn_reset);
  return Verdict::done;
}

// Fourth: SYN. RFC 5961 4.2: never resets a synchronized connection. In SYN-RECEIVED (simultaneous open) the peer's SYN,
// seen again, gets our SYN-ACK again.
Verdict step4_syn(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::syn)) return Verdict::next_step;
  challenge(cx, t);
  cx.why = Drop::tcp_bad_flags;
  return Verdict::drop;
}

// A reply to what lies outside the window. Data, SYN and FIN are answered (the peer must resynchronise); a bare ACK only
// as often as a challenge, unless it is a keepalive probe: two ends out of step must not answer each other for ever (A58).
void answer_unacceptable(Context& cx, Tcb& t, const Segment& seg) noexcept {
  const bool probe = seg.seq + 1 == t.rcv_nxt;
  if (seg.any(TcpFlags::syn)) {
    if (t.state == State::syn_received && seg.seq == t.irs && !seg.any(TcpFlags::ack)) return send_syn(cx, t);
    return challenge(cx, t);
  }
  if (seg.len != 0 || probe) return send_ack(cx, t);
  if (may_challenge(cx.now_ms, t.last_challenge_ms)) send_ack(cx, t);
  else cx.count(t, Tcp::challenge_limited);
}

Verdict process(Context& cx, Tcb& t, Segment& seg) noexcept {
  Verdict v = step1_sequence(cx, t, seg);
  if (v == Verdict::next_step) v = step2_reset(cx, t, seg);
  if (v == Verdict::next_step) v = step4_syn(cx, t, seg);  // third, security: not used
  if (v == Verdict::next_step) {
    update_ts_recent(cx, t, seg);
    v = step5_ack(cx, t, seg);
  }
  if (v == Verdict::next_step) {
    step6_urgent(cx, t, seg);
    v = step7_text(cx, t, seg);
  }
  if (v == Verdict::next_step) {
    step8_fin(cx, t, seg);
    v = Verdict::done;
  }
  return v;
}

}  // namespace

// RFC 9293 table 6.
bool acceptable(const Tcb& t, const Segment& seg) noexcept {
  const u32 wnd = t.rcv_wnd();
  if (wnd == 0) return seg.len == 0 && seg.seq == t.rcv_nxt;
  const auto inside = [&](SeqNum s) { return seq_in(s, t.rcv_nxt, t.rcv_nxt + wnd); };
  return inside(seg.seq) || (seg.len > 0 && inside(seg.seq + (seg.len - 1))) ||
         // Longer than the window on both sides: its middle is in it.
         (seg.len > wnd && seg.seq < t.rcv_nxt && seg.end() > t.rcv_nxt + wnd);
}

bool paws_rejects(const Context& cx, const Tcb& t, const Segment& seg) noexcept {
  if (static_cast<i32>(seg.ts_val - t.ts_recent) >= 0) return false;
  constexpr u32 idle_ms = 24u * 24 * 3600 * 1000;  // RFC 7323 5.5: 24 days make TS.Recent worthless
  return cx.now_ms - t.last_rx_ms < idle_ms;
}

void update_ts_recent(Context&, Tcb& t, const Segment& seg) noexcept {
  if (!seg.has_ts || !t.has(HotFlags::timestamps)) return;
  if (seg.seq <= t.last_ack_sent && static_cast<i32>(seg.ts_val - t.ts_recent) >= 0) t.ts_recent = seg.ts_val;
  else if (seg.seq <= t.last_ack_sent && seg.seq + seg.len >= t.last_ack_sent) t.ts_recent = seg.ts_val;  // after 24 days
}

bool may_challenge(u32 now_ms, u32& last_ms) noexcept {
  constexpr u32 interval_ms = 500;
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
