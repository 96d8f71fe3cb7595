// RFC 9293 3.10.7.4: the eight steps for SYN-RECEIVED and every later state. First to fifth here; the rest in
// text_states.cpp. "edges" and the other names in comments are flags of deviations.hpp.
#include "tests/model/arrival.hpp"

namespace weir::model {
namespace {

// Before the first step ---------------------------------------------------------------------------------------------

// MAY-2, RFC 6191 2 (no timestamps on either side): the SYN must be above the last number seen, which is RCV.NXT-1.
Next reopen_time_wait(Arrival& a) {
  const bool plain_syn = a.seg.syn && !a.seg.rst && !a.seg.ack_flag && !a.seg.fin;
  const bool above = a.seg.seq > a.t.rcv_nxt - 1;
  if (a.t.state != State::time_wait || !a.cfg.dev.time_wait_reopen) return Next::step;
  if (!plain_syn || !above || !a.cfg.listening) return Next::step;
  signal(a, Event::reopen);
  arrives_listen(a);
  return Next::done;
}

// A SYN at IRS has been processed and lies before the window. The peer repeats it (resend_syn_ack), or it is the
// SYN,ACK of a simultaneous open or a self-connect (edges): then all but the SYN is still to be looked at.
Next syn_again_in_syn_received(Arrival& a) {
  if (a.t.state != State::syn_received || !a.seg.syn || a.seg.rst || a.seg.seq != a.t.irs) return Next::step;
  if (!a.seg.ack_flag && a.cfg.dev.resend_syn_ack) {
    send_syn_ack(a);
    return Next::done;
  }
  if (a.seg.ack_flag && a.cfg.dev.edges) {
    cut_syn(a);
    send_ack(a);
  }
  return Next::step;
}

// First, check sequence number --------------------------------------------------------------------------------------

// Table 6
bool acceptable(const Tcb& t, const Seg& seg) {
  const u32 len = seg_len(seg);
  if (len == 0 && t.rcv_wnd == 0) return seg.seq == t.rcv_nxt;
  if (len == 0 && t.rcv_wnd > 0) return in_window(t, seg.seq);
  if (len > 0 && t.rcv_wnd == 0) return false;
  return in_window(t, seg.seq) || in_window(t, seg.seq + (len - 1));
}

// The peer may have sent all of the window and one number more, a probe or a FIN: its pure ACKs then start there.
bool pure_ack_at_the_edge(const Tcb& t, const Seg& seg) {
  const SeqNum edge = t.rcv_nxt + t.rcv_wnd;
  return seg.ack_flag && !seg.rst && seg_len(seg) == 0 && (seg.seq == edge || seg.seq == edge + 1);
}

// Table 6 with RCV.NXT-1 for RCV.NXT (A.2), the same one or two numbers past the right edge, and RCV.NXT where the
// window is zero ("special allowance should be made to accept valid ACKs, URGs, and RSTs").
bool touches_the_window(const Tcb& t, const Seg& seg) {
  const SeqNum low = t.rcv_nxt - 1;
  const SeqNum high = t.rcv_nxt + t.rcv_wnd + 1;
  const auto near = [&](SeqNum s) { return low <= s && s <= high; };
  return near(seg.seq) || (seg_len(seg) > 0 && near(seg.seq + (seg_len(seg) - 1)));
}

bool ack_acceptable(const Arrival& a) {
  const Tcb& t = a.t;
  if (!a.seg.ack_flag) return false;
  if (t.state == State::syn_received) return t.snd_una < a.seg.ack && a.seg.ack <= t.snd_nxt;
  if (!a.cfg.dev.challenge_ack) return a.seg.ack <= t.snd_nxt;
  return t.snd_una - t.max_snd_wnd <= a.seg.ack && a.seg.ack <= t.snd_nxt;
}

void fifth_ack_by_state(Arrival& a);

bool repeats_the_fin(const Tcb& t, const Seg& seg) { return seg.fin && seg.seq + seg_len(seg) == t.rcv_nxt; }

// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply."
void answer_unacceptable(Arrival& a) {
  const bool takes_space = a.seg.len > 0 || a.seg.fin;
  const bool keep_alive_probe = a.seg.ack_flag && a.seg.seq == a.t.rcv_nxt - 1;  // RFC 9293 3.8.4
  if (!a.seg.syn && (takes_space || keep_alive_probe)) {
    send_ack(a);
  } else {
    send_challenge_ack(a);
  }
}

Next first_sequence(Arrival& a) {
  if (acceptable(a.t, a.seg)) return Next::step;
  if (a.seg.rst) {
    const bool exact_at_zero_window = a.t.rcv_wnd == 0 && a.seg.seq == a.t.rcv_nxt;  // MUST-66
    return exact_at_zero_window ? Next::step : Next::done;
  }
  if (a.cfg.dev.edges && pure_ack_at_the_edge(a.t, a.seg)) return Next::step;
  if (!a.seg.syn && ack_acceptable(a)) {
    if (a.t.state == State::time_wait && a.cfg.dev.time_wait_fin_only && repeats_the_fin(a.t, a.seg)) a.out.start_2msl = true;
    if (a.cfg.dev.edges && touches_the_window(a.t, a.seg)) {
      const bool at_zero_window = a.t.rcv_wnd == 0 && a.seg.seq == a.t.rcv_nxt;
      fifth_ack_by_state(a);
      if (a.t.state == State::closed) return Next::done;
      if (at_zero_window) sixth_urg(a);  // MUST-66
    }
  }
  answer_unacceptable(a);
  return Next::done;
}

// Second, check the RST bit -----------------------------------------------------------------------------------------

Next reset_connection(Arrival& a) {
  switch (a.t.state) {
    case State::syn_received:
      if (a.t.passive) {
        delete_tcb(a, Event::back_to_listen);
        a.t.state = State::listen;
      } else {
        delete_tcb(a, Event::refused);
      }
      break;
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait: delete_tcb(a, Event::reset); break;
    default: delete_tcb(a, Event::deleted); break;  // CLOSING, LAST-ACK, TIME-WAIT
  }
  return Next::done;
}

Next second_rst(Arrival& a) {
  if (!a.seg.rst) return Next::step;
  if (a.t.state == State::time_wait && a.cfg.dev.rfc1337) return Next::done;
  if (!a.cfg.dev.challenge_rst) return reset_connection(a);
  if (a.seg.seq == a.t.rcv_nxt) return reset_connection(a);
  if (in_window(a.t, a.seg.seq)) send_challenge_ack(a);
  return Next::done;  // outside: dropped, even if its text reaches into the window
}

// Third, check security: not used -----------------------------------------------------------------------------------

// Fourth, check the SYN bit -----------------------------------------------------------------------------------------

Next fourth_syn(Arrival& a) {
  if (!a.seg.syn) return Next::step;
  if (a.t.state == State::syn_received && a.t.passive) {
    delete_tcb(a, Event::back_to_listen);
    a.t.state = State::listen;
    return Next::done;
  }
  if (a.cfg.dev.challenge_syn) {
    send_challenge_ack(a);
    return Next::done;
  }
  send_reset(a);
  delete_tcb(a, Event::reset);
  return Next::done;
}

// Fifth, check the ACK field ----------------------------------------------------------------------------------------

bool our_fin_is_acknowledged(const Tcb& t) { return t.fin_sent && t.snd_una > t.fin_seq; }

void ack_as_in_established(Arrival& a) {
  Tcb& t = a.t;
  const Seg& seg = a.arrived;
  const bool is_new = t.snd_una < seg.ack && seg.ack <= t.snd_nxt;
  if (is_new) t.snd_una = seg.ack;
  if (t.snd_una <= seg.ack && seg.ack <= t.snd_nxt) {
    const SeqNum wl1 = t.snd_wl1;
    if (wl1 < seg.seq || (wl1 == seg.seq && t.snd_wl2 <= seg.ack)) {
      set_send_window(a);
    } else if (is_new && a.cfg.dev.window_of_new_ack) {
      set_send_window(a);
      t.snd_wl1 = wl1;
    }
  }
}

void ack_in_syn_received(Arrival& a) {
  a.t.state = State::established;
  signal(a, Event::established);
  set_send_window(a);
  ack_as_in_established(a);
}

void ack_in_fin_wait_1(Arrival& a) {
  ack_as_in_established(a);
  if (our_fin_is_acknowledged(a.t)) a.t.state = State::fin_wait_2;
}

void ack_in_closing(Arrival& a) {
  ack_as_in_established(a);
  if (!our_fin_is_acknowledged(a.t)) return;  // "otherwise, ignore the segment": the later steps do
  a.t.state = State::time_wait;
  a.out.start_2msl = true;
}

void ack_in_last_ack(Arrival& a) {
  ack_as_in_established(a);  // not in the text, but data may be in flight before our FIN
  if (our_fin_is_acknowledged(a.t)) delete_tcb(a, Event::closed);
}

void ack_in_time_wait(Arrival& a) {
  if (a.cfg.dev.time_wait_fin_only) return;
  send_ack(a);
  a.out.start_2msl = true;
}

// SEG.ACK is in the range that the state accepts.
void fifth_ack_by_state(Arrival& a) {
  switch (a.t.state) {
    case State::syn_received: return ack_in_syn_received(a);
    case State::fin_wait_1: return ack_in_fin_wait_1(a);
    case State::closing: return ack_in_closing(a);
    case State::last_ack: return ack_in_last_ack(a);
    case State::time_wait: return ack_in_time_wait(a);
    default: return ack_as_in_established(a);  // ESTABLISHED, FIN-WAIT-2, CLOSE-WAIT
  }
}

Next fifth_ack(Arrival& a) {
  if (!a.seg.ack_flag) return Next::done;
  if (a.t.state == State::syn_received) {
    if (!ack_acceptable(a)) {
      a.out.ack_due = AckDue::none;
      send_reset(a);
      return Next::done;
    }
  } else if (!ack_acceptable(a)) {
    a.cfg.dev.challenge_ack ? send_challenge_ack(a) : send_ack(a);
    return Next::done;
  }
  fifth_ack_by_state(a);
  return a.t.state == State::closed ? Next::done : Next::step;
}

}  // namespace

void arrives_other(Arrival& a) {
  if (reopen_time_wait(a) == Next::done) return;
  if (syn_again_in_syn_received(a) == Next::done) return;
  if (first_sequence(a) == Next::done) return;
  if (second_rst(a) == Next::done) return;
  if (fourth_syn(a) == Next::done) return;
  if (fifth_ack(a) == Next::done) return;
  from_sixth_step(a);
}

}  // namespace weir::model
