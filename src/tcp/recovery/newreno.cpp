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

bool in_fast_recovery(const Tcb& t) noexcept { return t.recovery == Recovery::fast || t.recovery == Recovery::partial; }

void fast_recovery_ack(Context& cx, Tcb& t, u32 acked) noexcept {
  if (t.snd_una < t.recover) {
    // The timer runs on from the first partial ACK: where a whole flight was lost, one segment per round trip is far slower
    // than the timeout and its slow start (RFC 6582 3.2 step 3, first partial ACK; RFC 3782 4).
    if (t.recovery == Recovery::fast) set_timer(cx, t, true);
    t.recovery = Recovery::partial;
    return partial_ack(cx, t, acked);
  }
  t.cwnd = std::min(t.ssthresh, std::max<u32>(t.flight(), t.snd_mss) + t.snd_mss);
  t.recover = t.snd_una - 1;  // only what was missing was sent again: duplicate ACKs from here on are of another loss
  leave(t);
  set_timer(cx, t, true);
}

// An ACK that jumps over what had arrived before the timeout empties the window at once, and there is no ACK clock for what
// may follow: no more of it than a connection may begin with (RFC 6582 3.2 step 3 for fast recovery, RFC 5681 4.1).
void bound_burst(Context& cx, Tcb& t) noexcept {
  const bool sending_again = t.recovery == Recovery::timeout && t.rtx_nxt < t.recover;
  const u32 out = sending_again ? t.rtx_nxt - t.snd_una : t.flight();
  t.cwnd = std::min(t.cwnd, out + reno::initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd));
}

}  // namespace

void on_ack(Context& cx, Tcb& t, u32 acked, u32 flight) noexcept {
  if (in_fast_recovery(t)) return fast_recovery_ack(cx, t, acked);
  set_timer(cx, t, true);  // RFC 6298 5.3
  t.dup_acks = 0;
  const bool after_timeout = t.recovery == Recovery::timeout;
  if (after_timeout && t.snd_una >= t.recover) leave(t);
  // After a timeout a cumulative ACK may jump: at most one segment's growth per ACK (RFC 5681 3.1, L = 1 of RFC 3465 2.3).
  reno::grow(t, acked, after_timeout ? std::max(flight, t.cwnd) : flight, after_timeout ? t.snd_mss : acked);
  if (after_timeout) bound_burst(cx, t);
}

void on_duplicate_ack(Context& cx, Tcb& t) noexcept {
  if (t.dup_acks != 0xff) ++t.dup_acks;
  if (in_fast_recovery(t)) {
    t.cwnd += t.snd_mss;
    return;
  }
  if (t.recovery != Recovery::none || t.dup_acks != 3) return;
  if (t.snd_una <= t.recover) return;  // RFC 6582 3.2 step 1: of what a timeout has sent again though it had arrived
  // RFC 5681 3.2 step 2: what limited transmit has sent beyond cwnd does not count.
  t.ssthresh = reno::ssthresh_after_loss(std::min(t.flight(), t.cwnd), t.snd_mss);
  t.recover = t.snd_nxt;
  t.recovery = Recovery::fast;
  cx.count(t, Tcp::fast_retransmits);
  retransmit_head(cx, t);
  t.cwnd = t.ssthresh + 3u * t.snd_mss;
  set_timer(cx, t, true);
}

void on_timeout(Context&, Tcb& t) noexcept {
  //= rfc9293#3.8.2 MUST-19
  // ssthresh once per flight: a second timeout of the same segment, or one in recovery, has cut it already (RFC 5681 3.1).
  // If SND.UNA has moved since the last timeout, what was sent again was too much again, as far as cwnd let it out.
  const bool same_flight = t.recovery != Recovery::none && t.snd_una < t.recover;
  const bool again = t.recovery == Recovery::timeout && t.retries == 1;
  if (!same_flight) t.ssthresh = reno::ssthresh_after_loss(t.flight(), t.snd_mss);
  else if (again) t.ssthresh = reno::ssthresh_after_loss(std::min(t.cwnd, t.flight()), t.snd_mss);
  t.cwnd = t.snd_mss;
  t.ca_acked = 0;
  t.dup_acks = 0;
  t.recovery = Recovery::timeout;
  t.recover = t.snd_nxt;
  t.rtx_nxt = t.snd_una;
}

}  // namespace weir::tcp::newreno
