// RFC 9293 3.10.7.1 to 3.10.7.3: SEGMENT ARRIVES in CLOSED, LISTEN, SYN-SENT, and SYN-RECEIVED of a passive open.
#include "tcp/arrives.hpp"
#include "tcp/autotune.hpp"
#include "tcp/cc/window.hpp"
#include "tcp/ecn.hpp"
#include "tcp/emit.hpp"
#include "tcp/negotiate.hpp"
#include "tcp/output.hpp"
#include "tcp/rtt.hpp"
#include "tcp/window.hpp"

namespace weir::tcp {
namespace {

void init_windows(Context& cx, Tcb& t) noexcept {
  update_mss(cx, t);
  const bool lost_syn = t.is(ColdFlags::syn_lost);
  // RFC 6298 5.7 and RFC 5681 3.1: a lost SYN or SYN-ACK means one segment to begin with, and 3 s.
  t.cwnd = lost_syn ? t.snd_mss : cc::initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd);
  if (lost_syn && t.srtt_us == 0) t.rto_us = 3'000'000;
  t.ssthresh = ~0u >> 1;
  t.recover = t.iss;
  t.resent_ms = cx.now_ms;
  t.quick_acks = 16;
  t.rcv_mss = 536;  // until a larger segment is seen
}

// SYN options of the peer, in SYN-SENT.
void take_options(Context& cx, Tcb& t, const wire::TcpOptions& o) noexcept {
  t.peer_mss = peer_mss(o, t.remote.is_v4());
  if (o.wscale && cx.sysctl(t).tcp_window_scaling) t.snd_wscale = peer_shift(o);
  else t.snd_wscale = t.rcv_wscale = 0;  // RFC 7323 2.2: both or none
  if (o.has_ts && cx.sysctl(t).tcp_timestamps) {
    t.set(HotFlags::timestamps);
    t.ts_recent = o.ts_val;
  }
  if (o.sack_permitted && cx.sysctl(t).tcp_sack) t.set(HotFlags::sack);
}

void take_syn(Context& cx, Tcb& t, const Segment& seg, const wire::TcpOptions& o) noexcept {
  t.irs = seg.seq;
  t.rcv_nxt = seg.seq + 1;
  t.rcv_adv = t.rcv_nxt + std::min<u32>(t.rcv_buf, 0xffff);
  t.last_ack_sent = t.rcv_nxt;
  take_options(cx, t, o);
  if (seg.any(TcpFlags::ack)) ecn::take_syn_ack(t, seg);
  else if (ecn::accepts(cx.sysctl(t), seg)) t.ecn |= EcnState::on;  // simultaneous open
  t.snd_wnd = seg.wnd;  // never scaled on a SYN
  t.snd_wl1 = seg.seq;
  t.snd_wl2 = seg.any(TcpFlags::ack) ? seg.ack : t.iss;
  t.max_snd_wnd = seg.wnd;
}

bool ack_is_of_our_syn(const Tcb& t, const Segment& seg) noexcept { return t.iss < seg.ack && seg.ack <= t.snd_nxt; }

// Text and FIN that came on the SYN or SYN-ACK: processed once the connection is up.
void rest_of_segment(Context& cx, Tcb& t, Segment& seg) noexcept {
  step6_urgent(cx, t, seg);
  if (seg.data != 0 || seg.any(TcpFlags::fin)) step7_text(cx, t, seg);
}

void syn_ack_arrives(Context& cx, Tcb& t, Segment& seg) noexcept {
  if (!t.is(ColdFlags::syn_lost)) rtt_sample(cx, t, cx.now_us() - t.rtt_start_us);
  t.unmark(ColdFlags::timing);
  t.state = State::established;
  t.snd_una = seg.ack;
  t.retries = 0;
  t.backoff = 0;
  establish(cx, t);
  cx.env.confirm(cx.env.cx, t.destination, cx.now);
  t.set(HotFlags::ack_now);
  rest_of_segment(cx, t, seg);
}

Listener* listener_of(Context& cx, const HalfOpen& h) noexcept { return &cx.listeners[h.listener]; }

void drop_half_open(Context& cx, u32 i) noexcept {
  HalfOpen& h = cx.half_open[i];
  listener_of(cx, h)->half_open--;
  cx.table.erase(cx.hash(flow_of(h)), Ref{RefKind::half_open, i});
  cx.half_wheel.cancel(i);
  cx.half_open.release(i);
}

void answer_half_open(Context& cx, HalfOpen& h, const Segment& seg, bool always) noexcept {
  if (seg.any(TcpFlags::rst)) return;
  if (!always && !may_challenge(cx.now_ms, h.last_ack_ms)) return cx.count(h.netns).add(Tcp::challenge_limited);
  send_bare(cx, flow_of(h),
            {.seq = h.iss + 1,
             .ack = h.irs + 1,
             .flags = TcpFlags::ack,
             .window = static_cast<u16>(std::min<u32>(h.rcv_wnd, 0xffff)),
             .has_ts = (h.bits & HalfOpen::timestamps) != 0,
             .ts_val = cx.now_ms + h.ts_offset,
             .ts_ecr = h.ts_recent});
}

void inherit(Context& cx, Tcb& t, const Tcb& from) noexcept {
  constexpr u32 kept = ColdFlags::keepalive | ColdFlags::oob_inline | ColdFlags::linger | ColdFlags::quick_ack | ColdFlags::cork |
                       ColdFlags::family_v6 | ColdFlags::rcv_buf_set | ColdFlags::snd_buf_set;
  t.mark(from.bits & kept);
  if (from.has(HotFlags::no_delay)) t.set(HotFlags::no_delay);
  t.rcv_buf = from.rcv_buf;
  t.snd_buf = from.snd_buf;
  t.oif = from.oif;
  t.cc = from.cc;
  if (from.extra != 0) {
    t.extra = cx.extras.alloc(cx.extras[from.extra]);
  }
}

// The handshake is through: a TCB for it, in the listener's accept queue.
Tcb* promote(Context& cx, u32 i, const Segment& seg) noexcept {
  HalfOpen h = cx.half_open[i];
  const u32 id = cx.tcbs.alloc();
  if (id == 0) return nullptr;
  Tcb& t = cx.tcbs[id];
  t.id = id;
  Listener& l = *listener_of(cx, h);
  inherit(cx, t, cx.tcbs[l.tcb]);
  t.state = State::established;
  t.local = h.local, t.remote = h.remote, t.local_port = h.local_port, t.remote_port = h.remote_port, t.netns = h.netns;
  t.destination = h.destination, t.destination_generation = h.destination_generation;
  t.iss = h.iss, t.irs = h.irs;
  t.snd_una = seg.ack, t.snd_nxt = h.iss + 1, t.snd_sml = h.iss;
  t.rcv_nxt = h.irs + 1, t.rcv_adv = t.rcv_nxt + std::min<u32>(h.rcv_wnd, 0xffff), t.last_ack_sent = t.rcv_nxt;
  t.snd_wscale = h.snd_wscale, t.rcv_wscale = (h.bits & HalfOpen::wscale) != 0 ? h.rcv_wscale : u8{0};
  t.peer_mss = h.peer_mss;
  t.ts_recent = h.ts_recent, t.ts_offset = h.ts_offset;
  if ((h.bits & HalfOpen::timestamps) != 0) t.set(HotFlags::timestamps);
  if ((h.bits & HalfOpen::sack) != 0) t.set(HotFlags::sack);
  if ((h.bits & HalfOpen::ecn) != 0) t.ecn = EcnState::on;
  t.rto_us = initial_rto_us;
  t.error = t.soft_error = Errc::would_block;
  t.mark(ColdFlags::passive | ColdFlags::in_table | ColdFlags::accept_wait);
  if ((h.bits & HalfOpen::retransmitted) != 0) t.mark(ColdFlags::syn_lost);
  else rtt_sample(cx, t, cx.now_us() - h.sent_us);
  t.snd_wnd = seg.wnd << (seg.sent_seq == seg.seq ? t.snd_wscale : u8{0});
  t.snd_wl1 = seg.sent_seq, t.snd_wl2 = seg.ack;
  t.max_snd_wnd = std::max(h.snd_wnd, t.snd_wnd);
  t.listener = h.listener;
  cx.table.replace(cx.hash(flow_of(t)), Ref{RefKind::half_open, i}, Ref{RefKind::tcb, id});
  cx.half_wheel.cancel(i);
  cx.half_open.release(i);
  --l.half_open;
  return &t;
}

void queue_for_accept(Context& cx, Tcb& t) noexcept {
  Listener& l = cx.listeners[t.listener];
  l.accept_queue.push([&](u32 i) -> u32& { return cx.tcbs[i].link; }, t.id);
  ++l.accept_n;
  cx.notify(cx.tcbs[l.tcb], Ready::in);
}

// The accept queue is full: the final ACK is dropped (the peer's retransmission finds room later), or refused.
void overflow(Context& cx, u32 i, Segment& seg) noexcept {
  HalfOpen& h = cx.half_open[i];
  cx.count(h.netns).add(Tcp::listen_overflows);
  if (cx.env.sysctl(h.netns).tcp_abort_on_overflow) {
    reply_reset(cx, flow_of(h), seg);
    drop_half_open(cx, i);
  } else {
    h.bits |= HalfOpen::acked;
  }
  drop_segment(cx, seg, Drop::tcp_listen_overflow);
}

// PAWS for SYN-RECEIVED. True: the segment goes on.
bool half_open_paws(Context& cx, HalfOpen& h, const Segment& seg) noexcept {
  if ((h.bits & HalfOpen::timestamps) == 0 || seg.any(TcpFlags::rst)) return true;
  cx.why = Drop::tcp_no_timestamp;
  if (!seg.has_ts) return false;
  if (static_cast<i32>(seg.ts_val - h.ts_recent) >= 0) return true;
  cx.why = Drop::tcp_paws;
  answer_half_open(cx, h, seg, seg.len != 0);
  return false;
}

// False: there is no room for one more.
bool new_half_open(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o, u32 min_iss_after,
                   bool has_min) noexcept {
  Listener& l = cx.listeners[listener];
  const Sysctl& sys = cx.env.sysctl(flow.netns);
  const u32 i = cx.half_open.alloc();
  if (i == 0) return false;
  HalfOpen& h = cx.half_open[i];
  const Tcb& lt = cx.tcbs[l.tcb];
  h.local = flow.local, h.remote = flow.remote, h.local_port = flow.local_port, h.remote_port = flow.remote_port;
  h.netns = flow.netns;
  h.listener = listener;
  h.iss = initial_sequence(cx, flow);
  if (has_min && h.iss < SeqNum{min_iss_after}) h.iss = {min_iss_after};
  h.irs = seg.seq;
  h.snd_wnd = seg.wnd;
  h.rcv_wnd = lt.rcv_buf;
  h.peer_mss = peer_mss(o, flow.remote.is_v4());
  h.ts_offset = timestamp_offset(cx, flow);
  if (o.has_ts && sys.tcp_timestamps) {
    h.bits |= HalfOpen::timestamps;
    h.ts_recent = o.ts_val;
  }
  if (o.wscale && sys.tcp_window_scaling) {
    h.bits |= HalfOpen::wscale;
    h.snd_wscale = peer_shift(o);
    h.rcv_wscale = window_shift(autotune::largest_receive_buffer(sys, lt));
  }
  //= rfc2018#2 MUST-1
  if (o.sack_permitted && sys.tcp_sack) h.bits |= HalfOpen::sack;
  if (ecn::accepts(sys, seg)) h.bits |= HalfOpen::ecn;
  ++l.half_open;
  cx.insert(flow, Ref{RefKind::half_open, i});
  cx.count(flow.netns).add(Tcp::passive_opens);
  send_syn_ack(cx, h);
  cx.half_wheel.arm(i, cx.now + Duration::micros(initial_rto_us));
  return true;
}

}  // namespace

