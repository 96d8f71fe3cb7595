// tcp/user_calls.hpp: SEND, RECEIVE, CLOSE, ABORT (RFC 9293 3.10.2 to 3.10.5), readiness.
#include "tcp/arrives.hpp"
#include "tcp/autotune.hpp"
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/output.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

// A pending error is told once.
std::optional<Errc> take_error(Tcb& t) noexcept {
  if (t.error == Errc::would_block) return {};
  const Errc e = t.error;
  t.error = Errc::would_block;
  return e;
}

bool is_child(const Tcb& t) noexcept { return (t.fast_open & FastOpenFlags::child) != 0; }
bool is_deferred(const Tcb& t) noexcept { return (t.fast_open & FastOpenFlags::deferred) != 0; }

// Option not_sent_low, or of the netns.
u32 not_sent_low(const Context& cx, const Tcb& t) noexcept {
  const u32 own = t.extra != 0 ? cx.extras[t.extra].not_sent_low : 0;
  return own != 0 ? own : cx.sysctl(t).tcp_notsent_lowat;
}

// Bytes that the send queue takes now.
u32 room_left(const Context& cx, const Tcb& t) noexcept {
  if (t.tx.size() >= t.snd_buf) return 0;
  if (const u32 low = not_sent_low(cx, t); low != 0 && t.unsent() >= low) return 0;
  // Who has nothing on its way gets something: no ACK would ever tell it to try again.
  const u32 least = t.tx.empty() ? buf::Pool::large_stride : 0;
  return std::min(t.snd_buf - t.tx.size(), std::max(t.tx.room(cx.env.pool), least));
}

Result<u32> room_to_send(Context& cx, Tcb& t) noexcept {
  if (const auto e = take_error(t)) return fail(*e);
  switch (t.state) {
    case State::established:
    case State::close_wait: break;
    case State::syn_received:
      if (is_child(t)) break;
      [[fallthrough]];
    case State::syn_sent: t.mark(ColdFlags::write_wait); return fail(Errc::would_block);
    case State::listen: return fail(Errc::not_connected);
    case State::closed: return fail(t.remote_port == 0 ? Errc::not_connected : Errc::broken_pipe);
    default: return fail(Errc::broken_pipe);
  }
  if (t.has(HotFlags::fin_queued)) return fail(Errc::broken_pipe);
  const u32 n = room_left(cx, t);
  if (n != 0) return n;
  t.mark(ColdFlags::write_wait);
  return fail(Errc::would_block);
}

// The user has taken data: tell the peer if that opens the window by a worthwhile step (MUST-39) and it may be waiting.
void window_update(Context& cx, Tcb& t) noexcept {
  if (!t.may_receive() || t.is(ColdFlags::peer_fin)) return;
  autotune::on_read(cx, t);
  const u32 known = t.rcv_wnd();
  if (known > t.rcv_buf / 2) return;
  const u32 step = std::min<u32>(t.rcv_buf / 2, std::max<u32>(known < t.rcv_mss ? t.rcv_mss : 2u * t.rcv_mss, 1));
  if (window_gain(cx, t) >= step) send_ack(cx, t);
}

// Sequence number of the first byte that the user has not read.
SeqNum first_unread(const Tcb& t) noexcept { return t.rcv_nxt - t.rx.size() - (t.is(ColdFlags::peer_fin) ? 1u : 0u); }

// Where reading must stop: before the urgent byte, which is not in the stream unless the user asked for that.
u32 readable(Tcb& t) noexcept {
  if (!t.is(ColdFlags::urgent_in)) return t.rx.size();
  const SeqNum first = first_unread(t);
  const SeqNum mark = t.rcv_up - 1;  // the urgent byte itself: the pointer is one beyond (RFC 6093 3.1)
  if (mark < first) return t.rx.size();
  const u32 before = mark - first;
  return before == 0 ? t.rx.size() : std::min(t.rx.size(), before);
}

bool at_mark(const Tcb& t) noexcept {
  if (!t.is(ColdFlags::urgent_in)) return false;
  return first_unread(t) == t.rcv_up - 1;
}

Extra* own_extra(Context& cx, Tcb& t) noexcept {
  if (t.extra == 0) t.extra = cx.extras.alloc();
  return t.extra != 0 ? &cx.extras[t.extra] : nullptr;
}

// At the mark without SO_OOBINLINE the urgent byte leaves the stream. Behind it the mark is history.
void pass_mark(Context& cx, Tcb& t) noexcept {
  if (t.is(ColdFlags::urgent_in) && t.rcv_up <= first_unread(t)) t.unmark(ColdFlags::urgent_in);
  if (!at_mark(t) || t.rx.empty() || t.is(ColdFlags::oob_inline)) return;
  std::byte b;
  t.rx.peek(cx.env.pool, 0, {&b, 1});
  t.rx.pop(cx.env.pool, 1);
  if (Extra* x = own_extra(cx, t)) x->oob_byte = static_cast<u8>(b);
  t.unmark(ColdFlags::urgent_in);
}

