// tcp/passive.hpp
#include "tcp/passive.hpp"

#include "tcp/autotune.hpp"
#include "tcp/ecn.hpp"
#include "tcp/emit.hpp"
#include "tcp/negotiate.hpp"
#include "tcp/rtt.hpp"
#include "tcp/user_timeout.hpp"

namespace weir::tcp {
namespace {

void inherit(Context& cx, Tcb& t, const Tcb& from) noexcept {
  constexpr u32 kept = ColdFlags::keepalive | ColdFlags::oob_inline | ColdFlags::linger | ColdFlags::quick_ack | ColdFlags::cork |
                       ColdFlags::family_v6 | ColdFlags::rcv_buf_set | ColdFlags::snd_buf_set;
  t.mark(from.bits & kept);
  if (from.has(HotFlags::no_delay)) t.set(HotFlags::no_delay);
  t.rcv_buf = from.rcv_buf;
  t.snd_buf = from.snd_buf;
  t.oif = from.oif;
  t.cc = from.cc;
  if (from.extra != 0) t.extra = cx.extras.alloc(cx.extras[from.extra]);
}

}  // namespace

HalfOpen half_open_of(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o, u32 min_iss) noexcept {
  const Sysctl& sys = cx.env.sysctl(flow.netns);
  const Tcb& lt = cx.tcbs[cx.listeners[listener].tcb];
  HalfOpen h{};
  h.local = flow.local, h.remote = flow.remote, h.local_port = flow.local_port, h.remote_port = flow.remote_port;
  h.netns = flow.netns;
  h.listener = listener;
  h.iss = initial_sequence(cx, flow);
  if (min_iss != 0 && h.iss < SeqNum{min_iss}) h.iss = {min_iss};
  h.irs = seg.seq;
  h.snd_wnd = seg.wnd;
  h.rcv_wnd = receive_limit(cx, lt);
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
  h.user_timeout = o.user_timeout.value_or(0);
  if (o.sack_permitted && sys.tcp_sack) h.bits |= HalfOpen::sack;
  if (ecn::accepts(sys, seg)) h.bits |= HalfOpen::ecn;
  return h;
}

Tcb* passive_tcb(Context& cx, const HalfOpen& h) noexcept {
  const u32 id = cx.tcbs.alloc();
  if (id == 0) return nullptr;
  Tcb& t = cx.tcbs[id];
  t.id = id;
  inherit(cx, t, cx.tcbs[cx.listeners[h.listener].tcb]);
  t.state = State::established;
  t.local = h.local, t.remote = h.remote, t.local_port = h.local_port, t.remote_port = h.remote_port, t.netns = h.netns;
  t.destination = h.destination, t.destination_generation = h.destination_generation;
  t.iss = h.iss, t.irs = h.irs;
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
  t.listener = h.listener;
  if (h.user_timeout != 0) user_timeout::adopt(cx, t, h.user_timeout);
  return &t;
}

void queue_for_accept(Context& cx, Tcb& t) noexcept {
  Listener& l = cx.listeners[t.listener];
  l.accept_queue.push([&](u32 i) -> u32& { return cx.tcbs[i].link; }, t.id);
  ++l.accept_n;
  cx.notify(cx.tcbs[l.tcb], Ready::in);
}

}  // namespace weir::tcp
