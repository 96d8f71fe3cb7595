// tcp/timeouts.hpp
#include "tcp/timeouts.hpp"

#include "tcp/arrives.hpp"
#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/mtu_probe.hpp"
#include "tcp/output.hpp"
#include "tcp/pmtu.hpp"
#include "tcp/recovery/recovery.hpp"
#include "tcp/recovery/tlp.hpp"
#include "tcp/rtt.hpp"
#include "tcp/trace_hooks.hpp"

namespace weir::tcp {
namespace {

bool opening(const Tcb& t) noexcept { return t.state == State::syn_sent || t.state == State::syn_received; }

void give_up(Context& cx, Tcb& t) noexcept {
  cx.count(t, opening(t) ? Tcp::attempt_fails : Tcp::abort_on_timeout);
  // A soft error that was remembered says more than "timed out" (RFC 1122 4.2.3.9).
  finish_connection(cx, t, t.soft_error != Errc::would_block ? t.soft_error : Errc::timed_out);
}

// R2, or the user's limit (MUST-20, MUST-21, MUST-22).
bool exhausted(Context& cx, const Tcb& t) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  const Extra& x = extra(cx, t);
  if (opening(t)) {
    const u32 limit = t.state == State::syn_received ? sys.tcp_synack_retries : x.syn_retries != 0 ? x.syn_retries : sys.tcp_syn_retries;
    return t.retries >= limit;  //= rfc9293#3.8.3 MUST-22
  }
  //= rfc9293#3.8.3 MUST-21
  const u32 patience_ms = x.give_up_ms();
  if (patience_ms != 0 && t.retries != 0 && cx.now_ms - t.progress_ms >= patience_ms) return true;
  if (t.is(ColdFlags::orphan)) return t.retries >= sys.tcp_orphan_retries;
  return patience_ms == 0 && t.retries >= sys.tcp_retries2;  //= rfc9293#3.8.3 MUST-20
}

// R1: the network layer is told, and the user may know (SHLD-9).
void r1_reached(Context& cx, Tcb& t) noexcept {
  cx.env.suspect(cx.env.cx, t.destination, cx.now);  //= rfc9293#3.8.3 MUST-20
  if (t.is(ColdFlags::r1_told)) return;
  t.mark(ColdFlags::r1_told);
  if (t.soft_error == Errc::would_block) t.soft_error = Errc::timed_out;  //= rfc9293#3.8.3 SHLD-9
}

void retransmission_timeout(Context& cx, Tcb& t) noexcept {
  if (exhausted(cx, t)) return give_up(cx, t);
  cx.count(t, Tcp::rto_expirations);
  counts::add(cx, t, &Counts::timeouts);
  if (t.retries < 255) ++t.retries;
  if (!opening(t) && t.retries >= cx.sysctl(t).tcp_retries1) r1_reached(cx, t);
  //= rfc6298#5.5 MUST-10
  if (t.backoff < 20) ++t.backoff;  // RFC 6298 5.5
  t.timer = Timer::none;
  if (opening(t)) {
    t.mark(ColdFlags::syn_lost);
    retransmit_head(cx, t);
    return set_timer(cx, t, true);
  }
  t.unmark(ColdFlags::timing);  //= rfc9293#3.8.1 MUST-18
  if (t.is(ColdFlags::pmtu_pending)) apply_claimed_mtu(cx, t);  // RFC 5927 7.2: the stall makes the claim credible
  Sender* const s = sender(cx, t);
  //= rfc6298#5.4 MUST-9
  if (s != nullptr) {
    mtu_probe::on_timeout(cx, t, *s);
    s->pace_at = cx.now;  // the oldest goes now, whatever the pace: the next timeout counts from here (RFC 6298 5.5)
    recovery::on_timeout(cx, t, *s);
  }
  //= rfc6298#5.6 MUST-11
  if (s == nullptr || s->board.empty()) retransmit_head(cx, t);  // there was no memory for a record of it
  set_timer(cx, t, true);
  output(cx, t);
}

// Data waits for a window. Zero: a probe below SND.UNA that must be answered (MUST-36), for ever (MUST-37), unless the user
// or nobody (an orphan) waits for it. Not zero: SWS avoidance held it long enough, send what fits.
void persist_timeout(Context& cx, Tcb& t) noexcept {
  const Extra& x = extra(cx, t);
  // Nobody waits for what an orphan has left, so a peer that only keeps its window shut does not keep it for ever (A75).
  // The back-off may be of retransmissions before, and each answer makes the retries 0: what counts is the time.
  const bool worn = cx.now_ms - t.progress_ms >= 2 * cx.sysctl(t).tcp_rto_max_ms;
  const bool orphan_tired = t.is(ColdFlags::orphan) && (worn || t.retries >= cx.sysctl(t).tcp_orphan_retries);
  const u32 patience_ms = x.give_up_ms();
  const bool user_tired = patience_ms != 0 && cx.now_ms - t.progress_ms >= patience_ms;
  const bool silent = t.retries >= cx.sysctl(t).tcp_retries2;  // no probe was answered: the peer is gone, not busy
  if (orphan_tired || user_tired || silent) return give_up(cx, t);
  if (t.retries < 255) ++t.retries;
  if (t.backoff < 20) ++t.backoff;  //= rfc9293#3.8.6.1 SHLD-30
  t.timer = Timer::none;
  //= rfc9293#3.9.1.2 MUST-60
  const u32 fits = std::min({t.unsent(), t.snd_wnd, u32{t.snd_mss}});
  if (fits != 0 && send_one_new(cx, t)) {
    t.retries = t.backoff = 0;
  } else if (t.snd_wnd != 0 && t.unsent() == 0) {
    output(cx, t);  // only a FIN is left
  } else {
    cx.count(t, Tcp::zero_window_probes);
    counts::add(cx, t, &Counts::window_probes);
    send_ack_at(cx, t, t.snd_una - 1);  //= rfc9293#3.8.6.1 MUST-36
    t.timer = Timer::persist;  // still: the probes so far count
    return cx.wheel.arm(2 * t.id, cx.now + within_patience(cx, t, current_rto(cx, t)));
  }
  if (t.timer == Timer::none) set_timer(cx, t, true);
}

void keepalive_timeout(Context& cx, Tcb& t) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  const Extra& x = extra(cx, t);
  const u32 idle_ms = x.keepalive_idle_ms != 0 ? x.keepalive_idle_ms : sys.tcp_keepalive_time_s * 1'000;
  const u32 interval_ms = x.keepalive_interval_ms != 0 ? x.keepalive_interval_ms : sys.tcp_keepalive_intvl_s * 1'000;
  const u32 count = x.keepalive_count != 0 ? x.keepalive_count : sys.tcp_keepalive_probes;
  const u32 silent = cx.now_ms - t.last_rx_ms;
  if (silent < idle_ms) {  //= rfc9293#3.8.4 MUST-26
    t.retries = 0;
    return cx.wheel.arm(2 * t.id, cx.now + Duration::millis(idle_ms - silent));
  }
  // A user timeout says when the peer is gone, instead of the count; after one probe at least.
  const u32 patience_ms = x.give_up_ms();
  const bool gone = patience_ms != 0 ? t.retries != 0 && silent >= patience_ms : t.retries >= count;
  if (gone) return abort_connection(cx, t, Errc::timed_out, Tcp::abort_on_timeout);  //= rfc9293#3.8.4 MUST-29
  if (t.retries < 255) ++t.retries;
  cx.count(t, Tcp::keepalive_probes);
  send_ack_at(cx, t, t.snd_una - 1);  //= rfc9293#3.8.4 SHLD-12
  cx.wheel.arm(2 * t.id, cx.now + Duration::millis(interval_ms));
}

