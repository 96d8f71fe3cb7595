// The end of connections: TIME-WAIT (RFC 9293 3.6.1, RFC 1337, RFC 6191), aborts (3.10.5), release of what is held.
#include "tcp/arrives.hpp"
#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/output.hpp"
#include "tcp/recovery/recovery.hpp"
#include "tcp/trace_hooks.hpp"
#include "tcp/window.hpp"

namespace weir::tcp {
namespace {

template <class Record>
Record record_of(Context& cx, const Tcb& t) noexcept {
  Record r{};
  if constexpr (std::is_same_v<Record, TimeWait4>) r.local = t.local.v4(), r.remote = t.remote.v4();
  else r.local = t.local.v6(), r.remote = t.remote.v6();
  r.local_port = t.local_port, r.remote_port = t.remote_port, r.netns = t.netns;
  r.bits = t.has(HotFlags::timestamps) ? Record::timestamps : u16{0};
  r.snd_nxt = t.snd_nxt, r.rcv_nxt = t.rcv_nxt;
  r.set_windows(t.rcv_wnd(), t.rcv_wscale, t.max_snd_wnd, t.snd_wscale);
  r.ts_recent = t.ts_recent, r.ts_offset = t.ts_offset;
  r.expires_ms = cx.now_ms + cx.sysctl(t).tcp_msl_s * 2'000;  //= rfc9293#3.6.1 MUST-13
  return r;
}

template <class Record>
void remove_record(Context& cx, TimeWaitList<Record>& list, RefKind kind, u32 i) noexcept {
  const Record& r = list[i];
  if ((r.bits & Record::dead) != 0) return;
  cx.table.erase(cx.hash({r.local, r.remote, r.local_port, r.remote_port, r.netns}), Ref{kind, i});
  list.kill(i);
}

// At the limit the oldest goes early.
template <class Record>
u32 add_record(Context& cx, TimeWaitList<Record>& list, RefKind kind, const Record& r) noexcept {
  if (list.live() >= cx.env.sysctl(r.netns).tcp_max_tw_buckets) {
    cx.count(r.netns).add(Tcp::time_wait_overflow);
    while (list.front() != 0 && (list[list.front()].bits & Record::dead) != 0) list.pop_front();
    if (const u32 oldest = list.front(); oldest != 0) {
      remove_record(cx, list, kind, oldest);
      list.pop_front();
    }
  }
  return list.add(r);
}

template <class Record>
void to_record(Context& cx, Tcb& t, TimeWaitList<Record>& list, RefKind kind) noexcept {
  const u32 i = add_record(cx, list, kind, record_of<Record>(cx, t));
  const u32 hash = cx.hash(flow_of(t));
  if (i != 0) cx.table.replace(hash, Ref{RefKind::tcb, t.id}, Ref{kind, i});
  else cx.table.erase(hash, Ref{RefKind::tcb, t.id});
  t.unmark(ColdFlags::in_table);
}

template <class Record>
void refresh(Context& cx, TimeWaitList<Record>& list, RefKind kind, u32 i) noexcept {
  Record r = list[i];
  r.expires_ms = cx.now_ms + cx.env.sysctl(r.netns).tcp_msl_s * 2'000;
  const u32 fresh = list.add(r);
  if (fresh == 0) return;
  cx.table.replace(cx.hash({r.local, r.remote, r.local_port, r.remote_port, r.netns}), Ref{kind, i}, Ref{kind, fresh});
  list.kill(i);
}

// RFC 6191 2: may this SYN open a new incarnation?
template <class Record>
bool newer(const Record& r, const Segment& seg) noexcept {
  if ((r.bits & Record::timestamps) != 0 && seg.has_ts) {
    const i32 d = static_cast<i32>(seg.ts_val - r.ts_recent);
    return d > 0 || (d == 0 && seg.seq >= r.rcv_nxt);
  }
  return seg.seq >= r.rcv_nxt;  // above the last number seen, which is RCV.NXT - 1
}

template <class Record>
void answer(Context& cx, Record& r, bool always) noexcept {
  if (!always && !may_challenge(cx.now_ms, r.last_ack_ms)) return cx.count(r.netns).add(Tcp::challenge_limited);
  send_bare(cx, {r.local, r.remote, r.local_port, r.remote_port, r.netns},
            {.seq = r.snd_nxt,
             .ack = r.rcv_nxt,
             .flags = TcpFlags::ack,
             .window = r.rcv_units,
             .has_ts = (r.bits & Record::timestamps) != 0,
             .ts_val = cx.now_ms + r.ts_offset,
             .ts_ecr = r.ts_recent});
}

// The steps of 3.10.7.4 for TIME-WAIT. Only a FIN (the peer has not seen our last ACK) is acknowledged in the window and
// restarts 2 MSL. True: it does.
template <class Record>
bool time_wait_steps(Context& cx, Record& r, const Segment& seg, bool& gone) noexcept {
  const ReceiveWindow w{r.rcv_nxt, r.rcv_wnd()};
  const bool good_ack = seg.any(TcpFlags::ack) && seg.ack <= r.snd_nxt && seg.ack >= r.snd_nxt - r.max_snd_wnd();
  const bool fin = seg.any(TcpFlags::fin);
  if (seg.any(TcpFlags::rst)) {
    if (cx.env.sysctl(r.netns).tcp_rfc1337) return false;  // RFC 1337 fix F1
    if (seg.seq == r.rcv_nxt) gone = true;
    else if (w.holds(seg.seq)) answer(cx, r, false);
    return false;
  }
  const bool stale = (r.bits & Record::timestamps) != 0 && (!seg.has_ts || static_cast<i32>(seg.ts_val - r.ts_recent) < 0);
  if (stale || (!w.acceptable(seg) && !w.pure_ack_at_edge(seg))) {
    answer(cx, r, answer_always(w, seg, good_ack));
    return !stale && !seg.any(TcpFlags::syn) && good_ack && fin && seg.end() == r.rcv_nxt;
  }
  if (seg.any(TcpFlags::syn)) {
    answer(cx, r, false);
    return false;
  }
  if (!seg.any(TcpFlags::ack)) return false;
  if (!good_ack) {
    answer(cx, r, false);
    return false;
  }
  if (!fin || !w.holds(seg.seq + seg.data)) return false;
  answer(cx, r, true);
  return true;
}

template <class Record>
bool time_wait(Context& cx, TimeWaitList<Record>& list, RefKind kind, u32 i, Segment& seg, bool listening, u32& min_iss) noexcept {
  Record& r = list[i];
  const bool plain_syn = seg.any(TcpFlags::syn) && !seg.any(TcpFlags::ack | TcpFlags::rst | TcpFlags::fin);
  //= rfc9293#3.6.1 SHLD-4, MAY-2
  if (plain_syn && listening && cx.env.sysctl(r.netns).tcp_tw_reuse && newer(r, seg)) {
    cx.count(r.netns).add(Tcp::time_wait_reused);
    min_iss = (r.snd_nxt + 65'537).raw;
    if (min_iss == 0) min_iss = 1;
    remove_record(cx, list, kind, i);
    return true;
  }
  bool gone = false;
  if (time_wait_steps(cx, r, seg, gone)) refresh(cx, list, kind, i);
  if (gone) remove_record(cx, list, kind, i);
  drop_segment(cx, seg, Drop::tcp_time_wait);
  return false;
}

void leave_table(Context& cx, Tcb& t) noexcept {
  if (!t.is(ColdFlags::in_table)) return;
  cx.table.erase(cx.hash(flow_of(t)), Ref{RefKind::tcb, t.id});
  t.unmark(ColdFlags::in_table);
}

void stop_timers(Context& cx, Tcb& t) noexcept {
  t.timer = Timer::none;
  cx.wheel.cancel(2 * t.id);
  if (t.is(ColdFlags::delayed_ack)) {
    t.unmark(ColdFlags::delayed_ack);
    cx.wheel.cancel(2 * t.id + 1);
  }
  t.unset(HotFlags::ack_now);
}

void release_send_side(Context& cx, Tcb& t) noexcept {
  t.tx.clear(cx.env.pool);
  release_sender(cx, t);
  if (t.ooo != 0) {
    cx.reassembly[t.ooo].clear(cx.env.pool);
    cx.reassembly.release(t.ooo);
    t.ooo = 0;
  }
}

void maybe_free(Context& cx, Tcb& t) noexcept {
  if (t.user == 0 && !t.is(ColdFlags::accept_wait) && t.is(ColdFlags::user_closed)) free_tcb(cx, t);
}

}  // namespace

void enter_time_wait(Context& cx, Tcb& t) noexcept {
  cx.count(t, Tcp::time_wait);
  if (t.is(ColdFlags::in_table)) {
    if (t.local.is_v4()) to_record(cx, t, cx.time_wait4, RefKind::time_wait4);
    else to_record(cx, t, cx.time_wait6, RefKind::time_wait6);
  }
  t.state = State::time_wait;
  trace::changed(cx, t);
  stop_timers(cx, t);
  release_send_side(cx, t);
  cx.notify(t, Ready::in | Ready::out | Ready::peer_closed | Ready::hangup);
  maybe_free(cx, t);
}

bool arrives_time_wait(Context& cx, Ref ref, Segment& seg, bool listening, u32& min_iss) noexcept {
  const u32 i = ref.index();
  if (ref.kind() == RefKind::time_wait4) return time_wait(cx, cx.time_wait4, ref.kind(), i, seg, listening, min_iss);
  return time_wait(cx, cx.time_wait6, ref.kind(), i, seg, listening, min_iss);
}

void forget_records(Context& cx, NetnsId netns) noexcept {
  const auto forget = [&](auto& list, RefKind kind) {
    list.for_each([&](u32 i) {
      if (list[i].netns == netns) remove_record(cx, list, kind, i);
    });
  };
  forget(cx.time_wait4, RefKind::time_wait4);
  forget(cx.time_wait6, RefKind::time_wait6);
}

void finish_connection(Context& cx, Tcb& t, Errc error) noexcept {
  fast_open::ended(cx, t);
  t.state = State::closed;
  trace::changed(cx, t);
  if (error != Errc::would_block && t.error == Errc::would_block) t.error = error;
  leave_table(cx, t);
  stop_timers(cx, t);
  release_send_side(cx, t);
  const u32 trouble = error != Errc::would_block ? Ready::error : 0u;
  cx.notify(t, Ready::in | Ready::out | Ready::peer_closed | Ready::hangup | trouble);
  maybe_free(cx, t);
}

void abort_connection(Context& cx, Tcb& t, Errc error, Tcp why) noexcept {
  cx.count(t, why);
  switch (t.state) {  // RFC 9293 3.10.5
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait:
    case State::closing:
    case State::last_ack: send_reset(cx, t); break;
    default: break;
  }
  finish_connection(cx, t, error);
}

// Freed at once, or by the batch that it is part of.
void free_tcb(Context& cx, Tcb& t) noexcept {
  if (t.has(HotFlags::touched)) return;  // flush() sees a closed TCB that nobody holds
  leave_table(cx, t);
  stop_timers(cx, t);
  release_send_side(cx, t);
  t.rx.clear(cx.env.pool);
  if (t.is(ColdFlags::bound)) cx.ports.release(t.id, t.netns, t.local_port);
  if (t.extra != 0) cx.extras.release(t.extra);
  if (t.is(ColdFlags::orphan)) --cx.orphans;
  trace::gone(cx, t);
  counts::release(cx, t);
  cx.tcbs.release(t.id);
}

}  // namespace weir::tcp