void establish(Context& cx, Tcb& t) noexcept {
  init_windows(cx, t);
  if (t.has(HotFlags::fin_queued)) t.state = State::fin_wait_1;  // closed in SYN-RECEIVED: RFC 9293 3.10.4
  t.progress_ms = t.last_rx_ms = cx.now_ms;
  t.snd_sml = t.snd_una;
  t.mark(ColdFlags::write_wait);
  if (t.timer == Timer::retransmit) {  // it was the SYN's
    t.timer = Timer::none;
    cx.wheel.cancel(2 * t.id);
  }
  cx.notify(t, Ready::out);
}

void arrives_closed(Context& cx, const Flow& flow, Segment& seg) noexcept {
  reply_reset(cx, flow, seg);
  drop_segment(cx, seg, Drop::tcp_no_port);
}

// First RST, second ACK, third SYN; anything else, and SYN with FIN (A52), is dropped.
void arrives_listen(Context& cx, u32 listener, const Flow& flow, Segment& seg, u32 min_iss) noexcept {
  if (seg.any(TcpFlags::rst)) return drop_segment(cx, seg, Drop::tcp_rst_ignored);
  if (seg.any(TcpFlags::ack)) {
    reply_reset(cx, flow, seg);
    return drop_segment(cx, seg, Drop::tcp_bad_ack);
  }
  if (!seg.any(TcpFlags::syn) || seg.any(TcpFlags::fin)) return drop_segment(cx, seg, Drop::tcp_bad_flags);
  const Listener& l = cx.listeners[listener];
  if (l.accept_n > l.backlog) {
    cx.count(flow.netns).add(Tcp::listen_overflows);
    return drop_segment(cx, seg, Drop::tcp_listen_overflow);
  }
  if (l.half_open >= cx.env.sysctl(flow.netns).tcp_max_syn_backlog) {
    cx.count(flow.netns).add(Tcp::half_open_drops);
    return drop_segment(cx, seg, Drop::tcp_half_open_limit);
  }
  const auto o = wire::parse_options(seg.options);
  if (!o) return drop_segment(cx, seg, o.error());
  if (!new_half_open(cx, listener, flow, seg, *o, min_iss, min_iss != 0)) {
    cx.count(flow.netns).add(Tcp::half_open_drops);
    return drop_segment(cx, seg, Drop::tcp_half_open_limit);
  }
  cx.env.pool.release(seg.packet);
  seg.packet = buf::PacketId::none;
}

