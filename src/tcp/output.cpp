// tcp/output.hpp
#include "tcp/output.hpp"

#include "tcp/cc/apply.hpp"
#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/mtu_probe.hpp"
#include "tcp/pacing.hpp"
#include "tcp/recovery/rack.hpp"
#include "tcp/recovery/rate.hpp"
#include "tcp/recovery/recovery.hpp"
#include "tcp/recovery/tlp.hpp"
#include "tcp/recovery/undo.hpp"
#include "tcp/rtt.hpp"
#include "tcp/trace_hooks.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

bool sending_state(const Tcb& t) noexcept {
  switch (t.state) {
    case State::established:
    case State::close_wait:
    case State::fin_wait_1:
    case State::closing:
    case State::last_ack: return true;
    case State::syn_received: return (t.fast_open & FastOpenFlags::child) != 0;  // RFC 7413 4.2.2
    default: return false;
  }
}

// A FIN goes with the last byte, and needs a place in the window of its own.
bool fin_fits(const Tcb& t, SeqNum seq, u32 data, u32 window) noexcept {
  return t.synchronized() && t.has(HotFlags::fin_queued) && seq + data == t.fin_seq() && data + 1 <= window;
}

// May the last, less than full segment go now? RFC 9293 3.7.4 with Minshall's refinement (only an unacknowledged small
// segment holds the next one back), 3.8.6.2.1 (half of the largest window ever offered).
bool small_may_go(const Tcb& t, u32 n, bool all) noexcept {
  if (t.max_snd_wnd != 0 && n >= t.max_snd_wnd / 2) return true;  //= rfc9293#3.8.6.2.1 MUST-38
  if (!all) return false;
  if (t.has(HotFlags::fin_queued)) return true;
  if (t.is(ColdFlags::cork | ColdFlags::more)) return false;
  if (t.has(HotFlags::no_delay)) return true;  //= rfc9293#3.7.4 MUST-17
  return t.snd_sml <= t.snd_una || t.flight() == 0;  //= rfc9293#3.7.4 SHLD-7
}

// How many of `ready` bytes to send as one (super-)segment when the windows admit `window`.
u32 piece(Context& cx, const Tcb& t, const Sender& s, u32 ready, u32 window, bool window_is_peers) noexcept {
  const u32 mss = t.snd_mss;
  const u32 most = pacing::quantum(cx, t, s, std::max<u32>(mss, cx.limits.gso_bytes / mss * mss));
  const u32 n = std::min({ready, window, most});
  const u32 full = n / mss * mss;
  if (n == full) return n;
  const bool all = n == ready;
  if (all ? small_may_go(t, n - full, true) : (window_is_peers && small_may_go(t, n - full, false))) return n;
  return full;  //= rfc9293#3.9.1.2 SHLD-28
}

// A segment of new data, or the FIN, has been sent. `flight`: in flight before it.
void note_sent(Context& cx, Tcb& t, Sender& s, u32 data, bool fin, u16 mss) noexcept {
  const SeqNum seq = t.snd_nxt;
  const u32 flight = in_flight(t, s);
  if (t.flight() == 0) t.progress_ms = cx.now_ms, s.rto_from_us = cx.now_us();
  if (data != 0 && data % mss != 0) t.snd_sml = seq + data;
  t.max_sent = std::max<u16>(t.max_sent, static_cast<u16>(std::min<u32>(data, mss)));
  if (!t.is(ColdFlags::timing)) {  // RFC 6298 3: time one segment at a time
    t.mark(ColdFlags::timing);
    t.rtt_seq = seq + std::max<u32>(data, 1);
    t.rtt_start_us = cx.now_us();
  }
  Sent r{.start = seq, .len = data + (fin ? 1u : 0u), .mss = mss};
  recovery::note_sent(cx, s, r, flight);
  if (!s.board.sent(cx.sent, r) && !s.board.empty()) s.board.list().back(cx.sent).len += r.len;  // no memory: known as one
  s.tlp.from_us = cx.now_us();
  if (t.path == Path::recovery || t.path == Path::cwr) s.prr.out += r.len;
  cc::sent(cx, t, s, r.len, flight);
  pacing::on_sent(cx, t, s, r.len);
  t.snd_nxt += r.len;
  if (fin) t.set(HotFlags::fin_sent);
}

