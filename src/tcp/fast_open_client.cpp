// tcp/fast_open.hpp: the client's side, RFC 7413 4.1.3 and 4.2.1.
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"

namespace weir::tcp::fast_open {
namespace {

using Flags = FastOpenFlags;

FastOpenTrouble& trouble(Context& cx, NetnsId netns) noexcept {
  auto& all = cx.fast_open.trouble;
  if (all.size() <= netns) all.resize(usize{netns} + 1);
  return all[netns];
}

// RFC 7413 4.1.3.1: where data on a SYN was not taken it is not tried again for a while: two minutes, then twice as long each time.
bool refused_lately(const Context& cx, const FastOpenEntry& e) noexcept {
  return e.losses > 1 && cx.now_ms - e.lost_ms < 60'000u << std::min<u32>(e.losses - 1u, 10);
}

bool cookie_not_needed(const Context& cx, const Tcb& t) noexcept {
  return (cx.sysctl(t).tcp_fastopen & client_without_cookie) != 0 || (t.fast_open & Flags::no_cookie) != 0;
}

// Of a SYN that is out: bytes of data on it.
u32 sent_on_syn(const Tcb& t) noexcept { return t.snd_nxt - t.iss - 1; }

// Three SYNs in a row whose data got lost while the bare SYN came through: something on the way eats them. Off for an hour, the next
// time two, up to 64.
void lost(Context& cx, const Tcb& t) noexcept {
  const u32 hour_s = cx.sysctl(t).tcp_fastopen_blackhole_timeout_s;
  FastOpenTrouble& x = trouble(cx, t.netns);
  if (hour_s == 0 || ++x.in_a_row < 3) return;
  x.in_a_row = 0;
  x.off_until = cx.now + Duration::seconds(i64{hour_s} << std::min<u32>(x.times, 6));
  ++x.times;
  cx.count(t, Tcp::fast_open_blackhole);
}

void remember(Context& cx, Tcb& t, const Segment& seg, const wire::TcpOptions& o, u32 sent, bool taken, bool was_lost) noexcept {
  const bool brings = o.fast_open && o.fast_open.len != 0;
  FastOpenEntry* e = cx.fast_open.cache.find(cx.port_key, t.netns, t.remote);
  if (e == nullptr && !brings && sent == 0) return;
  if (e == nullptr) e = &cx.fast_open.cache.get(cx.port_key, t.netns, t.remote);
  e->mss = t.peer_mss;
  if (brings) {
    e->len = o.fast_open.len;
    e->experimental = o.fast_open_experimental;
    std::ranges::copy(o.fast_open.of(seg.options), e->cookie.begin());
  }
  if (taken) {
    e->losses = 0;
  } else if (sent != 0 && (was_lost || !brings)) {
    if (e->losses != 255) ++e->losses;
    e->lost_ms = cx.now_ms;
  }
}

}  // namespace

bool enabled(Context& cx, const Tcb& t) noexcept {
  return (cx.sysctl(t).tcp_fastopen & client) != 0 && cx.now >= trouble(cx, t.netns).off_until;
}

bool may_send_data(Context& cx, const Tcb& t, const IpAddr& to) noexcept {
  if (!enabled(cx, t)) return false;
  const FastOpenEntry* e = cx.fast_open.cache.find(cx.port_key, t.netns, to);
  if (e != nullptr && refused_lately(cx, *e)) return false;
  return cookie_not_needed(cx, t) || (e != nullptr && e->len != 0);
}

void add_option(Context& cx, Tcb& t, wire::TcpOptionsOut& o, Cookie& storage) noexcept {
  if (t.state == State::syn_received) {
    if ((t.fast_open & Flags::fresh_cookie) == 0) return;
    storage = cookie_for(cx, flow_of(t));
    o.fast_open = Bytes{storage};
    o.fast_open_experimental = (t.fast_open & Flags::experimental) != 0;
    return;
  }
  // Sent again it goes bare: whatever lost the first one may have disliked this (RFC 7413 4.2.1).
  if ((t.fast_open & Flags::asked) == 0 || t.retries != 0 || (!t.tx.empty() && cookie_not_needed(cx, t))) return;
  const FastOpenEntry* e = cx.fast_open.cache.find(cx.port_key, t.netns, t.remote);
  o.fast_open = e != nullptr && !t.tx.empty() ? e->bytes() : Bytes{};
  o.fast_open_experimental = e != nullptr && e->experimental;
}

u32 data_on_syn(Context& cx, Tcb& t, usize options_len) noexcept {
  if (t.state != State::syn_sent || (t.fast_open & Flags::asked) == 0 || t.retries != 0 || t.tx.empty()) return 0;
  const FastOpenEntry* e = cx.fast_open.cache.find(cx.port_key, t.netns, t.remote);
  if (e != nullptr && e->mss != 0) t.peer_mss = e->mss;
  else t.peer_mss = t.remote.is_v4() ? 536 : 1220;  //= rfc9293#3.7.1 MUST-15
  const u32 mss = effective_mss(cx, t);
  cx.count(t, Tcp::fast_open_active);
  return mss > options_len ? std::min<u32>(t.tx.size(), mss - static_cast<u32>(options_len)) : 0;
}

void syn_acked(Context& cx, Tcb& t, const Segment& seg, const wire::TcpOptions& o) noexcept {
  if ((t.fast_open & Flags::asked) == 0) return;
  const u32 sent = sent_on_syn(t), taken = seg.ack - t.iss - 1;
  const bool was_lost = sent != 0 && t.retries != 0 && taken == 0;
  remember(cx, t, seg, o, sent, taken != 0, was_lost);
  if (sent == 0) return;
  t.tx.pop(cx.env.pool, taken);
  t.bytes_out += taken;
  t.snd_nxt = seg.ack;  // what was not taken is sent as if it had never been
  if (taken != 0) {
    t.fast_open |= Flags::data_taken;
    FastOpenTrouble& x = trouble(cx, t.netns);
    x.in_a_row = x.times = 0;
    return;
  }
  cx.count(t, Tcp::fast_open_active_fail);
  if (was_lost) lost(cx, t);
}

}  // namespace weir::tcp::fast_open