namespace {

// The final ACK: the connection is up. Null: there was no room, and the segment is gone.
Tcb* complete(Context& cx, u32 i, Segment& seg) noexcept {
  HalfOpen& h = cx.half_open[i];
  const Listener& l = *listener_of(cx, h);
  if (l.accept_n > l.backlog) {
    overflow(cx, i, seg);
    return nullptr;
  }
  Tcb* t = promote(cx, i, seg);
  if (t == nullptr) {
    drop_segment(cx, seg, Drop::tcp_memory);
    return nullptr;
  }
  t->set(HotFlags::touched);
  if (!cx.touched.push(t->id)) WEIR_ASSERT(false);
  update_ts_recent(cx, *t, seg);
  establish(cx, *t);
  cx.env.confirm(cx.env.cx, t->destination, cx.now);
  queue_for_accept(cx, *t);
  return t;
}

void half_open_reset(Context& cx, u32 i, Segment& seg) noexcept {
  HalfOpen& h = cx.half_open[i];
  if (seg.seq == h.irs + 1) {
    cx.count(h.netns).add(Tcp::attempt_fails);
    drop_half_open(cx, i);  //= rfc9293#3.5 MUST-11
    cx.env.pool.release(seg.packet);
    seg.packet = buf::PacketId::none;
    return;
  }
  if (ReceiveWindow{h.irs + 1, std::min<u32>(h.rcv_wnd, 0xffff)}.holds(seg.seq)) answer_half_open(cx, h, Segment{}, false);
  drop_segment(cx, seg, Drop::tcp_rst_ignored);
}

// Outside the window. Where it touches the window its ACK may still complete the handshake; then it is answered.
void half_open_unacceptable(Context& cx, u32 i, Segment& seg, const ReceiveWindow& w) noexcept {
  HalfOpen& h = cx.half_open[i];
  const bool good_ack = seg.any(TcpFlags::ack) && seg.ack == h.iss + 1;
  if (!seg.any(TcpFlags::syn) && good_ack && w.touched_by(seg)) {
    Tcb* t = complete(cx, i, seg);
    if (t == nullptr) return;
    if (answer_always(w, seg, true)) send_ack(cx, *t);
    else challenge(cx, *t);
  } else {
    answer_half_open(cx, h, seg, answer_always(w, seg, good_ack));
  }
  drop_segment(cx, seg, Drop::tcp_bad_seq);
}

}  // namespace