// Records must not take more memory than the data that they are of.
bool too_many_records(const Tcb& t, const Sender& s) noexcept {
  return s.board.records() > 64 && s.board.records() * sizeof(Sent) > t.snd_buf;
}

// How much cwnd lets out now. With nothing in flight one segment may always go.
u32 congestion_room(const Tcb& t, const Sender& s) noexcept {
  const u32 flight = in_flight(t, s);
  const u32 room = t.cwnd > flight ? t.cwnd - flight : 0;
  return flight == 0 ? std::max<u32>(room, t.snd_mss) : room;
}

// A probe of the path's MTU, where one is due (RFC 4821 7.4). False: the window must open further for it, what is ordinary waits.
bool send_mtu_probe(Context& cx, Tcb& t, Sender& s) noexcept {
  const u32 n = mtu_probe::due(cx, t, s);
  if (n == 0) return true;
  if (congestion_room(t, s) < n || t.snd_wnd < t.flight() + n || !pacing::may_send(cx, t, s)) return false;
  if (!send_segment(cx, t, t.snd_nxt, n, 0, true)) return false;
  note_sent(cx, t, s, n, false, static_cast<u16>(n));
  mtu_probe::on_sent(cx, t, s, n);
  return true;
}

bool send_new_segment(Context& cx, Tcb& t, Sender& s, u32 n, bool fin) noexcept {
  u16 flags = 0;
  if (n == t.unsent() && n != 0) flags |= TcpFlags::psh;  //= rfc9293#3.9.1.2 MUST-61, SHLD-27
  if (fin) flags |= TcpFlags::fin;
  if (!send_segment(cx, t, t.snd_nxt, n, flags)) return false;
  if (t.path == Path::disorder) cx.count(t, Tcp::limited_transmits);
  note_sent(cx, t, s, n, fin, t.snd_mss);
  return true;
}

// New data and FIN.
void send_new(Context& cx, Tcb& t, Sender& s) noexcept {
  if (s.probe.on && !send_mtu_probe(cx, t, s)) return;
  for (;;) {
    const u32 flight = t.flight();
    //= rfc3042#2 MUST-1
    //= rfc5681#3 MUST-1
    const u32 peer = t.snd_wnd > flight ? t.snd_wnd - flight : 0;  //= rfc9293#3.8.6 MUST-34, SHLD-15
    //= rfc5681#3 MUST-1
    //= rfc3042#2 MUST-2, MUST-3
    const u32 cwnd = congestion_room(t, s);  // what duplicates and SACKs tell of is no longer in flight: it makes room
    const u32 ready = t.unsent();
    const u32 n = ready != 0 ? piece(cx, t, s, ready, std::min(peer, cwnd), peer <= cwnd) : 0;
    const bool fin = !t.has(HotFlags::fin_sent) && fin_fits(t, t.snd_nxt, n, peer);
    if (n == 0 && !(fin && ready == 0)) {
      if (ready == 0 && s.board.missing() == 0) rate::app_limited(s, in_flight(t, s));
      return;
    }
    if (too_many_records(t, s) || !pacing::may_send(cx, t, s) || !send_new_segment(cx, t, s, n, fin)) return;
    if (fin) return;
  }
}

// Of a segment that is sent again.
u16 last_flags(bool fin, u32 data) noexcept {
  if (!fin) return 0;
  return data != 0 ? TcpFlags::fin | TcpFlags::psh : TcpFlags::fin;
}

// Sends what is missing again, as far as cwnd lets it.
void send_missing(Context& cx, Tcb& t, Sender& s) noexcept {
  Scoreboard::Range gap;
  while (s.board.next_missing(cx.sent, gap)) {
    if (gap.start - t.snd_una >= std::max<u32>(t.snd_wnd, t.snd_mss)) break;  //= rfc9293#3.8.6 SHLD-16
    const u32 mss = t.snd_mss, flight = in_flight(t, s);
    const u32 room = t.cwnd > flight ? t.cwnd - flight : 0;
    if (room < std::min(mss, gap.len) && flight != 0) break;
    u32 n = std::min({gap.len, std::max(room, mss), pacing::quantum(cx, t, s, std::max(mss, cx.limits.gso_bytes / mss * mss))});
    if (n > mss && n < gap.len) n = n / mss * mss;
    if (!pacing::may_send(cx, t, s) || !send_again(cx, t, s, gap.start, n)) break;
  }
}

