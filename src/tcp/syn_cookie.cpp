// tcp/syn_cookie.hpp
#include "tcp/syn_cookie.hpp"

#include "tcp/arrives.hpp"
#include "tcp/autotune.hpp"
#include "tcp/ecn.hpp"
#include "tcp/emit.hpp"
#include "tcp/negotiate.hpp"

namespace weir::tcp::syn_cookie {
namespace {

u32 slot_of(Instant t) noexcept { return static_cast<u32>(t.ns / slot_ns); }

// From the top: the slot's lowest bit, three bits of MSS class, 28 bits of MAC. For each slot and class just one number is right, so
// of guesses 16 in 2^32 are. The four bits that say something are masked: initial sequence numbers must not look alike.
struct Cookie {
  u32 slot;  // the lowest bit counts
  u8 mss;    // a class

  [[nodiscard]] u32 head(u32 mask) const noexcept { return ((slot & 1) << 3 | mss) ^ mask >> 28; }
};

u32 mac(SipKey key, const Flow& f, SeqNum irs, u8 mss) noexcept {
  std::byte in[43];
  f.local.v6().store(in);
  f.remote.v6().store(in + 16);
  store_be16(in + 32, f.local_port);
  store_be16(in + 34, f.remote_port);
  store_be16(in + 36, f.netns);
  store_be32(in + 38, irs.raw);
  in[42] = std::byte{mss};
  return static_cast<u32>(siphash24(key, in)) & 0x0fff'ffff;
}

// Each slot has a secret of its own, drawn when it is first needed, and forgotten by the next slot but one.
SipKey secret_for_sending(Context& cx, u32 slot) noexcept {
  CookieSecret& s = cx.cookie_secrets[slot & 1];
  if (!s.valid || s.slot != slot) s = {{cx.env.rng.next_u64(), cx.env.rng.next_u64()}, slot, true};
  return s.key;
}

std::optional<Cookie> check(const Context& cx, const Flow& f, SeqNum irs, SeqNum iss) noexcept {
  const u32 head = (iss.raw ^ timestamp_offset(cx, f)) >> 28;
  const u32 now = slot_of(cx.now);
  const Cookie c{(now & 1) == head >> 3 ? now : now - 1, static_cast<u8>(head & 7)};
  const CookieSecret& s = cx.cookie_secrets[c.slot & 1];
  if (!s.valid || s.slot != c.slot || mac(s.key, f, irs, c.mss) != (iss.raw & 0x0fff'ffff)) return {};
  return c;
}

// Only while cookies were sent by this listener within the last two slots: at other times no ACK opens anything (RFC 4987 3.6).
bool expected(const Context& cx, const Listener& l) noexcept { return l.cookies_sent && slot_of(cx.now) - l.cookie_slot <= 1; }

void name_flow(HalfOpen& h, const Flow& f, u32 listener) noexcept {
  h.local = f.local, h.remote = f.remote, h.local_port = f.local_port, h.remote_port = f.remote_port;
  h.netns = f.netns;
  h.listener = listener;
}

// What the echoed timestamp tells. False: it is none that a cookie of ours had.
bool take_stamp(const Context& cx, const wire::TcpOptions& o, const Cookie& c, const Listener& l, HalfOpen& h) noexcept {
  const u32 age = cx.now_ms + h.ts_offset - o.ts_ecr;
  if (age > 2 * slot_ns / 1'000'000 + (1u << stamp_bits)) return false;
  const Offered offered = unstamp(o.ts_ecr);
  h.bits |= HalfOpen::timestamps;
  h.ts_recent = o.ts_val;
  if (offered.sack) h.bits |= HalfOpen::sack;
  if (offered.ecn) h.bits |= HalfOpen::ecn;
  if (offered.wscale != Offered::no_scale) {
    h.bits |= HalfOpen::wscale;
    h.snd_wscale = offered.wscale;
    h.rcv_wscale = l.cookie_shift[c.slot & 1];
  }
  return true;
}

// The entry that would have been made by the SYN. 0: no cookie, or no room.
u32 restore(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o) noexcept {
  const Listener& l = cx.listeners[listener];
  const auto c = check(cx, flow, seg.seq - 1, seg.ack - 1);
  if (!c) return 0;
  HalfOpen h{};
  h.ts_offset = timestamp_offset(cx, flow);
  if (o.has_ts && !take_stamp(cx, o, *c, l, h)) return 0;
  name_flow(h, flow, listener);
  h.iss = seg.ack - 1;
  h.irs = seg.seq - 1;
  h.rcv_wnd = receive_limit(cx, cx.tcbs[l.tcb]);
  h.peer_mss = mss_classes[c->mss];
  h.bits |= HalfOpen::cookie;
  return cx.half_open.alloc(h);
}

}  // namespace

void send(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o) noexcept {
  Listener& l = cx.listeners[listener];
  const Sysctl& sys = cx.env.sysctl(flow.netns);
  const u32 slot = slot_of(cx.now);
  const Tcb& lt = cx.tcbs[l.tcb];
  if (!l.cookies_sent || l.cookie_slot != slot) {  // the scale is not told again: one for the whole slot
    l.cookies_sent = true;
    l.cookie_slot = slot;
    l.cookie_shift[slot & 1] = window_shift(autotune::largest_receive_buffer(sys, lt));
  }
  HalfOpen h{};
  name_flow(h, flow, listener);
  h.irs = seg.seq;
  h.rcv_wnd = receive_limit(cx, lt);
  const u32 mask = timestamp_offset(cx, flow);
  const Cookie c{slot, mss_class(peer_mss(o, flow.remote.is_v4()))};
  h.iss = {c.head(mask) << 28 | mac(secret_for_sending(cx, slot), flow, seg.seq, c.mss)};
  if (o.has_ts && sys.tcp_timestamps) {
    Offered offered{.sack = o.sack_permitted && sys.tcp_sack, .ecn = ecn::accepts(sys, seg)};
    if (o.wscale && sys.tcp_window_scaling) {
      offered.wscale = peer_shift(o);
      h.bits |= HalfOpen::wscale;
      h.rcv_wscale = l.cookie_shift[slot & 1];
    }
    if (offered.sack) h.bits |= HalfOpen::sack;
    if (offered.ecn) h.bits |= HalfOpen::ecn;
    h.bits |= HalfOpen::timestamps;
    h.ts_recent = o.ts_val;
    h.ts_offset = stamp(cx.now_ms + mask, offered) - cx.now_ms;  // so that the clock shows the stamp
  }
  send_syn_ack(cx, h);
  cx.count(flow.netns).add(Tcp::syn_cookies_sent);
}

bool arrives(Context& cx, u32 listener, const Flow& flow, Segment& seg) noexcept {
  if (seg.any(TcpFlags::syn | TcpFlags::rst) || !expected(cx, cx.listeners[listener])) return false;
  const auto o = wire::parse_options(seg.options);
  const u32 i = o ? restore(cx, listener, flow, seg, *o) : 0;
  if (i == 0) {
    cx.count(flow.netns).add(Tcp::syn_cookies_failed);
    return false;
  }
  cx.count(flow.netns).add(Tcp::syn_cookies_received);
  cx.count(flow.netns).add(Tcp::passive_opens);
  seg.has_ts = o->has_ts, seg.ts_val = o->ts_val, seg.ts_ecr = o->ts_ecr;
  ++cx.listeners[listener].half_open;
  cx.insert(flow, Ref{RefKind::half_open, i});
  cx.half_wheel.arm(i, cx.now + Duration::seconds(1));
  arrives_half_open(cx, i, seg);  // as if the entry had been there all the time
  // Where the accept queue is full the entry waits for room there, as any other; if there is room for it here.
  if (cx.listeners[listener].half_open > cx.env.sysctl(flow.netns).tcp_max_syn_backlog &&
      cx.find(flow, cx.hash(flow)) == Ref{RefKind::half_open, i})
    drop_half_open(cx, i);
  return true;
}

}  // namespace weir::tcp::syn_cookie
