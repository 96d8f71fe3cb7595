// tcp/recovery/newreno.hpp
#include "tcp/recovery/newreno.hpp"

#include "tcp/trace_hooks.hpp"

namespace weir::tcp::newreno {

void on_ack(Context& cx, Tcb& t, Sender& s, Learnt& l) noexcept {
  const u32 mss = t.snd_mss;
  if (l.duplicate) {
    if (t.dup_acks != 0xff) ++t.dup_acks;
    // Not more than what can have arrived beyond the one that is missing.
    const u32 most = t.flight() > mss ? t.flight() - mss : 0;
    const u32 more = s.dup_bytes < most ? std::min(mss, most - s.dup_bytes) : 0;
    //= rfc3042#2 SHLD-1
    //= rfc5681#3.2 SHLD-6
    s.dup_bytes += more;
    s.rate.delivered += more;
    s.rate.delivered_us = cx.now_us();
    l.delivered += more;
    return;
  }
  if (!l.advanced) return;
  t.dup_acks = 0;
  // What the duplicates had announced is counted once. The first segment is the one that was missing (RFC 9937 6.2).
  const u32 known = std::min(s.dup_bytes, l.acked > mss ? l.acked - mss : 0);
  const u32 twice = std::min(known, l.delivered);
  l.delivered -= twice;
  s.rate.delivered -= twice;
  s.dup_bytes = t.path == Path::recovery ? s.dup_bytes - known : 0;
}

u32 detect(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept {
  if (s.board.empty()) return 0;
  const auto head = [&] {
    return trace::lost(cx, t, t.snd_una, s.board.mark_missing(cx.sent, t.snd_una, t.snd_una + std::min<u32>(t.snd_mss, t.flight())));
  };
  if (t.path == Path::recovery) {  // RFC 6582 3.2 step 2: a partial ACK means that the next segment is lost too
    if (!l.advanced) return 0;
    cx.count(t, Tcp::partial_acks);
    if (t.partial_acks != 2) ++t.partial_acks;
    //= rfc6582#3.2 MUST-3
    return head();
  }
  //= rfc5681#3.2 SHLD-5
  if (!l.duplicate || t.dup_acks != cx.sysctl(t).tcp_reordering || t.path == Path::loss) return 0;
  //= rfc6582#3.2 MUST-1
  if (t.snd_una <= t.recover) return 0;  // RFC 6582 3.2 step 1: of what a timeout has sent again though it had arrived
  return head();
}

}  // namespace weir::tcp::newreno