void arrives_half_open(Context& cx, u32 i, Segment& seg) noexcept {
  HalfOpen& h = cx.half_open[i];
  bool syn_ack = false;
  // The peer's SYN again lies before the window: alone it asks for our SYN-ACK again.
  if (seg.any(TcpFlags::syn) && !seg.any(TcpFlags::rst) && seg.seq == h.irs) {
    if (!seg.any(TcpFlags::ack)) {
      h.bits |= HalfOpen::retransmitted;
      if (h.retries < 255) ++h.retries;
      send_syn_ack(cx, h);
      return drop_segment(cx, seg, Drop::tcp_duplicate);
    }
    seg.cut_syn();
    syn_ack = true;
  }
  if (!half_open_paws(cx, h, seg)) return drop_segment(cx, seg, cx.why);
  const ReceiveWindow w{h.irs + 1, std::min<u32>(h.rcv_wnd, 0xffff)};
  if (seg.any(TcpFlags::rst)) return half_open_reset(cx, i, seg);
  if (!w.acceptable(seg) && !w.pure_ack_at_edge(seg)) return half_open_unacceptable(cx, i, seg, w);
  if (seg.any(TcpFlags::syn)) {  // a new SYN in the window: back to LISTEN
    drop_half_open(cx, i);
    return drop_segment(cx, seg, Drop::tcp_bad_flags);
  }
  if (!seg.any(TcpFlags::ack)) {
    if (syn_ack) answer_half_open(cx, h, seg, true);
    return drop_segment(cx, seg, Drop::tcp_bad_flags);
  }
  if (seg.ack != h.iss + 1) {
    reply_reset(cx, flow_of(h), seg);
    return drop_segment(cx, seg, Drop::tcp_bad_ack);
  }
  Tcb* t = complete(cx, i, seg);
  if (t == nullptr) return;
  if (syn_ack) t->set(HotFlags::ack_now);
  rest_of_segment(cx, *t, seg);
  if (seg.packet != buf::PacketId::none) cx.env.pool.release(seg.packet);
  seg.packet = buf::PacketId::none;
}

