// tcp/emit.hpp
#include "tcp/emit.hpp"

#include "ip/output.hpp"
#include "tcp/counts.hpp"
#include "tcp/ecn.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/trace_hooks.hpp"
#include "tcp/user_timeout.hpp"
#include "wire/tcp_options.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::tcp {
namespace {

struct Header {
  SeqNum seq{}, ack{};
  u16 flags = 0;
  u16 window = 0;
  u16 urgent = 0;
  Bytes options{};
};

// A descriptor with the TCP header at its anchor; the payload is appended by the caller.
buf::PacketId begin(Context& cx, const Flow& f, const Header& h) noexcept {
  const buf::PacketId id = cx.env.pool.alloc();
  if (id == buf::PacketId::none) return id;
  buf::Packet& p = cx.env.pool[id];
  const usize len = wire::emit(wire::TcpFields{.src_port = f.local_port,
                                               .dst_port = f.remote_port,
                                               .seq = h.seq,
                                               .ack = h.ack,
                                               .flags = {h.flags},
                                               .window = h.window,
                                               .urgent = h.urgent,
                                               .options = h.options},
                               {cx.env.pool.header_block(id) + buf::l4_anchor, wire::TcpView::max_len});
  p.head = buf::l4_anchor;
  p.inline_end = static_cast<u16>(buf::l4_anchor + len);
  p.payload = p.inline_end;
  p.length = static_cast<u32>(len);
  p.netns = f.netns;
  return id;
}

struct Network {
  u32 destination = 0;
  u8 ttl = 0, tos = 0;
};

// Pseudo-header sum into the checksum field, IP header in front, off to the interfaces.
void finish(Context& cx, const Flow& f, buf::PacketId id, const Network& n) noexcept {
  buf::Packet& p = cx.env.pool[id];
  const u16 sum = csum_fold(wire::pseudo_sum(f.local, f.remote, wire::proto::tcp, p.length));
  std::memcpy(cx.env.pool.header_block(id) + buf::l4_anchor + wire::TcpView::checksum_at, &sum, 2);
  p.csum = {buf::CsumKind::partial, buf::l4_anchor, wire::TcpView::checksum_at};
  const u8 ttl = n.ttl != 0 ? n.ttl : cx.env.sysctl(f.netns).default_ttl;
  ip::push_header(cx.env.pool, id, {.src = f.local, .dst = f.remote, .protocol = wire::proto::tcp, .ttl = ttl, .tos = n.tos});
  p.destination = n.destination;
  cx.env.out.push(cx.env.pool, id);
}

Network network(Context& cx, Tcb& t) noexcept {
  const Extra& x = extra(cx, t);
  return {destination(cx, t), x.ttl, x.tos};  //= rfc9293#3.9.1.9 SHLD-22
}

u32 ts_now(const Context& cx, u32 offset) noexcept { return cx.now_ms + offset; }

// Every segment that carries an ACK: the receive side is settled.
void acked(Context& cx, Tcb& t) noexcept {
  t.last_ack_sent = t.rcv_nxt;
  t.rcv_unacked = 0;
  t.unset(HotFlags::ack_now);
  if (t.is(ColdFlags::delayed_ack)) {
    t.unmark(ColdFlags::delayed_ack);
    cx.wheel.cancel(2 * t.id + 1);
  }
  if (t.quick_acks != 0) --t.quick_acks;
}

void count_out(Context& cx, const Tcb& t, const buf::Gso& gso, bool again) noexcept {
  cx.count(t, again ? Tcp::retrans_segs : Tcp::out_segs, gso.segments > 1 ? gso.segments : 1);
}

void set_gso(buf::Packet& p, const Tcb& t, u32 data, bool whole) noexcept {
  if (data <= t.snd_mss || whole) return;
  p.gso.type = t.remote.is_v4() ? buf::GsoType::tcp4 : buf::GsoType::tcp6;
  p.gso.size = t.snd_mss;
  p.gso.segments = static_cast<u16>((data + t.snd_mss - 1) / t.snd_mss);
}

// What the peer should know of data out of order (RFC 2018 4), and of what came twice (RFC 2883), which goes first and is told once.
usize emit_sack(Context& cx, Tcb& t, MutBytes options) noexcept {
  std::array<wire::SackBlock, 4> blocks;
  u32 n = 0;
  const auto add = [&](SeqNum left, SeqNum right) {
    if (n < blocks.size()) blocks[n++] = {left, right};
  };
  if (t.dsack_left != t.dsack_right) {
    const SeqNum left = t.dsack_left, right = t.dsack_right;
    //= rfc2883#4 MUST-1, MUST-3
    add(left, right);
    // Of data that is not acknowledged yet the block that it lies in comes second.
    //= rfc2883#4 MUST-4
    if (t.ooo != 0 && right > t.rcv_nxt)
      if (const auto whole = cx.reassembly[t.ooo].around(left)) add(whole->start, whole->end);
    //= rfc2883#4 MUST-2
    t.dsack_left = t.dsack_right = {};
    cx.count(t, Tcp::dsacks_out);
  }
  const u32 told = n;
  if (t.ooo != 0) {
    const Reassembly& r = cx.reassembly[t.ooo];
    // A FIN takes a number of its own behind the data it came with, or without any.
    const auto end = [&](SeqNum e) { return r.has_fin() && r.fin() == e ? e + 1 : e; };
    if (r.has_fin() && !r.around(r.fin() - 1)) add(r.fin(), r.fin() + 1);
    //= rfc2018#4 MUST-3, SHLD-2, SHLD-3
    //= rfc2018#3 MUST-4
    //= rfc2883#4 SHLD-1
    r.for_each_recent([&](const Reassembly::Span& s) {
      if (told != 2 || s.start != blocks[1].left) add(s.start, end(s.end));
    });
  }
  wire::TcpOptionsOut o{.sack = {blocks.data(), n}};
  if (t.has(HotFlags::timestamps)) o.has_ts = true, o.ts_val = ts_now(cx, t.ts_offset), o.ts_ecr = t.ts_recent;
  return wire::emit_options(options, o);
}

}  // namespace

