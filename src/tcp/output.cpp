// tcp/output.hpp
#include "tcp/output.hpp"

#include "tcp/emit.hpp"
#include "tcp/rtt.hpp"

namespace weir::tcp {
namespace {

bool sending_state(const Tcb& t) noexcept {
  switch (t.state) {
    case State::established:
    case State::close_wait:
    case State::fin_wait_1:
    case State::closing:
    case State::last_ack: return true;
    default: return false;
  }
}

// A FIN goes with the last byte, and needs a place in the window of its own.
bool fin_fits(const Tcb& t, SeqNum seq, u32 data, u32 window) noexcept {
  return t.has(HotFlags::fin_queued) && seq + data == t.fin_seq() && data + 1 <= window;
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
u32 piece(const Context& cx, const Tcb& t, u32 ready, u32 window, bool window_is_peers) noexcept {
  const u32 mss = t.snd_mss;
  const u32 most = std::max<u32>(mss, cx.limits.gso_bytes / mss * mss);
  const u32 n = std::min({ready, window, most});
  const u32 full = n / mss * mss;
  if (n == full) return n;
  const bool all = n == ready;
  if (all ? small_may_go(t, n - full, true) : (window_is_peers && small_may_go(t, n - full, false))) return n;
  return full;  //= rfc9293#3.9.1.2 SHLD-28
}

void note_sent(Context& cx, Tcb& t, SeqNum seq, u32 data) noexcept {
  if (data != 0 && data % t.snd_mss != 0) t.snd_sml = seq + data;
  t.max_sent = std::max<u16>(t.max_sent, static_cast<u16>(std::min<u32>(data, t.snd_mss)));
  if (!t.is(ColdFlags::timing)) {  // RFC 6298 3: time one segment at a time
    t.mark(ColdFlags::timing);
    t.rtt_seq = seq + std::max<u32>(data, 1);
    t.rtt_start_us = cx.now_us();
  }
}

// cwnd as it binds now: duplicate ACKs may send new segments beyond it.
u32 congestion_room(const Tcb& t) noexcept {
  //= rfc3042#2 limited-transmit
  const u32 extra = t.recovery == Recovery::none && t.dup_acks <= 2 ? t.dup_acks * t.snd_mss : 0u;
  return t.cwnd + extra;
}

// New data and FIN. Returns whether a segment left.
bool send_new(Context& cx, Tcb& t) noexcept {
  bool sent = false;
  for (;;) {
    const u32 flight = t.flight();
    const u32 peer = t.snd_wnd > flight ? t.snd_wnd - flight : 0;  //= rfc9293#3.8.6 MUST-34, SHLD-15
    const u32 cwnd = congestion_room(t) > flight ? congestion_room(t) - flight : 0;
    const u32 ready = t.unsent();
    const u32 n = ready != 0 ? piece(cx, t, ready, std::min(peer, cwnd), peer <= cwnd) : 0;
    const bool fin = !t.has(HotFlags::fin_sent) && fin_fits(t, t.snd_nxt, n, peer);
    if (n == 0 && !(fin && ready == 0)) break;
    const SeqNum seq = t.snd_nxt;
    u16 flags = 0;
    if (n == ready && n != 0) flags |= TcpFlags::psh;  //= rfc9293#3.9.1.2 MUST-61, SHLD-27
    if (fin) flags |= TcpFlags::fin;
    const bool limited = t.dup_acks != 0 && t.recovery == Recovery::none;
    if (!send_segment(cx, t, seq, n, flags)) break;
    if (limited) cx.count(t, Tcp::limited_transmits);
    if (t.flight() == 0) t.progress_ms = cx.now_ms;
    note_sent(cx, t, seq, n);
    t.snd_nxt += n + (fin ? 1u : 0u);
    if (fin) t.set(HotFlags::fin_sent);
    sent = true;
    if (fin) break;
  }
  return sent;
}

// Of a segment that is sent again.
u16 last_flags(bool fin, u32 data) noexcept {
  if (!fin) return 0;
  return data != 0 ? TcpFlags::fin | TcpFlags::psh : TcpFlags::fin;
}

// After a timeout everything in flight counts as lost and is sent again from rtx_nxt as cwnd opens.
bool send_again(Context& cx, Tcb& t) noexcept {
  bool sent = false;
  while (t.recovery == Recovery::timeout && t.rtx_nxt < t.recover) {
    const u32 out = t.rtx_nxt - t.snd_una;
    const u32 window = std::min(t.cwnd, std::max<u32>(t.snd_wnd, t.snd_mss));  //= rfc9293#3.8.6 SHLD-16
    if (out >= window) break;
    const SeqNum data_end = seq_min(t.recover, t.fin_seq());
    const u32 left = t.rtx_nxt < data_end ? data_end - t.rtx_nxt : 0;
    const u32 room = std::max<u32>(window - out, 1);
    u32 n = std::min(left, room);
    if (n > t.snd_mss) n = n / t.snd_mss * t.snd_mss;
    else if (n < left && n < t.snd_mss && out != 0) break;
    const bool fin = t.has(HotFlags::fin_sent) && t.rtx_nxt + n == t.fin_seq();
    if (n == 0 && !fin) break;
    n = std::min(n, std::max<u32>(t.snd_mss, cx.limits.gso_bytes / t.snd_mss * t.snd_mss));
    const bool with_fin = fin && t.rtx_nxt + n == t.fin_seq();
    if (!send_segment(cx, t, t.rtx_nxt, n, last_flags(with_fin, n))) break;
    t.resent_ms = cx.now_ms;
    t.rtx_nxt += n + (with_fin ? 1u : 0u);
    sent = true;
  }
  return sent;
}

Timer wanted(const Tcb& t) noexcept {
  if (t.state == State::closed || t.state == State::listen || t.state == State::time_wait) return Timer::none;
  if (t.flight() != 0) return Timer::retransmit;
  if (pending(t)) return Timer::persist;  //= rfc9293#3.8.6 MUST-35
  if (t.state == State::fin_wait_2 && t.is(ColdFlags::user_closed)) return Timer::fin_wait_2;
  if (t.is(ColdFlags::keepalive) && t.synchronized()) return Timer::keepalive;  //= rfc9293#3.8.4 MUST-25
  return Timer::none;
}

Duration duration(Context& cx, const Tcb& t, Timer timer) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  const Extra& x = extra(cx, t);
  switch (timer) {
    case Timer::retransmit:
    case Timer::persist: return current_rto(cx, t);  //= rfc9293#3.8.6.1 SHLD-29
    case Timer::fin_wait_2: return Duration::millis(x.fin_wait_2_ms != 0 ? x.fin_wait_2_ms : i64{sys.tcp_fin_timeout_s} * 1'000);
    case Timer::keepalive: return Duration::millis(x.keepalive_idle_ms != 0 ? x.keepalive_idle_ms : i64{sys.tcp_keepalive_time_s} * 1'000);
    case Timer::none: break;
  }
  return {};
}

}  // namespace

bool pending(const Tcb& t) noexcept {
  if (!sending_state(t)) return false;
  return t.unsent() != 0 || (t.has(HotFlags::fin_queued) && !t.has(HotFlags::fin_sent));
}

void set_timer(Context& cx, Tcb& t, bool restart) noexcept {
  const Timer want = wanted(t);
  if (want == t.timer && !(restart && want == Timer::retransmit)) return;
  if (want == Timer::persist && t.timer != Timer::persist) {
    t.retries = 0;
    t.progress_ms = cx.now_ms;  // the user's patience is counted from when data began to wait, not from earlier traffic
  }
  t.timer = want;
  if (want == Timer::none) cx.wheel.cancel(2 * t.id);
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

void output(Context& cx, Tcb& t) noexcept {
  if (sending_state(t)) {
    bool sent = t.recovery == Recovery::timeout && send_again(cx, t);
    if (t.recovery != Recovery::timeout || t.rtx_nxt >= t.recover) sent = send_new(cx, t) || sent;
    static_cast<void>(sent);
  }
  if (t.has(HotFlags::ack_now)) send_ack(cx, t);
  set_timer(cx, t, false);
}

}  // namespace weir::tcp