u32 rto_us(const Context& cx, const Tcb& t) noexcept { return static_cast<u32>(current_rto(cx, t).us()); }

// Time left of what began at `from`, at least none.
u32 left_us(const Context& cx, u32 from_us, u32 time_us) noexcept {
  const u32 passed = cx.now_us() - from_us;
  return passed < time_us ? time_us - passed : 0;
}

// Which of the three runs while something is in flight (RFC 8985 6.2, 7.2): what comes first.
Timer wanted_in_flight(const Context& cx, const Tcb& t, const Sender* s) noexcept {
  if (s == nullptr || !t.synchronized()) return Timer::retransmit;
  if (s->rack.waits) return Timer::reorder;
  if (!tlp::wanted(cx, t, *s)) return Timer::retransmit;
  //= rfc8985#7.2 SHLD-10
  return left_us(cx, s->tlp.from_us, tlp::after_us(cx, t, *s)) < left_us(cx, s->rto_from_us, rto_us(cx, t)) ? Timer::probe
                                                                                                            : Timer::retransmit;
}

Timer wanted(Context& cx, const Tcb& t) noexcept {
  if (t.state == State::closed || t.state == State::listen || t.state == State::time_wait) return Timer::none;
  if (t.flight() != 0 || t.state == State::syn_received) return wanted_in_flight(cx, t, sender(cx, t));
  if (pending(t)) return Timer::persist;  //= rfc9293#3.8.6 MUST-35
  if (t.state == State::fin_wait_2 && t.is(ColdFlags::user_closed)) return Timer::fin_wait_2;
  if (t.is(ColdFlags::keepalive) && t.synchronized()) return Timer::keepalive;  //= rfc9293#3.8.4 MUST-25
  return Timer::none;
}

Duration duration(Context& cx, const Tcb& t, Timer timer) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  const Extra& x = extra(cx, t);
  const Sender* const s = sender(cx, t);
  switch (timer) {
    case Timer::retransmit:
      if (s == nullptr || !t.synchronized()) return current_rto(cx, t);
      return within_patience(cx, t, Duration::micros(left_us(cx, s->rto_from_us, rto_us(cx, t))));
    case Timer::probe: return Duration::micros(left_us(cx, s->tlp.from_us, tlp::after_us(cx, t, *s)));
    case Timer::reorder: return Duration::micros(std::max<i32>(static_cast<i32>(s->rack.judge_at_us - cx.now_us()), 0));
    case Timer::persist: return current_rto(cx, t);  //= rfc9293#3.8.6.1 SHLD-29
    case Timer::fin_wait_2: return Duration::millis(x.fin_wait_2_ms != 0 ? x.fin_wait_2_ms : i64{sys.tcp_fin_timeout_s} * 1'000);
    case Timer::keepalive: return Duration::millis(x.keepalive_idle_ms != 0 ? x.keepalive_idle_ms : i64{sys.tcp_keepalive_time_s} * 1'000);
    case Timer::none: break;
  }
  return {};
}

}  // namespace

Duration within_patience(Context& cx, const Tcb& t, Duration d) noexcept {
  const u32 patience_ms = extra(cx, t).give_up_ms();
  if (patience_ms == 0 || t.retries == 0) return d;
  const u32 passed_ms = cx.now_ms - t.progress_ms;
  return std::min(d, Duration::millis(passed_ms < patience_ms ? patience_ms - passed_ms : 1));
}

bool pending(const Tcb& t) noexcept {
  if (!sending_state(t)) return false;
  return t.unsent() != 0 || (t.has(HotFlags::fin_queued) && !t.has(HotFlags::fin_sent));
}

void set_timer(Context& cx, Tcb& t, bool restart) noexcept {
  if (restart && t.sender != 0) {
    Sender& s = cx.senders[t.sender];
    //= rfc6298#5.3 MUST-8
    s.rto_from_us = s.tlp.from_us = cx.now_us();
  }
  const Timer want = wanted(cx, t);
  const bool moves = want == Timer::probe || want == Timer::reorder || (restart && want == Timer::retransmit);
  if (want == t.timer && !moves) return;
  if (t.timer == Timer::keepalive) t.retries = 0;  // unanswered probes are no retransmissions
  if (want == Timer::persist && t.timer != Timer::persist) {
    t.retries = 0;
    t.progress_ms = cx.now_ms;  // the user's patience is counted from when data began to wait, not from earlier traffic
  }
  t.timer = want;
  //= rfc6298#5.2 MUST-7
  if (want == Timer::none) cx.wheel.cancel(2 * t.id);
  //= rfc6298#5.1 MUST-6
  else cx.wheel.arm(2 * t.id, cx.now + duration(cx, t, want));
}