u32 destination(Context& cx, Tcb& t) noexcept {
  if (cx.env.destinations.valid(t.destination, t.destination_generation)) [[likely]]
    return t.destination;
  const auto d = cx.env.route(cx.env.cx, {t.netns, t.remote, t.local, t.oif}, cx.now);  //= rfc9293#3.9.1.1 MUST-45
  t.destination = d ? *d : 0;
  t.destination_generation = d ? cx.env.destinations[*d].generation : 0;
  return t.destination;
}

u16 effective_mss(Context& cx, Tcb& t) noexcept {
  const u32 ip_header = t.remote.is_v4() ? 20 : 40;
  const u32 d = destination(cx, t);
  const u32 mtu = d != 0 ? cx.env.destinations.mtu(d, cx.now) : (t.remote.is_v4() ? 576u : 1280u);
  const u32 path = mtu > ip_header + 20 ? mtu - ip_header - 20 : 8;
  u32 mss = std::min<u32>(t.peer_mss, path);  //= rfc9293#3.7.1 MUST-16
  if (const u16 user = extra(cx, t).max_segment; user != 0) mss = std::min<u32>(mss, user);
  mss = std::max<u32>(mss, cx.sysctl(t).tcp_min_snd_mss);
  if (t.mss_limit != 0) mss = std::min<u32>(mss, t.mss_limit + (t.has(HotFlags::timestamps) ? 12u : 0u));
  if (t.has(HotFlags::timestamps)) mss -= 12;  // RFC 6691: options are taken off what is sent
  return static_cast<u16>(mss);
}

void update_mss(Context& cx, Tcb& t) noexcept { t.snd_mss = effective_mss(cx, t); }

