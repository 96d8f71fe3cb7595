// RFC 9293 3.10.7.4 steps six to eight: urgent data (RFC 6093), segment text, FIN; when to acknowledge (3.8.6.3).
#include "tcp/arrives.hpp"
#include "tcp/ecn.hpp"
#include "tcp/emit.hpp"

namespace weir::tcp {
namespace {

// RFC 1122 4.2.3.2, RFC 5681 4.2: at least every second full-sized segment, and after 40 ms at the latest (MUST-40).
void acknowledge_later(Context& cx, Tcb& t, u32 data, u32 segments) noexcept {
  t.rcv_mss = std::max<u16>(t.rcv_mss, static_cast<u16>(std::min<u32>(data / segments, 0xffff)));
  const u32 full = data / segments >= t.rcv_mss ? segments : 1;
  t.rcv_unacked = static_cast<u16>(std::min<u32>(t.rcv_unacked + full, 0xffff));
  //= rfc5681#4.2 SHLD-9
  if (t.quick_acks != 0 || t.is(ColdFlags::quick_ack) || t.rcv_unacked >= 2) return t.set(HotFlags::ack_now);  //= rfc9293#3.8.6.3 SHLD-19
  if (t.is(ColdFlags::delayed_ack)) return;
  t.mark(ColdFlags::delayed_ack);  //= rfc9293#3.8.6.3 SHLD-18
  //= rfc5681#4.2 MUST-11
  cx.wheel.arm(2 * t.id + 1, cx.now + Duration::millis(cx.sysctl(t).tcp_delack_ms));
}

Reassembly* out_of_order(Context& cx, Tcb& t) noexcept {
  if (t.ooo == 0) t.ooo = cx.reassembly.alloc();
  return t.ooo != 0 ? &cx.reassembly[t.ooo] : nullptr;
}

void release_reassembly_if_empty(Context& cx, Tcb& t) noexcept {
  if (t.ooo == 0 || !cx.reassembly[t.ooo].empty()) return;
  cx.reassembly.release(t.ooo);
  t.ooo = 0;
}

// Beyond RCV.NXT: kept (SHLD-31). Why not, if nothing of it is.
Drop keep_for_later(Context& cx, Tcb& t, const Segment& seg, SeqNum seq, u32 skip, u32 data, bool fin) noexcept {
  Reassembly* r = out_of_order(cx, t);
  if (r == nullptr) return Drop::tcp_memory;
  Drop why = Drop::none;
  if (data != 0) {
    // True size, with what waits in order: twice the buffer, and two buffers in any case. Less when buffers are short.
    const u32 share = cx.env.pool.share(), most = std::min(2 * t.rcv_buf, share);
    const u32 limit = most - std::min(t.rx.charged(), most) + std::min(2 * buf::Pool::large_stride, share);
    const auto added = r->add(cx.env.pool, seq, seg.packet, skip, data, limit);
    cx.count(t, Tcp::out_of_order, seg.segments);
    if (added.pruned != 0) cx.count(t, Tcp::out_of_order_pruned, added.pruned);
    if (added.bytes == 0) why = added.refused ? Drop::tcp_ooo_limit : Drop::tcp_duplicate;
    if (added.bytes == 0 && !added.refused) note_duplicate(cx, t, seq, seq + data);
  }
  if (fin) {
    r->set_fin(seq + data);
    why = Drop::none;
  }
  release_reassembly_if_empty(cx, t);
  return why;
}

// In order: into the receive queue, then whatever that makes contiguous. Bytes by which RCV.NXT moved.
u32 deliver(Context& cx, Tcb& t, const Segment& seg, u32 skip, u32 data) noexcept {
  // What is short is kept for those who read. The peer sends it again, later and later.
  u32 got = t.rx.append_packet(cx.env.pool, seg.packet, skip, std::min(data, t.rx.room(cx.env.pool)));
  if (got == data && t.ooo != 0) got += cx.reassembly[t.ooo].take(cx.env.pool, t.rcv_nxt + got, t.rx);
  t.rcv_nxt += got;
  t.bytes_in += got;
  if (t.is(ColdFlags::shut_read)) t.rx.clear(cx.env.pool);
  return got;
}

void fin_received(Context& cx, Tcb& t) noexcept {
  t.rcv_nxt += 1;
  if (t.rcv_adv < t.rcv_nxt) t.rcv_adv = t.rcv_nxt;
  t.set(HotFlags::ack_now);
  t.mark(ColdFlags::peer_fin);
  if (t.ooo != 0) {
    cx.reassembly[t.ooo].clear(cx.env.pool);
    release_reassembly_if_empty(cx, t);
  }
  switch (t.state) {
    case State::syn_received:
    case State::established: t.state = State::close_wait; break;
    case State::fin_wait_1: t.state = State::closing; break;
    case State::fin_wait_2: {
      send_ack(cx, t);
      enter_time_wait(cx, t);
      return;
    }
    default: break;
  }
  cx.notify(t, Ready::in | Ready::peer_closed);
}

}  // namespace

void note_duplicate(Context& cx, Tcb& t, SeqNum left, SeqNum right) noexcept {
  if (!t.has(HotFlags::sack) || !cx.sysctl(t).tcp_dsack || left == right) return;
  t.dsack_left = left;
  t.dsack_right = right;
}

void step6_urgent(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::urg) || !t.may_receive()) return;
  const SeqNum up = seg.seq + (seg.any(TcpFlags::syn) ? 1u : 0u) + seg.up;  // the byte after the urgent data: RFC 6093 3.1
  if (seg.up == 0 || up <= t.rcv_nxt || (t.is(ColdFlags::urgent_in) && up <= t.rcv_up)) return;
  if (up - t.rcv_nxt > t.rcv_wnd() + 1) return;  // a pointer far beyond what may come: A67
  //= rfc9293#3.8.5 MUST-32
  t.rcv_up = up;
  t.mark(ColdFlags::urgent_in | ColdFlags::urgent_seen);
  t.unmark(ColdFlags::urgent_read);
  t.set(HotFlags::slow_path);
  cx.count(t, Tcp::urgent_in);
  cx.notify(t, Ready::priority);
}

