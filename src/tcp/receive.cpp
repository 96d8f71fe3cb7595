// From packets to segments, and from a batch of segments to one decision per connection: all that is queued is processed
// before an ACK leaves (RFC 9293 3.10.7.4, MUST-58 and MUST-59).
#include "tcp/receive.hpp"

#include "tcp/arrives.hpp"
#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/output.hpp"
#include "tcp/trace_hooks.hpp"
#include "wire/tcp_options.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::tcp {
namespace {

Flow flow_of_packet(buf::Pool& pool, buf::PacketId id) noexcept {
  const buf::Packet& p = pool[id];
  const std::byte* l3 = pool.at(id, p.l3);
  const std::byte* l4 = pool.at(id, p.l4);  //= rfc9293#3.9.2 MUST-50
  Flow f;
  if (p.family == 4) {
    f.remote = Ip4Addr::load(l3 + 12);
    f.local = Ip4Addr::load(l3 + 16);
  } else {
    f.remote = Ip6Addr::load(l3 + 8);
    f.local = Ip6Addr::load(l3 + 24);
  }
  f.remote_port = load_be16(l4);
  f.local_port = load_be16(l4 + 2);
  f.netns = p.netns;
  return f;
}

bool checksum_ok(buf::Pool& pool, buf::PacketId id, const Flow& f) noexcept {
  const buf::Packet& p = pool[id];
  if (p.csum.kind != buf::CsumKind::none) return true;  // vouched for, or it never left this machine
  const u32 l4 = static_cast<u32>(p.l4 - p.head);
  const u64 sum = csum_plus(pool.sum_from(id, l4), wire::pseudo_sum(f.remote, f.local, wire::proto::tcp, p.length - l4));
  return csum_finish(sum) == 0;  //= rfc9293#3.1 MUST-3
}

// The header and not a byte more: payload that is pulled up is copied, and no longer adjoins what lies behind it.
bool header_in_one_piece(buf::Pool& pool, buf::PacketId id, u32 l4) noexcept {
  const u32 length = pool[id].length, least = l4 + u32{wire::TcpView::min_len};
  if (!pool.pull_up(id, std::min(length, least))) return false;
  if (length < least) return true;  // too short: parse() will say so
  const u32 header = (load_u8(pool.at(id, pool[id].l4) + 12) >> 4) * 4u;
  return pool.pull_up(id, std::min(length, l4 + header));
}

// False: dropped.
bool parse(Context& cx, buf::PacketId id, Flow& f, Segment& seg) noexcept {
  buf::Pool& pool = cx.env.pool;
  const u32 l4 = static_cast<u32>(pool[id].l4 - pool[id].head);
  if (!header_in_one_piece(pool, id, l4)) {
    cx.env.drop(id, Drop::no_buffer);
    return false;
  }
  const buf::Packet& p = pool[id];
  const auto view = wire::TcpView::parse(pool.run_from(id, p.l4));
  if (!view) {
    cx.count(p.netns).add(Tcp::in_errs);
    cx.env.drop(id, view.error());
    return false;
  }
  f = flow_of_packet(pool, id);
  if (!checksum_ok(pool, id, f)) {
    cx.count(f.netns).add(Tcp::in_errs);
    cx.env.drop(id, Drop::tcp_bad_checksum);
    return false;
  }
  constexpr u8 group = buf::PacketFlags::link_broadcast | buf::PacketFlags::link_multicast;
  if ((p.flags & group) != 0 || f.local.is_multicast()) {  //= rfc9293#3.9.2.3 MUST-57
    cx.env.drop(id, Drop::tcp_bad_address);
    return false;
  }
  if (f.remote.is_any() || f.remote.is_multicast()) {  //= rfc9293#3.9.2.3 MUST-63
    cx.env.drop(id, Drop::tcp_bad_address);
    return false;
  }
  seg.packet = id;
  seg.seq = seg.sent_seq = view->seq();
  seg.ack = view->ack();
  seg.ctl = view->flags();
  seg.wnd = view->window();
  seg.up = view->urgent();
  seg.options = view->options();
  const std::byte* const ip = pool.at(id, p.l3);
  seg.ecn = f.local.is_v4() ? load_u8(ip + 1) & 3 : load_u8(ip + 1) >> 4 & 3;
  seg.skip = l4 + static_cast<u32>(view->header_len());
  seg.data = p.length - seg.skip;
  seg.len = seg.data + (seg.any(TcpFlags::syn) ? 1u : 0u) + (seg.any(TcpFlags::fin) ? 1u : 0u);
  seg.segments = p.gso.segments > 1 ? p.gso.segments : u16{1};
  cx.count(f.netns).add(Tcp::in_segs, seg.segments);
  return true;
}

// Timestamps are wanted from every segment, everything else only from SYNs. A malformed option area is ignored as a whole
// for a connection that is up (MUST-7, A50): it must not be a way to kill one.
void parse_timestamps(Segment& seg) noexcept {
  if (seg.options.empty()) return;
  wire::TcpOptions o;
  if (!wire::parse_ts_only(seg.options, o)) {
    const auto r = wire::parse_options(seg.options);
    if (!r) return;
    o = *r;
    seg.more_options = true;
  }
  seg.has_ts = o.has_ts;  //= rfc9293#3.7.1 MUST-65
  seg.ts_val = o.ts_val;
  seg.ts_ecr = o.ts_ecr;
}

// How well a listener fits: its address is the segment's, it takes every address of the family, or it takes IPv4 beside IPv6.
u32 rank(const Tcb& t, const Flow& f) noexcept {
  if (t.netns != f.netns || t.local_port != f.local_port) return 0;
  if (t.local == f.local) return 3;
  if (!t.local.is_any()) return 0;
  const bool v6 = t.is(ColdFlags::family_v6);
  if (f.local.is_v4()) return !v6 ? 2 : t.is(ColdFlags::v6_only) ? 0 : 1;
  return v6 ? 2 : 0;
}

// Which of several that share a port (option reuse_port) a flow belongs to: the highest number wins. When one of them goes only
// its own flows move, so that a cookie finds the listener that has sent it.
u32 lot(u32 hash, u32 listener) noexcept {
  u32 x = hash ^ listener * 0x9e37'79b9u;
  x = (x ^ x >> 16) * 0x7feb'352du;
  x = (x ^ x >> 15) * 0x846c'a68bu;
  return x ^ x >> 16;
}

u32 find_listener(Context& cx, const Flow& f) noexcept {
  u32 best = 0, best_rank = 0, best_lot = 0;
  u32 hash = 0;  // only needed where there is a choice
  for (u32 i = cx.listeners.first(f.netns, f.local_port); i != 0; i = cx.listeners.next(i)) {
    const u32 r = rank(cx.tcbs[cx.listeners[i].tcb], f);
    if (r == 0 || r < best_rank) continue;
    if (r == best_rank) {
      if (hash == 0) hash = cx.hash(f), best_lot = lot(hash, best);
      const u32 mine = lot(hash, i);
      if (mine <= best_lot) continue;
      best_lot = mine;
    } else if (hash != 0) {
      best_lot = lot(hash, i);
    }
    best = i;
    best_rank = r;
  }
  return best;
}

void no_connection(Context& cx, const Flow& f, Segment& seg, u32 min_iss) noexcept {
  const u32 listener = find_listener(cx, f);
  if (listener != 0) arrives_listen(cx, listener, f, seg, min_iss);
  else arrives_closed(cx, f, seg);
}

void touch(Context& cx, Tcb& t) noexcept {
  if (t.has(HotFlags::touched)) return;
  t.set(HotFlags::touched);
  if (!cx.touched.push(t.id)) WEIR_ASSERT(false);
}

void to_tcb(Context& cx, Tcb& t, Segment& seg) noexcept {
  touch(cx, t);
  trace::arrived(cx, t, seg);
  counts::arrived(cx, t, seg);
  if (header_prediction(cx, t, seg)) [[likely]]
    return;
  if (t.state == State::syn_sent) arrives_syn_sent(cx, t, seg);
  else arrives_synchronized(cx, t, seg);
}

void dispatch(Context& cx, const Flow& f, Segment& seg, Ref& last, Flow& last_flow) noexcept {
  Ref r = last;
  if (!last || !(f == last_flow)) r = cx.find(f, cx.hash(f));
  last = {};
  if (!r) return no_connection(cx, f, seg, 0);
  parse_timestamps(seg);  //= rfc9293#3.1 MUST-5
  switch (r.kind()) {
    case RefKind::tcb: {
      Tcb& t = cx.tcbs[r.index()];
      to_tcb(cx, t, seg);
      if (t.is(ColdFlags::in_table)) {
        last = r;
        last_flow = f;
      }
      return;
    }
    case RefKind::half_open: return arrives_half_open(cx, r.index(), seg);
    default: {
      u32 min_iss = 0;
      const bool listening = seg.any(TcpFlags::syn) && find_listener(cx, f) != 0;
      if (arrives_time_wait(cx, r, seg, listening, min_iss)) no_connection(cx, f, seg, min_iss);
    }
  }
}

}  // namespace

void flush(Context& cx) noexcept {
  for (u32 i = 0; i < cx.touched.size(); ++i) {
    Tcb& t = cx.tcbs[cx.touched[i]];
    t.unset(HotFlags::touched);
    if (t.state == State::closed || t.state == State::time_wait) {
      if (t.user == 0 && t.is(ColdFlags::user_closed) && !t.is(ColdFlags::accept_wait)) free_tcb(cx, t);
      continue;
    }
    output(cx, t);
  }
  cx.touched.clear();
}

void receive(Context& cx, std::span<const buf::PacketId> packets) noexcept {
  constexpr usize at_once = 32;  // each segment touches at most two connections: room in cx.touched
  Ref last;
  Flow last_flow;
  while (!packets.empty()) {
    const auto batch = packets.first(std::min(at_once, packets.size()));
    packets = packets.subspan(batch.size());
    for (const buf::PacketId id : batch) {
      Flow f;
      Segment seg;
      if (parse(cx, id, f, seg)) dispatch(cx, f, seg, last, last_flow);
    }
    //= rfc9293#3.10.7.4 MUST-58, MUST-59
    flush(cx);
    last = {};
  }
}

}  // namespace weir::tcp
