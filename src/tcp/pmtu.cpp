// tcp/pmtu.hpp
#include "tcp/pmtu.hpp"

#include "tcp/arrives.hpp"
#include "tcp/emit.hpp"
#include "tcp/output.hpp"
#include "tcp/recovery/recovery.hpp"

namespace weir::tcp {
namespace {

u32 headers(const Tcb& t) noexcept { return (t.remote.is_v4() ? 40u : 60u) + (t.has(HotFlags::timestamps) ? 12u : 0u); }

void shrink(Context& cx, Tcb& t, u32 mtu) noexcept {
  const u32 d = destination(cx, t);
  if (d == 0) return;
  const u16 before = t.snd_mss;
  cx.env.destinations.too_big(d, mtu, t.max_sent + headers(t), cx.now);
  update_mss(cx, t);
  if (t.snd_mss >= before) return cx.count(t, Tcp::pmtu_ignored);
  cx.count(t, Tcp::pmtu_reductions);
  t.path_is_narrow = true;
  t.max_acked = std::min(t.max_acked, t.snd_mss);
  t.max_sent = std::min(t.max_sent, t.snd_mss);
  // What is in flight was too big and is lost, but not by congestion: sent again in smaller pieces, cwnd is kept.
  if (Sender* s = sender(cx, t)) recovery::on_too_big(cx, t, *s);
  t.cwnd = std::max<u32>(t.cwnd, 2u * t.snd_mss);
  t.unmark(ColdFlags::timing);
}

// RFC 5927 7.2. An MTU of 0 is an old router's: it names none (RFC 1191 5).
void too_big(Context& cx, Tcb& t, u32 mtu) noexcept {
  if (!t.synchronized()) return cx.count(t, Tcp::pmtu_ignored);  // a SYN fits every link
  const u32 sent = t.max_sent + headers(t);    // the largest packet sent
  const u32 acked = t.max_acked + headers(t);  // the largest that is known to have arrived
  if (mtu >= sent) return cx.count(t, Tcp::pmtu_ignored);
  if (t.max_acked == 0 || (mtu != 0 && mtu >= acked)) {  // nothing speaks against the claim
    shrink(cx, t, mtu);
    return output(cx, t);
  }
  t.claimed_mtu = static_cast<u16>(mtu);  // waits: forged claims starve while data is acknowledged
  t.mark(ColdFlags::pmtu_pending);
}

Errc errc(ip::IcmpError::Kind kind) noexcept {
  using K = ip::IcmpError::Kind;
  switch (kind) {
    case K::net_unreachable: return Errc::net_unreachable;
    case K::port_unreachable:
    case K::protocol_unreachable: return Errc::conn_refused;
    case K::admin_prohibited: return Errc::host_unreachable;
    case K::parameter_problem: return Errc::protocol_error;
    default: return Errc::host_unreachable;
  }
}

void on_tcb_error(Context& cx, Tcb& t, const ip::IcmpError& e, SeqNum quoted) noexcept {
  using K = ip::IcmpError::Kind;
  if (!seq_in(quoted, t.snd_una, t.snd_nxt)) {  // RFC 5927 4.1
    cx.env.netns[t.netns].drops->add(Drop::icmp_stale);
    return;
  }
  if (e.kind == K::too_big) return too_big(cx, t, e.mtu);
  const bool hard = e.kind == K::port_unreachable || e.kind == K::protocol_unreachable || e.kind == K::admin_prohibited;
  if (t.state == State::syn_sent && hard) {
    cx.count(t, Tcp::attempt_fails);
    return finish_connection(cx, t, errc(e.kind));  //= rfc9293#3.9.2.2 SHLD-26
  }
  cx.count(t, Tcp::icmp_soft_errors);  //= rfc9293#3.9.2.2 MUST-56
  //= rfc9293#3.9.2.2 SHLD-25
  //= rfc9293#3.9.1.8 MUST-47
  t.soft_error = errc(e.kind);         // RFC 5927 5.2: hard errors too, once synchronized
  if (t.state == State::syn_sent && e.kind != K::time_exceeded) cx.notify(t, 0);
}

}  // namespace

void apply_claimed_mtu(Context& cx, Tcb& t) noexcept {
  t.unmark(ColdFlags::pmtu_pending);
  shrink(cx, t, t.claimed_mtu);
}

void on_icmp_error(Context& cx, const ip::IcmpError& e) noexcept {
  if (e.transport.size() < 8) return;
  const Flow f{e.src, e.dst, load_be16(e.transport.data()), load_be16(e.transport.data() + 2), e.netns};
  const SeqNum quoted{load_be32(e.transport.data() + 4)};
  const Ref r = cx.find(f, cx.hash(f));
  //= rfc9293#3.9.2.2 MUST-54
  if (!r || r.kind() != RefKind::tcb) {
    cx.env.netns[e.netns].drops->add(Drop::icmp_stale);
    return;
  }
  on_tcb_error(cx, cx.tcbs[r.index()], e, quoted);
}

}  // namespace weir::tcp
