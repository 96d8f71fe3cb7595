// RFC 9293 3.10.7.4, sixth to eighth step: URG, text, FIN.
#include "tests/model/arrival.hpp"

namespace weir::model {

// Sixth, check the URG bit ------------------------------------------------------------------------------------------

void sixth_urg(Arrival& a) {
  switch (a.t.state) {
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2: break;
    default: return;  // the peer has sent its FIN: ignored
  }
  if (!a.seg.urg) return;
  const SeqNum seg_up = a.arrived.seq + a.arrived.up;  // MUST-62: the first octet that is not urgent
  const bool urgent_mode = a.t.rcv_up > a.t.read_nxt;
  if (seg_up > a.t.rcv_up) a.t.rcv_up = seg_up;
  if (a.t.rcv_up > a.t.read_nxt && !urgent_mode) signal(a, Event::urgent);
}

namespace {

// Seventh, process the segment text ---------------------------------------------------------------------------------

bool has_new_text(const Arrival& a) {
  for (u32 i = 0; i < a.seg.len; ++i)
    if (in_window(a.t, a.seg.seq + i)) return true;
  return false;
}

Next text_after_close(Arrival& a) {
  switch (a.t.state) {
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack: break;
    default: return Next::step;
  }
  if (!a.cfg.dev.reset_after_close || !a.t.user_closed || !has_new_text(a)) return Next::step;
  send_reset(a);
  delete_tcb(a, Event::aborted);
  return Next::done;
}

// RCV.NXT passes over one number; the right edge of the window stays where it is.
void advance(Tcb& t) {
  ++t.rcv_nxt;
  --t.rcv_wnd;
}

Next seventh_text(Arrival& a) {
  if (text_after_close(a) == Next::done) return Next::done;
  switch (a.t.state) {
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2: break;
    default: return Next::step;  // the peer has sent its FIN: ignored
  }
  const bool nothing_was_held = a.t.held.empty() && !a.t.held_fin;
  const bool any_new = hold(a);
  while (a.t.held.erase(a.t.rcv_nxt.raw) > 0) {
    advance(a.t);
    ++a.out.delivered_bytes;
  }
  if (a.seg.len == 0 && a.out.delivered_bytes == 0) return Next::step;
  // RFC 5681 4.2: at once for text out of order, repeated, or that fills a gap. Otherwise it may wait (SHLD-18).
  const bool in_order = any_new && nothing_was_held && a.t.held.empty();
  if (!in_order) {
    send_ack(a);
  } else if (a.out.ack_due == AckDue::none) {
    a.out.ack_due = AckDue::delayed_ok;
  }
  return Next::step;
}

// Eighth, check the FIN bit -----------------------------------------------------------------------------------------

void process_fin(Arrival& a) {
  signal(a, Event::peer_fin);
  a.t.held.clear();
  a.t.held_fin.reset();
  advance(a.t);
  send_ack(a);
  switch (a.t.state) {
    case State::established: a.t.state = State::close_wait; break;
    case State::fin_wait_1: a.t.state = State::closing; break;  // our FIN acknowledged: it is FIN-WAIT-2 since step five
    case State::fin_wait_2:
      a.t.state = State::time_wait;
      a.out.start_2msl = true;
      break;
    default: break;
  }
}

// CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT: a second FIN. It is acknowledged, but RCV.NXT has passed the only one.
void second_fin(Arrival& a) {
  if (!a.seg.fin || !in_window(a.t, a.seg.seq + a.seg.len)) return;
  send_ack(a);
  if (a.t.state == State::time_wait) a.out.start_2msl = true;
}

void eighth_fin(Arrival& a) {
  switch (a.t.state) {
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
      if (a.t.held_fin && *a.t.held_fin == a.t.rcv_nxt) return process_fin(a);
      if (a.seg.fin && in_window(a.t, a.seg.seq + a.seg.len)) send_ack(a);  // held: SHLD-31
      return;
    case State::close_wait:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return second_fin(a);
    default: return;
  }
}

}  // namespace

void from_sixth_step(Arrival& a) {
  sixth_urg(a);
  if (seventh_text(a) == Next::done) return;
  eighth_fin(a);
}

}  // namespace weir::model