Result<u32> recv_urgent(Context& cx, Tcb& t, MutBytes out, u32 flags) noexcept {
  if (out.empty()) return fail(Errc::invalid);
  if (t.is(ColdFlags::oob_inline) || !t.is(ColdFlags::urgent_seen)) return fail(Errc::invalid);
  if (t.is(ColdFlags::urgent_read)) return fail(Errc::invalid);
  if (t.is(ColdFlags::urgent_in)) {
    const u32 offset = (t.rcv_up - 1) - first_unread(t);
    if (offset >= t.rx.size()) return fail(Errc::would_block);  // announced, not here yet
    t.rx.peek(cx.env.pool, offset, out.first(1));
  } else {
    out[0] = std::byte{extra(cx, t).oob_byte};
  }
  if ((flags & RecvFlags::peek) == 0) t.mark(ColdFlags::urgent_read);
  return 1u;
}

// Nothing to read: why? 0 is the end of the stream. The peer's FIN stays what it was whatever came after it: an error is
// then left for who writes or asks.
Result<u32> nothing_to_read(Tcb& t) noexcept {
  if (t.is(ColdFlags::peer_fin)) return 0u;
  if (const auto e = take_error(t)) return fail(*e);
  if (t.is(ColdFlags::shut_read)) return 0u;
  switch (t.state) {
    case State::listen: return fail(Errc::not_connected);
    case State::closed:
      if (t.remote_port == 0) return fail(Errc::not_connected);
      if (is_deferred(t)) return fail(Errc::would_block);
      return 0u;
    case State::time_wait: return 0u;
    default: return fail(Errc::would_block);
  }
}

void begin_close(Context& cx, Tcb& t) noexcept {
  if (t.has(HotFlags::fin_queued)) return;
  t.set(HotFlags::fin_queued);
  if (t.state == State::established) t.state = State::fin_wait_1;
  else if (t.state == State::close_wait) t.state = State::last_ack;
  if (t.synchronized()) output(cx, t);
}

void release_user(Context& cx, Tcb& t) noexcept {
  t.user = 0;
  t.mark(ColdFlags::user_closed);
  t.set(HotFlags::slow_path);
  if (t.state == State::closed || t.state == State::time_wait) return free_tcb(cx, t);
  t.mark(ColdFlags::orphan);
  ++cx.orphans;
  if (cx.orphans > cx.sysctl(t).tcp_max_orphans) return abort_connection(cx, t, Errc::would_block, Tcp::abort_on_memory);
  set_timer(cx, t, false);  // FIN-WAIT-2 does not last for ever for an orphan
}

}  // namespace

void close_listener(Context& cx, Tcb& t) noexcept {
  const u32 li = t.listener;
  cx.half_open.for_each([&](u32 i) {
    HalfOpen& h = cx.half_open[i];
    if (h.listener != li) return;
    send_bare(cx, flow_of(h), {.seq = h.iss + 1, .ack = h.irs + 1, .flags = TcpFlags::rst | TcpFlags::ack});
    cx.table.erase(cx.hash(flow_of(h)), Ref{RefKind::half_open, i});
    cx.half_wheel.cancel(i);
    cx.half_open.release(i);
  });
  for (;;) {
    const auto c = user_accept(cx, t);
    if (!c) break;
    user_abort(cx, cx.tcbs[*c]);
  }
  fast_open::forget_listener(cx, li);
  cx.listeners.remove(li, t.netns, t.local_port);
  t.listener = 0;
  t.state = State::closed;
}

Result<u32> user_send(Context& cx, Tcb& t, Bytes data, u32 flags) noexcept {
  if (is_deferred(t)) return user_connect_send(cx, t, {t.remote, t.remote_port, 0}, data);
  const auto room = room_to_send(cx, t);
  if (!room) return room;
  const auto purpose = t.tx.empty() ? buf::Purpose::stack : buf::Purpose::user;
  const u32 n = t.tx.append_copy(cx.env.pool, data.first(std::min<usize>(data.size(), *room)), purpose);
  if (n == 0 && !data.empty()) {
    t.mark(ColdFlags::write_wait);
    return fail(Errc::would_block);  // out of buffers: back-pressure
  }
  if (n < data.size()) t.mark(ColdFlags::write_wait);
  if ((flags & SendFlags::oob) != 0 && n != 0) {
    t.snd_up = t.tx_seq() + t.tx.size();
    t.mark(ColdFlags::urgent_out);
  }
  if ((flags & SendFlags::more) != 0) t.mark(ColdFlags::more);
  else t.unmark(ColdFlags::more);
  output(cx, t);
  return n;
}