namespace {

// What of a segment's text and FIN lies in the window.
struct Text {
  SeqNum seq;
  u32 skip, data;
  bool fin;
};

Text cut_to_window(Context& cx, Tcb& t, const Segment& seg) noexcept {
  Text x{seg.seq + (seg.any(TcpFlags::syn) ? 1u : 0u), seg.skip, seg.data, seg.any(TcpFlags::fin)};
  if (x.seq < t.rcv_nxt) {  // begins with what we have
    const u32 old = std::min(t.rcv_nxt - x.seq, x.data);
    //= rfc2883#4.2 MUST-5
    note_duplicate(cx, t, x.seq, x.seq + old);
    x.seq += old;
    x.skip += old;
    x.data -= old;
    if (x.seq + x.data < t.rcv_nxt) x.fin = false;
    t.set(HotFlags::ack_now);
  }
  const u32 room = t.rcv_adv > x.seq ? t.rcv_adv - x.seq : 0;
  if (x.data + (x.fin ? 1u : 0u) > room) {  // ends beyond the window
    if (x.data > room) x.data = room;
    x.fin = false;
    t.set(HotFlags::ack_now);
  }
  return x;
}

// Nobody will ever read it: RFC 1122 4.2.2.13, RFC 2525 2.17. Both directions shut down is as good as closed.
bool text_after_close(Context& cx, Tcb& t, Segment& seg) noexcept {
  const bool closed = t.is(ColdFlags::user_closed) || (t.is(ColdFlags::shut_read) && t.has(HotFlags::fin_queued));
  if (!closed || seg.data == 0) return false;
  if (t.state != State::closing && t.state != State::last_ack && !t.may_receive()) return false;
  const SeqNum first = seq_max(seg.seq, t.rcv_nxt);
  if (first >= seg.seq + seg.data || first >= t.rcv_adv) return false;
  cx.count(t, Tcp::abort_on_data);
  cx.count(t, Tcp::out_rsts);
  send_bare(cx, flow_of(t), {.seq = seg.ack, .flags = TcpFlags::rst});
  finish_connection(cx, t, Errc::conn_reset);
  drop_segment(cx, seg, Drop::tcp_after_close);
  return true;
}

void in_order(Context& cx, Tcb& t, Segment& seg, Text& x) noexcept {
  const bool filled_gap = t.ooo != 0;
  const u32 got = deliver(cx, t, seg, x.skip, x.data);
  if (got != 0) cx.notify(t, Ready::in);
  if (got < x.data) x.fin = false;  // out of buffers: the peer sends it again
  //= rfc5681#3.2 SHLD-4
  if (filled_gap || got < x.data) t.set(HotFlags::ack_now);  // RFC 5681 4.2
  else acknowledge_later(cx, t, x.data, seg.segments);
  if (got == 0) drop_segment(cx, seg, Drop::no_buffer);
}

}  // namespace

Verdict step7_text(Context& cx, Tcb& t, Segment& seg) noexcept {
  if (text_after_close(cx, t, seg)) return Verdict::done;
  if (!t.may_receive() || (seg.data == 0 && !seg.any(TcpFlags::fin))) return Verdict::next_step;
  Text x = cut_to_window(cx, t, seg);
  //= rfc3168#6.1.5 SHLD-3
  if (t.ecn != 0 && seg.data != 0) ecn::on_data(cx, t, seg);
  if (x.seq > t.rcv_nxt) {
    //= rfc9293#3.10.7.4 SHLD-31
    const Drop why = keep_for_later(cx, t, seg, x.seq, x.skip, x.data, x.fin);
    if (why != Drop::none) drop_segment(cx, seg, why);
    //= rfc5681#3.2 SHLD-3
    send_ack(cx, t);  //= rfc9293#3.10.7.4 MAY-13
    return Verdict::done;
  }
  if (x.data != 0) in_order(cx, t, seg, x);
  if (x.fin && x.seq + x.data == t.rcv_nxt) {
    fin_received(cx, t);
    return Verdict::done;
  }
  if (t.ooo != 0) {
    if (cx.reassembly[t.ooo].fin_at(t.rcv_nxt)) fin_received(cx, t);
    else release_reassembly_if_empty(cx, t);
  }
  return Verdict::done;
}

// The peer's FIN was seen before: one that lies in the window is acknowledged again.
void step8_fin(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::fin)) return;
  const SeqNum fin = seg.seq + seg.data;
  if (!seq_in(fin, t.rcv_nxt, t.rcv_nxt + t.rcv_wnd())) return;
  if (t.state == State::close_wait || t.state == State::closing || t.state == State::last_ack || t.state == State::time_wait)
    send_ack(cx, t);
}

}  // namespace weir::tcp
