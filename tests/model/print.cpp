// Names and one-line prints of the model, in the notation of the RFC.
#include "tests/model/tcp_model.hpp"

#include <sstream>

namespace weir::model {
namespace {

std::string flags(const Seg& seg) {
  std::ostringstream s;
  const char* comma = "";
  const auto add = [&](bool on, const char* text) {
    if (!on) return;
    s << comma << text;
    comma = ",";
  };
  add(seg.rst, "RST");
  add(seg.syn, "SYN");
  add(seg.fin, "FIN");
  add(seg.ack_flag, "ACK");
  add(seg.psh, "PSH");
  add(seg.urg, "URG");
  add(seg.ece, "ECE");
  add(seg.cwr, "CWR");
  add(seg.ae, "AE");
  return s.str();
}

}  // namespace

std::string_view name(State s) noexcept {
  switch (s) {
    case State::closed: return "CLOSED";
    case State::listen: return "LISTEN";
    case State::syn_sent: return "SYN-SENT";
    case State::syn_received: return "SYN-RECEIVED";
    case State::established: return "ESTABLISHED";
    case State::fin_wait_1: return "FIN-WAIT-1";
    case State::fin_wait_2: return "FIN-WAIT-2";
    case State::close_wait: return "CLOSE-WAIT";
    case State::closing: return "CLOSING";
    case State::last_ack: return "LAST-ACK";
    case State::time_wait: return "TIME-WAIT";
  }
  return "?";
}

std::string_view name(Event e) noexcept {
  switch (e) {
    case Event::established: return "established";
    case Event::refused: return "refused";
    case Event::reset: return "reset";
    case Event::aborted: return "aborted";
    case Event::peer_fin: return "peer_fin";
    case Event::urgent: return "urgent";
    case Event::closed: return "closed";
    case Event::deleted: return "deleted";
    case Event::back_to_listen: return "back_to_listen";
    case Event::reopen: return "reopen";
  }
  return "?";
}

std::string print(const Seg& seg) {
  std::ostringstream s;
  s << "<SEQ=" << seg.seq.raw << ">";
  if (seg.ack_flag) s << "<ACK=" << seg.ack.raw << ">";
  if (seg.len > 0) s << "<LEN=" << seg.len << ">";
  if (seg.urg) s << "<UP=" << seg.up << ">";
  s << "<CTL=" << flags(seg) << ">";
  return s.str();
}

std::string print(const Tcb& t) {
  std::ostringstream s;
  s << name(t.state) << (t.passive ? " passive" : "") << (t.user_closed ? " user-closed" : "");
  s << " iss=" << t.iss.raw << " una=" << t.snd_una.raw << " nxt=" << t.snd_nxt.raw;
  s << " wnd=" << t.snd_wnd << " max=" << t.max_snd_wnd << " wl1=" << t.snd_wl1.raw << " wl2=" << t.snd_wl2.raw;
  if (t.fin_sent) s << " fin=" << t.fin_seq.raw;
  s << " irs=" << t.irs.raw << " rcv.nxt=" << t.rcv_nxt.raw << " rcv.wnd=" << t.rcv_wnd << " rcv.up=" << t.rcv_up.raw;
  if (!t.held.empty()) s << " held=" << t.held.size();
  if (t.held_fin) s << " held.fin=" << t.held_fin->raw;
  return s.str();
}

std::string print(const Outcome& o) {
  const Tcb& t = o.after;
  std::ostringstream s;
  s << name(t.state);
  if (t.state != State::closed && t.state != State::listen) s << " una=" << t.snd_una.raw;
  if (t.state > State::syn_sent) s << " nxt=" << t.rcv_nxt.raw;
  if (o.ack_due == AckDue::delayed_ok) s << " delayed";
  for (const Seg& r : o.replies) s << " " << print(r);
  for (const Event e : o.events) s << " " << name(e);
  if (o.delivered_bytes > 0) s << " delivered=" << o.delivered_bytes;
  if (o.start_2msl) s << " 2msl";
  if (o.throttled) s << " throttled";
  return s.str();
}

}  // namespace weir::model
