// RFC 9293 3.10.7.1 CLOSED, 3.10.7.2 LISTEN, 3.10.7.3 SYN-SENT. Security and compartment are not used.
#include "tests/model/arrival.hpp"

namespace weir::model {

// 3.10.7.1 ----------------------------------------------------------------------------------------------------------

void arrives_closed(Arrival& a) {
  if (a.seg.rst) return;
  send_reset(a);
}

// 3.10.7.2 ----------------------------------------------------------------------------------------------------------

namespace {

Next listen_first_rst(Arrival& a) { return a.seg.rst ? Next::done : Next::step; }

Next listen_second_ack(Arrival& a) {
  if (!a.seg.ack_flag) return Next::step;
  send_reset(a);
  return Next::done;
}

Next listen_third_syn(Arrival& a) {
  if (!a.seg.syn) return Next::step;
  if (a.seg.fin && a.cfg.dev.drop_syn_fin) return Next::done;
  a.t = {};
  a.t.state = State::syn_received;
  a.t.passive = true;
  a.t.rcv_wnd = a.cfg.listen_rcv_wnd;
  a.t.irs = a.seg.seq;
  a.t.rcv_nxt = a.t.rcv_up = a.t.read_nxt = a.seg.seq + 1;
  a.t.iss = a.cfg.next_iss;
  a.t.snd_una = a.t.iss;
  a.t.snd_nxt = a.t.iss + 1;
  set_send_window(a);  // the text leaves it to the ACK that follows; MAX.SND.WND needs it
  cut_syn(a);
  if (!a.cfg.dev.drop_syn_text) hold(a);
  send_syn_ack(a);
  return Next::done;
}

}  // namespace

void arrives_listen(Arrival& a) {
  if (listen_first_rst(a) == Next::done) return;
  if (listen_second_ack(a) == Next::done) return;
  if (listen_third_syn(a) == Next::done) return;
  // Fourth, other data or control: dropped.
}

// 3.10.7.3 ----------------------------------------------------------------------------------------------------------

namespace {

Next syn_sent_first_ack(Arrival& a) {
  if (!a.seg.ack_flag) return Next::step;
  if (a.seg.ack <= a.t.iss || a.seg.ack > a.t.snd_nxt) {
    if (!a.seg.rst) send_reset(a);
    return Next::done;
  }
  return Next::step;  // SND.UNA < SEG.ACK =< SND.NXT: acceptable
}

Next syn_sent_second_rst(Arrival& a) {
  if (!a.seg.rst) return Next::step;
  // RFC 5961 3.2: there is no RCV.NXT to match yet; that the ACK is acceptable is the proof.
  if (a.seg.ack_flag) delete_tcb(a, a.cfg.dev.refused_in_syn_sent ? Event::refused : Event::reset);
  return Next::done;
}

Next syn_sent_fourth_syn(Arrival& a) {
  if (!a.seg.syn) return Next::step;
  a.t.irs = a.seg.seq;
  a.t.rcv_nxt = a.t.rcv_up = a.t.read_nxt = a.seg.seq + 1;
  if (a.seg.ack_flag) a.t.snd_una = a.seg.ack;
  set_send_window(a);  // RFC 1122 4.2.2.20: also on the way to ESTABLISHED, where the text forgets it
  cut_syn(a);
  if (a.t.snd_una > a.t.iss) {
    a.t.state = State::established;
    signal(a, Event::established);
    from_sixth_step(a);  // "if there are other controls or text in the segment"
    send_ack(a);         // one ACK for the SYN and the text: MUST-58
  } else {
    a.t.state = State::syn_received;
    if (!a.cfg.dev.drop_syn_text) hold(a);
    send_syn_ack(a);
  }
  return Next::done;
}

}  // namespace

void arrives_syn_sent(Arrival& a) {
  if (syn_sent_first_ack(a) == Next::done) return;
  if (syn_sent_second_rst(a) == Next::done) return;
  // Third, security: not used.
  if (syn_sent_fourth_syn(a) == Next::done) return;
  // Fifth, neither SYN nor RST: dropped.
}

}  // namespace weir::model