void arrives_syn_sent(Context& cx, Tcb& t, Segment& seg) noexcept {
  const bool ack = seg.any(TcpFlags::ack);
  if (ack && !ack_is_of_our_syn(t, seg)) {  // first: the ACK
    reply_reset(cx, flow_of(t), seg);
    return drop_segment(cx, seg, Drop::tcp_bad_ack);
  }
  if (seg.any(TcpFlags::rst)) {  // second
    if (!ack) return drop_segment(cx, seg, Drop::tcp_rst_ignored);
    if ((t.ecn & EcnState::offered) != 0) {  // RFC 3168 6.1.1.1: some refuse a SYN for its flags
      t.ecn = EcnState::refused;
      retransmit_head(cx, t);
      return drop_segment(cx, seg, Drop::tcp_rst_ignored);
    }
    cx.count(t, Tcp::attempt_fails);
    finish_connection(cx, t, Errc::conn_refused);
    cx.env.pool.release(seg.packet);
    seg.packet = buf::PacketId::none;
    return;
  }
  if (!seg.any(TcpFlags::syn)) return drop_segment(cx, seg, Drop::tcp_bad_flags);  // fifth
  const auto o = wire::parse_options(seg.options);
  if (!o) return drop_segment(cx, seg, o.error());
  take_syn(cx, t, seg, *o);  // fourth
  if (ack) {
    syn_ack_arrives(cx, t, seg);
  } else {  // simultaneous open
    //= rfc9293#3.5 MUST-10
    t.state = State::syn_received;
    t.rto_us = initial_rto_us;
    update_mss(cx, t);
    send_syn(cx, t);
    t.timer = Timer::none;
    set_timer(cx, t, true);
  }
  if (seg.packet != buf::PacketId::none) cx.env.pool.release(seg.packet);
  seg.packet = buf::PacketId::none;
}

}  // namespace weir::tcp
