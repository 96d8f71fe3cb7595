// tcp/fast_open.hpp: the server's side, RFC 7413 4.2.2 and 5.
#include "tcp/fast_open.hpp"

#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"
#include "tcp/output.hpp"
#include "tcp/passive.hpp"

namespace weir::tcp::fast_open {
namespace {

using Flags = FastOpenFlags;

struct Keys {
  SipKey now, before;
  bool has_before = false;
};

SipKey of(const std::array<u64, 2>& a) noexcept { return {a[0], a[1]}; }
bool given(const std::array<u64, 2>& a) noexcept { return (a[0] | a[1]) != 0; }

// The netns's own keys, which several servers may share, or else ours, changed every day.
Keys keys(Context& cx, NetnsId netns) noexcept {
  const Sysctl& sys = cx.env.sysctl(netns);
  if (given(sys.tcp_fastopen_key)) return {of(sys.tcp_fastopen_key), of(sys.tcp_fastopen_key_before), given(sys.tcp_fastopen_key_before)};
  constexpr Duration life = Duration::seconds(24 * 3600);
  FastOpen& f = cx.fast_open;
  if (!f.has_key || cx.now - f.drawn >= life) {
    f.has_key_before = f.has_key && cx.now - f.drawn < life * 2;
    f.key_before = f.key;
    f.key = {cx.env.rng.next_u64(), cx.env.rng.next_u64()};
    f.has_key = true;
    f.drawn = cx.now;
  }
  return {f.key, f.key_before, f.has_key_before};
}

Cookie cookie(SipKey key, const Flow& f) noexcept {
  std::byte in[32];
  f.remote.v6().store(in);
  f.local.v6().store(in + 16);
  Cookie c;
  store_be64(c.data(), siphash24(key, in));
  return c;
}

bool same(Bytes a, const Cookie& b) noexcept {
  if (a.size() != b.size()) return false;
  u8 differ = 0;  // no early end: how long it takes says nothing
  for (usize i = 0; i < b.size(); ++i) differ = static_cast<u8>(differ | static_cast<u8>(a[i] ^ b[i]));
  return differ == 0;
}

constexpr u32 reset_period_s = 60;

// PendingFastOpenRequests of RFC 7413 5.1.
u32 pending(Context& cx, Listener& l) noexcept {
  const u32 period = static_cast<u32>(cx.now.ns / 1'000'000'000 / reset_period_s);
  if (period != l.reset_period) {
    l.resets[1] = period == l.reset_period + 1 ? l.resets[0] : 0;
    l.resets[0] = 0;
    l.reset_period = period;
  }
  return l.fast_open_n + l.resets[0] + l.resets[1];
}

// How many at most, 0: this listener takes none.
u32 limit(Context& cx, const Listener& l, NetnsId netns) noexcept {
  const u32 bits = cx.env.sysctl(netns).tcp_fastopen;
  if ((bits & server) == 0) return 0;
  if (const u32 own = extra(cx, cx.tcbs[l.tcb]).fast_open_max; own != 0) return own;
  return (bits & every_listener) != 0 ? std::max<u32>(l.backlog, 1) : 0;
}

Judgement take(Context& cx, Listener& l, NetnsId netns, u32 most, Judgement how) noexcept {
  if (pending(cx, l) < most) return how;
  cx.count(netns).add(Tcp::fast_open_overflow);
  return Judgement::plain;
}

}  // namespace

Cookie cookie_for(Context& cx, const Flow& flow) noexcept { return cookie(keys(cx, flow.netns).now, flow); }

Judgement judge(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o) noexcept {
  Listener& l = cx.listeners[listener];
  const u32 most = limit(cx, l, flow.netns);
  if (most == 0) return Judgement::plain;
  const bool none_needed =
      (cx.env.sysctl(flow.netns).tcp_fastopen & server_without_cookie) != 0 || (cx.tcbs[l.tcb].fast_open & Flags::no_cookie) != 0;
  if (none_needed && seg.data != 0) return take(cx, l, flow.netns, most, Judgement::accept);
  if (!o.fast_open) return Judgement::plain;
  if (o.fast_open.len == 0) {
    cx.count(flow.netns).add(Tcp::fast_open_requests);
    return Judgement::send_cookie;
  }
  const Bytes shown = o.fast_open.of(seg.options);
  const Keys k = keys(cx, flow.netns);
  if (same(shown, cookie(k.now, flow))) return take(cx, l, flow.netns, most, Judgement::accept);
  if (k.has_before && same(shown, cookie(k.before, flow))) return take(cx, l, flow.netns, most, Judgement::accept_fresh);
  cx.count(flow.netns).add(Tcp::fast_open_passive_fail);
  return Judgement::send_cookie;
}

bool accept_syn(Context& cx, const HalfOpen& h, Segment& seg, bool fresh) noexcept {
  Tcb* const made = passive_tcb(cx, h);
  if (made == nullptr) return false;
  Tcb& t = *made;
  t.state = State::syn_received;
  t.fast_open = Flags::child;
  if (fresh) t.fast_open |= Flags::fresh_cookie;
  if ((h.bits & HalfOpen::cookie_experimental) != 0) t.fast_open |= Flags::experimental;
  if (seg.data != 0) t.fast_open |= Flags::data_taken;
  // The SYN-ACK is not counted as in flight: what is answered before the handshake is over is (RFC 7413 4.2.2).
  t.snd_una = t.snd_nxt = t.snd_sml = t.iss + 1;
  t.snd_wnd = t.max_snd_wnd = seg.wnd;
  t.snd_wl1 = seg.seq, t.snd_wl2 = t.snd_una;
  init_windows(cx, t);
  t.progress_ms = t.last_rx_ms = cx.now_ms;
  t.rtt_start_us = cx.now_us();
  const u32 got = t.rx.append_packet(cx.env.pool, seg.packet, seg.skip, std::min(seg.data, t.rx.room(cx.env.pool)));
  t.rcv_nxt += got;
  t.bytes_in += got;
  t.rcv_adv = t.rcv_nxt + std::min<u32>(h.rcv_wnd, 0xffff);
  cx.insert(flow_of(t), Ref{RefKind::tcb, t.id});
  ++cx.listeners[h.listener].fast_open_n;
  cx.count(t, Tcp::passive_opens);
  cx.count(t, Tcp::fast_open_passive);
  send_syn(cx, t);
  set_timer(cx, t, true);
  queue_for_accept(cx, t);
  return true;
}

void ended(Context& cx, Tcb& t) noexcept {
  if ((t.fast_open & Flags::child) == 0) return;
  t.fast_open = static_cast<u8>(t.fast_open & ~Flags::child);
  if (t.listener == 0) return;
  --cx.listeners[t.listener].fast_open_n;
  if (!t.is(ColdFlags::accept_wait)) t.listener = 0;
}

void reset(Context& cx, Tcb& t) noexcept {
  if ((t.fast_open & Flags::child) == 0 || t.listener == 0) return;
  Listener& l = cx.listeners[t.listener];
  static_cast<void>(pending(cx, l));  // brings the period up to date
  ++l.resets[0];
}

void forget_listener(Context& cx, u32 listener) noexcept {
  if (cx.listeners[listener].fast_open_n == 0) return;
  cx.tcbs.for_each([&](u32 i) {
    Tcb& t = cx.tcbs[i];
    if ((t.fast_open & Flags::child) != 0 && t.listener == listener && t.state != State::listen) t.listener = 0;
  });
}

}  // namespace weir::tcp::fast_open