bool retransmit_head(Context& cx, Tcb& t) noexcept {
  t.unmark(ColdFlags::timing);  //= rfc9293#3.8.1 MUST-18
  t.resent_ms = cx.now_ms;
  if (t.state == State::syn_sent || t.state == State::syn_received) {
    send_syn(cx, t);
    return true;
  }
  const SeqNum data_end = seq_min(t.fin_seq(), t.snd_nxt);
  const u32 left = t.snd_una < data_end ? data_end - t.snd_una : 0;
  const u32 n = std::min<u32>(left, t.snd_mss);
  const bool fin = t.has(HotFlags::fin_sent) && n == left;
  return send_segment(cx, t, t.snd_una, n, last_flags(fin, n));
}

bool send_again(Context& cx, Tcb& t, Sender& s, SeqNum start, u32 len) noexcept {
  const SeqNum data_end = t.has(HotFlags::fin_sent) ? t.fin_seq() : t.snd_nxt;
  const u32 data = start < data_end ? std::min(len, data_end - start) : 0;
  const u32 flight = in_flight(t, s);
  //= rfc6298#3 MUST-4
  //= rfc9293#3.9.1.2 MUST-61
  const u16 push = data != 0 && start + data == t.fin_seq() ? TcpFlags::psh : u16{0};  // the end of what is queued
  if (!send_segment(cx, t, start, data, last_flags(len > data, data) | push)) return false;
  t.unmark(ColdFlags::timing);  //= rfc9293#3.8.1 MUST-18
  t.resent_ms = cx.now_ms;
  Sent* const r = s.board.sent_again(cx.sent, start, len, cx.now_us());
  if (r != nullptr) {
    r->mss = t.snd_mss;
    recovery::note_sent(cx, s, *r, flight);
    if (t.has(HotFlags::sack)) rack::on_sent_again(s, *r);  // who else would take it off the list
  }
  undo::on_sent_again(s, len, cx.now_ms + t.ts_offset);
  if (t.path == Path::recovery || t.path == Path::cwr) s.prr.out += len;
  cc::sent(cx, t, s, len, flight);
  pacing::on_sent(cx, t, s, len);
  return r != nullptr;
}

bool can_send_new(const Tcb& t) noexcept { return t.unsent() != 0 && t.snd_wnd > t.flight(); }

bool send_one_new(Context& cx, Tcb& t) noexcept {
  Sender* const s = own_sender(cx, t);
  if (s == nullptr || !can_send_new(t)) return false;
  const u32 n = std::min({t.unsent(), t.snd_wnd - t.flight(), u32{t.snd_mss}});
  return send_new_segment(cx, t, *s, n, fin_fits(t, t.snd_nxt, n, t.snd_wnd - t.flight()));
}

void output(Context& cx, Tcb& t) noexcept {
  if (t.has(HotFlags::ack_now) && (t.ooo != 0 || t.dsack_left != t.dsack_right)) send_ack(cx, t);  // SACK goes without data
  if (sending_state(t) && (t.flight() != 0 || pending(t))) {
    if (Sender* const s = own_sender(cx, t)) {
      if (t.flight() == 0) recovery::after_idle(cx, t, *s, rto_us(cx, t));
      //= rfc5682#2.1 SHLD-1
      const bool hold = s->frto_new && can_send_new(t);  // RFC 5682 3.1 step 2b
      if (!hold && s->board.missing() != 0) send_missing(cx, t, *s);
      if (hold || s->board.missing() == s->board.again() || t.path != Path::loss) send_new(cx, t, *s);
    }
  }
  if (t.has(HotFlags::ack_now)) send_ack(cx, t);
  set_timer(cx, t, false);
  tell_writable(cx, t);
  counts::note_limit(cx, t);
  trace::changed(cx, t);
}

}  // namespace weir::tcp
