// The end of connections: TIME-WAIT (RFC 9293 3.6.1, RFC 1337, RFC 6191), aborts (3.10.5), release of what is held.
#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"
#include "tcp/output.hpp"

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
  r.rcv_wnd = (t.rcv_wnd() >> t.rcv_wscale);
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
    return d > 0 || (d == 0 && seg.seq > r.rcv_nxt);
  }
  return seg.seq > r.rcv_nxt;
}

template <class Record>
bool time_wait(Context& cx, TimeWaitList<Record>& list, RefKind kind, u32 i, Segment& seg, u32& min_iss) noexcept {
  Record& r = list[i];
  const Flow flow{r.local, r.remote, r.local_port, r.remote_port, r.netns};
  const Sysctl& sys = cx.env.sysctl(r.netns);
  const auto answer = [&] {
    send_bare(cx, flow, {.seq = r.snd_nxt, .ack = r.rcv_nxt, .flags = TcpFlags::ack,
                         .window = static_cast<u16>(std::min<u32>(r.rcv_wnd, 0xffff)),
                         .has_ts = (r.bits & Record::timestamps) != 0, .ts_val = cx.now_ms + r.ts_offset,
                         .ts_ecr = r.ts_recent});
  };
  if (seg.any(TcpFlags::rst)) {
    if (!sys.tcp_rfc1337 && seg.seq == r.rcv_nxt) remove_record(cx, list, kind, i);  // else RFC 1337 fix F1
    drop_segment(cx, seg, Drop::tcp_time_wait);
    return false;
  }
  if (seg.any(TcpFlags::syn) && !seg.any(TcpFlags::ack) && sys.tcp_tw_reuse && newer(r, seg)) {
    //= rfc9293#3.6.1 SHLD-4
    cx.count(r.netns).add(Tcp::time_wait_reused);
    min_iss = (r.snd_nxt + 65'537).raw;
    if (min_iss == 0) min_iss = 1;
    remove_record(cx, list, kind, i);
    return true;
  }
  const bool old_ts = (r.bits & Record::timestamps) != 0 && seg.has_ts && static_cast<i32>(seg.ts_val - r.ts_recent) < 0;
  const bool fin = seg.any(TcpFlags::fin) && !old_ts && seg.end() <= r.rcv_nxt;
  if (seg.len != 0 || seg.seq + 1 == r.rcv_nxt || may_challenge(cx.now_ms, r.last_ack_ms)) answer();
  if (fin) refresh(cx, list, kind, i);  // the peer has not seen our last ACK
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
  stop_timers(cx, t);
  release_send_side(cx, t);
  cx.notify(t, Ready::in | Ready::out | Ready::peer_closed | Ready::hangup);
  maybe_free(cx, t);
}

bool arrives_time_wait(Context& cx, Ref ref, Segment& seg, u32& min_iss) noexcept {
  if (ref.kind() == RefKind::time_wait4) return time_wait(cx, cx.time_wait4, ref.kind(), ref.index(), seg, min_iss);
  return time_wait(cx, cx.time_wait6, ref.kind(), ref.index(), seg, min_iss);
}

void finish_connection(Context& cx, Tcb& t, Errc error) noexcept {
  t.state = State::closed;
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
  cx.tcbs.release(t.id);
}

}  // namespace weir::tcp