u16 announced_mss(Context& cx, u32 destination, bool v4, u16 limit) noexcept {
  const u32 headers = v4 ? 40 : 60;
  const u32 mtu = destination != 0 ? cx.env.destinations[destination].mtu : 576u;  //= rfc9293#3.7.3 SHLD-6
  const u32 mss = mtu > headers + 8 ? std::min<u32>(mtu - headers, 65'535) : 8;  //= rfc9293#3.7.1 MUST-67
  return static_cast<u16>(limit != 0 ? std::min<u32>(mss, limit) : mss);
}

u32 receive_limit(const Context& cx, const Tcb& t) noexcept {
  if (t.extra == 0) [[likely]]
    return t.rcv_buf;
  const u32 clamp = cx.extras[t.extra].window_clamp;
  return clamp != 0 ? std::min(t.rcv_buf, clamp) : t.rcv_buf;
}

u32 receive_space(const Context& cx, const Tcb& t) noexcept {
  // Payload counts against the buffer; so does true size, at half its weight: tiny segments cannot hold a lot of memory.
  const u32 used = std::max(t.rx.size(), t.rx.charged() / 2);
  const u32 most = 0xffffu << t.rcv_wscale;  // what the field can tell: without scaling less than the buffer
  const u32 left = used < t.rcv_buf ? std::min({t.rcv_buf - used, most, receive_limit(cx, t)}) : 0;
  return std::min(left, t.rx.room(cx.env.pool));  // when buffers are short less is promised
}

u32 window_gain(const Context& cx, const Tcb& t) noexcept {
  const SeqNum edge = t.rcv_nxt + receive_space(cx, t);
  return edge > t.rcv_adv ? edge - t.rcv_adv : 0;
}

u16 advertise(Context& cx, Tcb& t) noexcept {
  //= rfc9293#3.8.6.2.2 MUST-39
  const u32 gain = window_gain(cx, t);
  if (gain >= std::min<u32>(receive_limit(cx, t) / 2, std::max<u16>(t.rcv_mss, 1))) t.rcv_adv += gain;
  const u32 wnd = t.rcv_wnd();
  // Rounded up, so that the edge as the peer computes it never moves left (SHLD-14). A peer that sends less than a unit
  // at a time gains up to a unit with each of our ACKs: what that adds up to is bounded (A74), then it is rounded down.
  const u32 unit = 1u << t.rcv_wscale;
  const u32 up = (wnd + unit - 1) >> t.rcv_wscale << t.rcv_wscale;
  const u32 promised = std::max(t.rcv_buf, t.rcv_buf_before);
  const bool bounded = t.rx.size() + up <= promised + promised / 4;
  const u32 field = std::min<u32>((bounded ? up : wnd) >> t.rcv_wscale, 0xffff);
  const SeqNum told = t.rcv_nxt + (field << t.rcv_wscale);
  if (told > t.rcv_adv) t.rcv_adv = told;  //= rfc9293#3.8.6 SHLD-14
  return static_cast<u16>(field);
}

bool send_segment(Context& cx, Tcb& t, SeqNum seq, u32 data, u16 flags, bool whole) noexcept {
  std::byte options[wire::tcp_option::max_len];
  Header h{.seq = seq, .ack = t.rcv_nxt, .flags = static_cast<u16>(flags | TcpFlags::ack), .window = advertise(cx, t)};
  const bool room_for_sack = data == 0 || data + wire::tcp_option::max_len <= t.snd_mss;  // a full segment follows an ACK that has it
  //= rfc2018#4 SHLD-1
  if (room_for_sack && t.has(HotFlags::sack) && (t.ooo != 0 || t.dsack_left != t.dsack_right)) [[unlikely]]
    h.options = Bytes{options, emit_sack(cx, t, options)};
  else if (t.has(HotFlags::timestamps)) h.options = Bytes{options, wire::emit_ts_only(options, ts_now(cx, t.ts_offset), t.ts_recent)};
  if (t.is(ColdFlags::urgent_out) && t.snd_up > seq) {  //= rfc9293#3.8.5 MUST-62
    h.flags |= TcpFlags::urg;
    h.urgent = static_cast<u16>(std::min<u32>(t.snd_up - seq, 0xffff));  //= rfc9293#3.8.5 MUST-31
  }
  const bool again = seq < t.snd_nxt;
  if (t.ecn != 0) h.flags |= ecn::flags(t, data, again);
  const Flow f = flow_of(t);
  const buf::PacketId id = begin(cx, f, h);
  if (id == buf::PacketId::none) return false;
  if (data != 0 && !t.tx.reference(cx.env.pool, id, seq - t.tx_seq(), data)) {
    cx.env.pool.release(id);
    return false;
  }
  buf::Packet& p = cx.env.pool[id];
  p.owner = t.user;
  set_gso(p, t, data, whole);
  if ((h.flags & TcpFlags::cwr) != 0) p.gso.flags |= buf::Gso::ecn;
  count_out(cx, t, p.gso, again);
  const u32 segments = std::max<u32>(p.gso.segments, 1);
  counts::sent(cx, t, data, segments, again);
  Network n = network(cx, t);
  if (t.ecn != 0) n.tos |= ecn::ip_bits(t, data, again, t.snd_wnd == 0);
  finish(cx, f, id, n);
  acked(cx, t);
  trace::sent(cx, t, seq, data, h.flags, segments, again);
  return true;
}

void send_ack_at(Context& cx, Tcb& t, SeqNum seq) noexcept {
  if (send_segment(cx, t, seq, 0, 0)) cx.count(t, Tcp::pure_acks);
}

void send_ack(Context& cx, Tcb& t) noexcept { send_ack_at(cx, t, t.snd_nxt); }

void send_syn(Context& cx, Tcb& t) noexcept {
  const bool syn_ack = t.state == State::syn_received;
  const u32 d = destination(cx, t);
  const Sysctl& sys = cx.sysctl(t);
  wire::TcpOptionsOut o;
  o.mss = announced_mss(cx, d, t.remote.is_v4(), extra(cx, t).max_segment);  //= rfc9293#3.7.1 MUST-14, SHLD-5, MAY-3
  o.sack_permitted = syn_ack ? t.has(HotFlags::sack) : sys.tcp_sack;
  const bool want_ts = syn_ack ? t.has(HotFlags::timestamps) : sys.tcp_timestamps;
  if (want_ts) {
    o.has_ts = true;
    o.ts_val = ts_now(cx, t.ts_offset);
    o.ts_ecr = syn_ack ? t.ts_recent : 0;
  }
  if (t.rcv_wscale != 0 || (!syn_ack && sys.tcp_window_scaling)) o.wscale = t.rcv_wscale;
  fast_open::Cookie cookie;
  fast_open::add_option(cx, t, o, cookie);
  if (!o.fast_open) o.user_timeout = user_timeout::to_send(cx, t);  // a long cookie leaves no room
  std::byte options[40];
  Header h{.seq = t.iss, .ack = syn_ack ? t.rcv_nxt : SeqNum{}, .flags = TcpFlags::syn};
  if (!syn_ack) h.flags |= ecn::syn_flags(cx, t);
  else h.flags |= (t.ecn & EcnState::on) != 0 ? TcpFlags::ack | TcpFlags::ece : TcpFlags::ack;
  h.window = static_cast<u16>(std::min<u32>(receive_limit(cx, t), 0xffff));  // RFC 7323 2.2: never scaled on a SYN
  h.options = Bytes{options, wire::emit_options(options, o)};
  const Flow f = flow_of(t);
  const buf::PacketId id = begin(cx, f, h);
  if (id == buf::PacketId::none) return;
  const u32 data = fast_open::data_on_syn(cx, t, h.options.size());
  if (data != 0 && t.tx.reference(cx.env.pool, id, 0, data)) t.snd_nxt = t.iss + 1 + data;
  cx.count(t, t.retries != 0 ? Tcp::syn_retransmits : Tcp::out_segs);
  finish(cx, f, id, network(cx, t));
  trace::sent(cx, t, t.iss, 0, h.flags, 1, t.retries != 0);
  if (syn_ack) acked(cx, t);
}

void send_syn_ack(Context& cx, HalfOpen& h) noexcept {
  if (!cx.env.destinations.valid(h.destination, h.destination_generation)) {
    const auto d = cx.env.route(cx.env.cx, {h.netns, h.remote, h.local, 0}, cx.now);
    if (!d) return;
    h.destination = *d;
    h.destination_generation = cx.env.destinations[*d].generation;
  }
  wire::TcpOptionsOut o;
  const Tcb& listener = cx.tcbs[cx.listeners[h.listener].tcb];
  o.mss = announced_mss(cx, h.destination, h.remote.is_v4(), extra(cx, listener).max_segment);  //= rfc9293#3.7.1 MUST-14, SHLD-5
  o.sack_permitted = (h.bits & HalfOpen::sack) != 0;
  if ((h.bits & HalfOpen::timestamps) != 0) {
    o.has_ts = true;
    o.ts_val = ts_now(cx, h.ts_offset);
    o.ts_ecr = h.ts_recent;
  }
  if ((h.bits & HalfOpen::wscale) != 0) o.wscale = h.rcv_wscale;
  fast_open::Cookie cookie;
  if ((h.bits & HalfOpen::send_cookie) != 0) {
    cookie = fast_open::cookie_for(cx, flow_of(h));
    o.fast_open = Bytes{cookie};
    o.fast_open_experimental = (h.bits & HalfOpen::cookie_experimental) != 0;
  } else {
    o.user_timeout = user_timeout::to_send(cx, listener);
  }
  std::byte options[40];
  Header head{.seq = h.iss, .ack = h.irs + 1, .flags = TcpFlags::syn | TcpFlags::ack};
  if ((h.bits & HalfOpen::ecn) != 0) head.flags |= TcpFlags::ece;
  head.window = static_cast<u16>(std::min<u32>(h.rcv_wnd, 0xffff));
  head.options = Bytes{options, wire::emit_options(options, o)};
  const Flow f = flow_of(h);
  const buf::PacketId id = begin(cx, f, head);
  if (id == buf::PacketId::none) return;
  cx.count(h.netns).add(h.retries != 0 ? Tcp::syn_retransmits : Tcp::out_segs);
  const Extra& x = extra(cx, listener);
  finish(cx, f, id, {h.destination, x.ttl, x.tos});
  h.sent_us = cx.now_us();
}

void send_reset(Context& cx, Tcb& t) noexcept {
  cx.count(t, Tcp::out_rsts);
  // From SND.NXT: the peer, whose RCV.NXT cannot be beyond it, resets at once or challenges and gets a second one.
  const bool unacknowledged = t.state == State::syn_received;
  trace::sent(cx, t, t.snd_nxt, 0, TcpFlags::rst | TcpFlags::ack, 1, false);
  send_bare(cx, flow_of(t),
            {.seq = unacknowledged ? t.iss + 1 : t.snd_nxt,
             .ack = t.rcv_nxt,
             .flags = TcpFlags::rst | TcpFlags::ack,
             .window = 0,
             .has_ts = t.has(HotFlags::timestamps),
             .ts_val = ts_now(cx, t.ts_offset),
             .ts_ecr = t.ts_recent});
}

void send_bare(Context& cx, const Flow& flow, const Bare& b) noexcept {
  std::byte options[12];
  Header h{.seq = b.seq, .ack = b.ack, .flags = b.flags, .window = b.window};
  if (b.has_ts) h.options = Bytes{options, wire::emit_ts_only(options, b.ts_val, b.ts_ecr)};
  const auto d = cx.env.route(cx.env.cx, {flow.netns, flow.remote, flow.local, 0}, cx.now);
  if (!d) return;
  const buf::PacketId id = begin(cx, flow, h);
  if (id == buf::PacketId::none) return;
  cx.count(flow.netns).add(Tcp::out_segs);
  finish(cx, flow, id, {*d, 0, 0});
}

void reply_reset(Context& cx, const Flow& flow, const Segment& seg) noexcept {
  if (seg.any(TcpFlags::rst)) return;  // RFC 9293 3.5.2
  constexpr u32 per_ms = 10, burst = 2'000;
  const i64 ms = (cx.now - cx.resets.last).ms();
  if (ms > 0) {
    cx.resets.tokens = static_cast<u32>(std::min<i64>(burst, cx.resets.tokens + ms * per_ms));
    cx.resets.last = cx.now;
  }
  if (cx.resets.tokens == 0) return cx.count(flow.netns).add(Tcp::rst_limited);
  --cx.resets.tokens;
  cx.count(flow.netns).add(Tcp::out_rsts);
  if (seg.any(TcpFlags::ack)) send_bare(cx, flow, {.seq = seg.ack, .flags = TcpFlags::rst});
  else send_bare(cx, flow, {.seq = {}, .ack = seg.end(), .flags = TcpFlags::rst | TcpFlags::ack});
}

}  // namespace weir::tcp
