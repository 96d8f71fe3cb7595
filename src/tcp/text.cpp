// RFC 9293 3.10.7.4 steps six to eight: urgent data (RFC 6093), segment text, FIN; when to acknowledge (3.8.6.3).
#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"

namespace weir::tcp {
namespace {

// RFC 1122 4.2.3.2, RFC 5681 4.2: at least every second full-sized segment, and after 40 ms at the latest (MUST-40).
void acknowledge_later(Context& cx, Tcb& t, u32 data, u32 segments) noexcept {
  t.rcv_mss = std::max<u16>(t.rcv_mss, static_cast<u16>(std::min<u32>(data / segments, 0xffff)));
  const u32 full = data / segments >= t.rcv_mss ? segments : 1;
  t.rcv_unacked = static_cast<u16>(std::min<u32>(t.rcv_unacked + full, 0xffff));
  if (t.quick_acks != 0 || t.is(ColdFlags::quick_ack) || t.rcv_unacked >= 2) return t.set(HotFlags::ack_now);  //= rfc9293#3.8.6.3 SHLD-19
  if (t.is(ColdFlags::delayed_ack)) return;
  t.mark(ColdFlags::delayed_ack);  //= rfc9293#3.8.6.3 SHLD-18
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

// Beyond RCV.NXT: kept (SHLD-31), and told at once, one duplicate ACK per segment (RFC 5681 4.2).
void keep_for_later(Context& cx, Tcb& t, const Segment& seg, SeqNum seq, u32 skip, u32 data, bool fin) noexcept {
  Reassembly* r = out_of_order(cx, t);
  if (r == nullptr) return;
  if (data != 0) {
    const auto added = r->add(cx.env.pool, seq, seg.packet, skip, data, t.rcv_buf);
    cx.count(t, Tcp::out_of_order, seg.segments);
    if (added.pruned != 0) cx.count(t, Tcp::out_of_order_pruned, added.pruned);
  }
  if (fin) r->set_fin(seq + data);
  release_reassembly_if_empty(cx, t);
}

// In order: into the receive queue, then whatever that makes contiguous. Bytes by which RCV.NXT moved.
u32 deliver(Context& cx, Tcb& t, const Segment& seg, u32 skip, u32 data) noexcept {
  u32 got = t.rx.append_packet(cx.env.pool, seg.packet, skip, data);
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

void step6_urgent(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::urg) || !t.may_receive()) return;
  const SeqNum up = seg.seq + (seg.any(TcpFlags::syn) ? 1u : 0u) + seg.up;  // the byte after the urgent data: RFC 6093 3.1
  if (seg.up == 0 || up <= t.rcv_nxt || (t.is(ColdFlags::urgent_in) && up <= t.rcv_up)) return;
  if (up - t.rcv_nxt > t.rcv_wnd() + 1) return;  // a pointer far beyond what may come: A67
  //= rfc9293#3.8.5 MUST-32
  t.rcv_up = up;
  t.mark(ColdFlags::urgent_in);
  t.unmark(ColdFlags::urgent_read);
  t.set(HotFlags::slow_path);
  cx.count(t, Tcp::urgent_in);
  cx.notify(t, Ready::priority);
}

Verdict step7_text(Context& cx, Tcb& t, Segment& seg) noexcept {
  const bool fin = seg.any(TcpFlags::fin);
  if (!t.may_receive() || (seg.data == 0 && !fin)) return Verdict::next_step;
  SeqNum seq = seg.seq + (seg.any(TcpFlags::syn) ? 1u : 0u);
  u32 skip = seg.skip, data = seg.data;
  bool with_fin = fin;
  if (seq < t.rcv_nxt) {  // begins with what we have
    const u32 old = std::min(t.rcv_nxt - seq, data);
    seq += old;
    skip += old;
    data -= old;
    t.set(HotFlags::ack_now);
  }
  if (seq + data > t.rcv_adv) {  // ends beyond the window
    const u32 room = t.rcv_adv > seq ? t.rcv_adv - seq : 0;
    if (room < data) {
      data = std::min(data, room);
      with_fin = false;
      t.set(HotFlags::ack_now);
    }
  }
  if (with_fin && t.rcv_wnd() == 0) {  // a closed window admits no FIN either
    with_fin = false;
    t.set(HotFlags::ack_now);
  }
  if (data != 0 && t.is(ColdFlags::user_closed)) {  // nobody will ever read it: RFC 1122 4.2.2.13, RFC 2525 2.17
    abort_connection(cx, t, Errc::would_block, Tcp::abort_on_data);
    return Verdict::done;
  }
  if (seq > t.rcv_nxt) {
    keep_for_later(cx, t, seg, seq, skip, data, with_fin);
    send_ack(cx, t);
    return Verdict::done;
  }
  if (data != 0) {
    const bool filled_gap = t.ooo != 0;
    const u32 got = deliver(cx, t, seg, skip, data);
    if (got != 0) cx.notify(t, Ready::in);
    if (got < data) with_fin = false;  // out of buffers: the peer sends it again
    if (filled_gap || got < data) t.set(HotFlags::ack_now);  // RFC 5681 4.2
    else acknowledge_later(cx, t, data, seg.segments);
  }
  if (with_fin && seq + data == t.rcv_nxt) {
    fin_received(cx, t);
    return Verdict::done;
  }
  if (t.ooo != 0) {
    const bool fin_now = cx.reassembly[t.ooo].fin_at(t.rcv_nxt);
    if (fin_now) fin_received(cx, t);
    else release_reassembly_if_empty(cx, t);
  }
  return Verdict::done;
}

// The FIN of a segment whose text is not taken (CLOSE-WAIT and later): a repeat, which is acknowledged again.
void step8_fin(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::fin) || t.state == State::closed) return;
  if (t.state == State::close_wait || t.state == State::closing || t.state == State::last_ack) send_ack(cx, t);
}

}  // namespace weir::tcp