Result<u32> user_send_slices(Context& cx, Tcb& t, std::span<const buf::Slice> slices) noexcept {
  const auto room = room_to_send(cx, t);
  if (!room) {
    for (const buf::Slice& s : slices) cx.env.pool.unref(s.buffer);
    return room;
  }
  u32 n = 0;
  for (const buf::Slice& s : slices) {
    const u32 length = s.length;
    if (t.tx.append(cx.env.pool, s)) n += length;
  }
  t.unmark(ColdFlags::more);
  output(cx, t);
  return n;
}

Result<u32> user_recv(Context& cx, Tcb& t, MutBytes out, u32 flags) noexcept {
  if ((flags & RecvFlags::oob) != 0) return recv_urgent(cx, t, out, flags);
  pass_mark(cx, t);
  if (t.rx.empty()) return nothing_to_read(t);
  const u32 n = t.rx.peek(cx.env.pool, 0, out.first(std::min<usize>(out.size(), readable(t))));
  if ((flags & RecvFlags::peek) != 0) return n;
  t.rx.pop(cx.env.pool, n);
  window_update(cx, t);
  return n;
}

Result<Lent> user_recv_lent(Context& cx, Tcb& t, u32 max_bytes) noexcept {
  pass_mark(cx, t);
  Lent lent;
  if (t.rx.empty()) {
    const auto r = nothing_to_read(t);
    if (!r) return fail(r.error());
    return lent;
  }
  u32 left = std::min(max_bytes, readable(t));
  while (left != 0 && lent.n < Lent::max_slices) {
    const buf::Slice s = t.rx.take(cx.env.pool, left);
    lent.slices[lent.n++] = s;
    lent.bytes += s.length;
    left -= s.length;
  }
  window_update(cx, t);
  return lent;
}

Result<void> user_shutdown(Context& cx, Tcb& t, Shutdown how) noexcept {
  switch (t.state) {
    case State::closed:
    case State::time_wait:
    case State::listen:
    case State::syn_sent: return fail(Errc::not_connected);
    default: break;
  }
  if (how != Shutdown::write) {
    t.mark(ColdFlags::shut_read);
    t.set(HotFlags::slow_path);
    cx.notify(t, Ready::in | Ready::peer_closed);
  }
  if (how != Shutdown::read) begin_close(cx, t);  //= rfc9293#3.6.1 MAY-1
  return {};
}

void user_close(Context& cx, Tcb& t) noexcept {
  const bool abortive = t.is(ColdFlags::linger) && extra(cx, t).linger_ms == 0;
  switch (t.state) {
    case State::listen: close_listener(cx, t); break;
    case State::closed:
    case State::time_wait: break;
    case State::syn_sent: finish_connection(cx, t, Errc::would_block); break;
    default:
      //= rfc9293#3.6.1 SHLD-3
      if (!t.rx.empty() || abortive) abort_connection(cx, t, Errc::would_block, Tcp::abort_on_close);
      else begin_close(cx, t);
  }
  release_user(cx, t);
}

void user_abort(Context& cx, Tcb& t) noexcept {
  if (t.state == State::listen) close_listener(cx, t);
  else if (t.state != State::closed && t.state != State::time_wait) abort_connection(cx, t, Errc::would_block, Tcp::abort_on_close);
  release_user(cx, t);
}

bool is_writable(const Context& cx, const Tcb& t) noexcept { return t.tx.size() < t.snd_buf - t.snd_buf / 3 && room_left(cx, t) != 0; }

void tell_writable(Context& cx, Tcb& t) noexcept {
  if (!t.is(ColdFlags::write_wait) || !t.synchronized() || !is_writable(cx, t)) return;
  t.unmark(ColdFlags::write_wait);
  cx.notify(t, Ready::out);
}

u32 user_ready(Context& cx, Tcb& t) noexcept {
  u32 mask = t.error != Errc::would_block ? Ready::error : 0u;
  switch (t.state) {
    case State::listen: return mask | (cx.listeners[t.listener].accept_n != 0 ? Ready::in : 0u);
    case State::syn_sent: return mask;
    case State::syn_received:
      if (!is_child(t)) return mask;
      break;
    case State::closed:
      if (is_deferred(t)) return mask | Ready::out;
      [[fallthrough]];
    case State::time_wait: return mask | Ready::in | Ready::out | Ready::hangup | Ready::peer_closed;
    default: break;
  }
  const bool ended = t.is(ColdFlags::peer_fin | ColdFlags::shut_read);
  if (ended || !t.rx.empty()) mask |= Ready::in;
  if (ended) mask |= Ready::peer_closed;
  if (t.is(ColdFlags::urgent_in) && !t.is(ColdFlags::urgent_read)) mask |= Ready::priority;
  if (!t.may_send() && !is_child(t)) {
    mask |= Ready::out;  // a write fails at once
    if (ended) mask |= Ready::hangup;
  } else if (is_writable(cx, t)) {
    mask |= Ready::out;
  } else {
    t.mark(ColdFlags::write_wait);
  }
  return mask;
}

}  // namespace weir::tcp