// RFC 8985 7.3: after the probe it is the timeout's turn, counted from now.
void probe_timeout(Context& cx, Tcb& t) noexcept {
  t.timer = Timer::none;
  //= rfc8985#7.3 MUST-13
  if (Sender* const s = sender(cx, t)) tlp::send_probe(cx, t, *s);
  set_timer(cx, t, true);
}

void reorder_timeout(Context& cx, Tcb& t) noexcept {
  t.timer = Timer::none;
  if (Sender* const s = sender(cx, t)) recovery::on_reorder_timer(cx, t, *s);
  output(cx, t);
}

template <class Record>
u32 expire(Context& cx, TimeWaitList<Record>& list, RefKind kind, u32 budget) noexcept {
  u32 n = 0;
  for (u32 i = list.front(); i != 0 && n < budget; i = list.front(), ++n) {
    const Record& r = list[i];
    const bool dead = (r.bits & Record::dead) != 0;
    if (!dead && static_cast<i32>(cx.now_ms - r.expires_ms) < 0) break;
    if (!dead) cx.table.erase(cx.hash({r.local, r.remote, r.local_port, r.remote_port, r.netns}), Ref{kind, i});
    list.pop_front();
  }
  return n;
}

template <class Record>
Instant deadline(Context& cx, TimeWaitList<Record>& list) noexcept {
  if (list.front() == 0) return Instant::never();
  const Record& r = list[list.front()];
  if ((r.bits & Record::dead) != 0) return list.live() != 0 ? cx.now : Instant::never();
  const i32 ms = static_cast<i32>(r.expires_ms - cx.now_ms);
  return Instant{(cx.now.ns / 1'000'000 + std::max<i32>(ms, 0)) * 1'000'000};
}

}  // namespace

