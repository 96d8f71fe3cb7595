// tcp/recovery/newreno.hpp
#include "tcp/recovery/newreno.hpp"

#include "tcp/cc/reno.hpp"
#include "tcp/output.hpp"

namespace weir::tcp::newreno {
namespace {

void leave(Tcb& t) noexcept {
  t.recovery = Recovery::none;
  t.dup_acks = 0;
  t.ca_acked = 0;
}

// RFC 6582 3.2 step 2: a partial ACK means that the next segment is lost too.
void partial_ack(Context& cx, Tcb& t, u32 acked) noexcept {
  cx.count(t, Tcp::partial_acks);
  retransmit_head(cx, t);
  t.cwnd = t.cwnd > acked + t.snd_mss ? t.cwnd - acked : t.snd_mss;
  if (acked >= t.snd_mss) t.cwnd += t.snd_mss;
}

void fast_recovery_ack(Context& cx, Tcb& t, u32 acked) noexcept {
  if (t.snd_una < t.recover) return partial_ack(cx, t, acked);
  t.cwnd = std::min(t.ssthresh, std::max<u32>(t.flight(), t.snd_mss) + t.snd_mss);
  leave(t);
}

}  // namespace

void on_ack(Context& cx, Tcb& t, u32 acked, u32 flight) noexcept {
  if (t.recovery == Recovery::fast) return fast_recovery_ack(cx, t, acked);
  t.dup_acks = 0;
  const bool after_timeout = t.recovery == Recovery::timeout;
  if (after_timeout && t.snd_una >= t.recover) leave(t);
  // After a timeout a cumulative ACK may jump: at most one segment's growth per ACK (RFC 5681 3.1, L = 1 of RFC 3465 2.3).
  reno::grow(t, acked, after_timeout ? std::max(flight, t.cwnd) : flight, after_timeout ? t.snd_mss : acked);
}

void on_duplicate_ack(Context& cx, Tcb& t) noexcept {
  if (t.dup_acks != 0xff) ++t.dup_acks;
  if (t.recovery == Recovery::fast) {
    t.cwnd += t.snd_mss;
    return;
  }
  if (t.recovery != Recovery::none || t.dup_acks != 3) return;
  if (t.snd_una < t.recover) return;  // RFC 6582 3.2 step 1: these are echoes of an earlier loss
  t.ssthresh = reno::ssthresh_after_loss(t.flight(), t.snd_mss);
  t.recover = t.snd_nxt;
  t.recovery = Recovery::fast;
  cx.count(t, Tcp::fast_retransmits);
  retransmit_head(cx, t);
  t.cwnd = t.ssthresh + 3u * t.snd_mss;
  set_timer(cx, t, true);
}

void on_timeout(Context&, Tcb& t) noexcept {
  //= rfc9293#3.8.2 MUST-19
  // ssthresh once per flight: a second timeout of the same data, or one in recovery, has cut it already.
  const bool same_flight = t.recovery != Recovery::none && t.snd_una < t.recover;
  if (!same_flight || t.recovery == Recovery::fast)
    t.ssthresh = t.recovery == Recovery::fast ? t.ssthresh : reno::ssthresh_after_loss(t.flight(), t.snd_mss);
  t.cwnd = t.snd_mss;
  t.ca_acked = 0;
  t.dup_acks = 0;
  t.recovery = Recovery::timeout;
  t.recover = t.snd_nxt;
  t.rtx_nxt = t.snd_una;
}

}  // namespace weir::tcp::newreno
