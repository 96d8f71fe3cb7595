// Entry of the model and what its steps have in common.
#include "tests/model/arrival.hpp"

namespace weir::model {

u32 seg_len(const Seg& seg) noexcept { return seg.len + (seg.syn ? 1u : 0u) + (seg.fin ? 1u : 0u); }

bool in_window(const Tcb& t, SeqNum s) noexcept { return t.rcv_nxt <= s && s < t.rcv_nxt + t.rcv_wnd; }

Seg ack_of(const Tcb& t) { return {.seq = t.snd_nxt, .ack = t.rcv_nxt, .wnd = t.rcv_wnd, .ack_flag = true}; }

void send_ack(Arrival& a) { a.out.ack_due = AckDue::now; }

void send_challenge_ack(Arrival& a) {
  const auto& last = a.t.last_challenge;
  if (a.cfg.dev.throttle && last && a.now - *last < a.cfg.challenge_interval) {
    a.out.throttled = true;
    return;
  }
  a.t.last_challenge = a.now;
  send_ack(a);
}

void send_syn_ack(Arrival& a) {
  a.out.replies.push_back({.seq = a.t.iss, .ack = a.t.rcv_nxt, .wnd = a.t.rcv_wnd, .syn = true, .ack_flag = true});
}

void send_reset(Arrival& a) {
  const Seg& seg = a.arrived;
  if (seg.ack_flag) {
    a.out.replies.push_back({.seq = seg.ack, .rst = true});
  } else {
    a.out.replies.push_back({.seq = {0}, .ack = seg.seq + seg_len(seg), .rst = true, .ack_flag = true});
  }
}

void signal(Arrival& a, Event e) { a.out.events.push_back(e); }

void delete_tcb(Arrival& a, Event e) {
  a.t = {};
  a.out.ack_due = AckDue::none;
  signal(a, e);
}

void cut_syn(Arrival& a) {
  a.seg.syn = false;
  ++a.seg.seq;
}

void set_send_window(Arrival& a) {
  a.t.snd_wnd = a.arrived.wnd;
  a.t.snd_wl1 = a.arrived.seq;
  // Without ACK there is no SEG.ACK to take; what is acknowledged then is our ISS and nothing more.
  a.t.snd_wl2 = a.arrived.ack_flag ? a.arrived.ack : a.t.iss;
  if (a.t.max_snd_wnd < a.t.snd_wnd) a.t.max_snd_wnd = a.t.snd_wnd;
}

bool hold(Arrival& a) {
  bool any_new = false;
  for (u32 i = 0; i < a.seg.len; ++i) {
    const SeqNum octet = a.seg.seq + i;
    const bool after_fin = a.t.held_fin && octet >= *a.t.held_fin;
    if (in_window(a.t, octet) && !after_fin && a.t.held.insert(octet.raw).second) any_new = true;
  }
  const SeqNum fin = a.seg.seq + a.seg.len;
  if (a.seg.fin && in_window(a.t, fin) && !a.t.held_fin) {
    a.t.held_fin = fin;
    std::erase_if(a.t.held, [fin](u32 octet) { return SeqNum{octet} >= fin; });  // nothing follows a FIN
  }
  return any_new;
}

Outcome arrives(const Tcb& tcb, const Seg& seg, Instant now, const Config& cfg) {
  Arrival a{.t = tcb, .arrived = seg, .seg = seg, .now = now, .cfg = cfg, .out = {}};
  switch (tcb.state) {
    case State::closed: arrives_closed(a); break;
    case State::listen: arrives_listen(a); break;
    case State::syn_sent: arrives_syn_sent(a); break;
    default: arrives_other(a); break;
  }
  if (a.out.ack_due == AckDue::now) a.out.replies.push_back(ack_of(a.t));
  a.out.after = a.t;
  return a.out;
}

}  // namespace weir::model