void on_main_timer(Context& cx, u32 id) noexcept {
  Tcb& t = cx.tcbs[id];
  const Timer timer = t.timer;
  trace::timer(cx, t);
  switch (timer) {
    case Timer::retransmit: retransmission_timeout(cx, t); break;
    case Timer::persist: persist_timeout(cx, t); break;
    case Timer::keepalive: keepalive_timeout(cx, t); break;
    case Timer::probe: probe_timeout(cx, t); break;
    case Timer::reorder: reorder_timeout(cx, t); break;
    case Timer::fin_wait_2:
      cx.count(t, Tcp::abort_on_linger);
      finish_connection(cx, t, Errc::would_block);
      break;
    case Timer::none: break;
  }
}

void on_delayed_ack(Context& cx, u32 id) noexcept {
  Tcb& t = cx.tcbs[id];
  if (!t.is(ColdFlags::delayed_ack)) return;
  t.unmark(ColdFlags::delayed_ack);
  cx.count(t, Tcp::delayed_acks);
  send_ack(cx, t);  //= rfc9293#3.8.6.3 MUST-40
}

void on_half_open_timer(Context& cx, u32 i) noexcept {
  HalfOpen& h = cx.half_open[i];
  // The peer is there and has nothing to say yet: it is asked again when the time for that is over (option defer_accept).
  const u32 deferred = extra(cx, cx.tcbs[cx.listeners[h.listener].tcb]).defer_accept;
  const bool waits = (h.bits & HalfOpen::acked) != 0 && deferred != 0;
  const u32 most = std::max(cx.env.sysctl(h.netns).tcp_synack_retries, waits ? deferred : 0);
  if (h.retries >= most) {
    cx.count(h.netns).add(Tcp::attempt_fails);
    return drop_half_open(cx, i);
  }
  ++h.retries;
  if (!waits || h.retries >= deferred) {
    if (!waits) h.bits |= HalfOpen::retransmitted;
    send_syn_ack(cx, h);
  }
  cx.half_wheel.arm(i, cx.now + Duration::micros(i64{initial_rto_us} << std::min<u32>(h.retries, 7)));
}

u32 expire_time_wait(Context& cx, u32 budget) noexcept {
  const u32 n = expire(cx, cx.time_wait4, RefKind::time_wait4, budget);
  return n + expire(cx, cx.time_wait6, RefKind::time_wait6, budget - n);
}

Instant time_wait_deadline(Context& cx) noexcept { return std::min(deadline(cx, cx.time_wait4), deadline(cx, cx.time_wait6)); }

}  // namespace weir::tcp
