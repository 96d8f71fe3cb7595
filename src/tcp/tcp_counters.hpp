// Counters of TCP (RFC 4022, RFC 4898), kept once per netns.
#pragma once

#include "base/counters.hpp"

namespace weir::tcp {

#define WEIR_TCP_COUNTERS(X)                                                          \
  X(active_opens, "tcpActiveOpens", "connections opened by us")                       \
  X(passive_opens, "tcpPassiveOpens", "connections opened by peers")                  \
  X(attempt_fails, "tcpAttemptFails", "connections that never came up")               \
  X(estab_resets, "tcpEstabResets", "connections reset while up")                     \
  X(in_segs, "tcpHCInSegs", "segments received")                                      \
  X(out_segs, "tcpHCOutSegs", "segments sent, without retransmissions")               \
  X(retrans_segs, "tcpRetransSegs", "segments sent again")                            \
  X(in_errs, "tcpInErrs", "segments with errors")                                     \
  X(out_rsts, "tcpOutRsts", "resets sent")                                            \
  X(in_bytes, "", "bytes received in order")                                          \
  X(out_bytes, "", "bytes acknowledged by peers")                                     \
  X(fast_path, "", "segments taken by header prediction")                             \
  X(fast_retransmits, "", "losses repaired without a timeout")                        \
  X(partial_acks, "", "recovery goes on: RFC 6582")                                   \
  X(tail_loss_probes, "", "probes sent: RFC 8985 7")                                  \
  X(tail_losses, "", "losses that only a probe told of: RFC 8985 7.4")                \
  X(spurious_timeouts, "", "timeouts found needless: RFC 5682, RFC 3522")             \
  X(undone, "", "reductions put back: RFC 3708, RFC 4015")                            \
  X(sack_discarded, "", "SACK blocks outside of what is in flight")                   \
  X(sack_reneged, "", "peers that threw away what they had SACKed: RFC 2018 8")       \
  X(dsacks_in, "", "D-SACKs received: RFC 2883")                                      \
  X(ce_in, "", "data segments marked CE: RFC 3168")                                   \
  X(ece_in, "", "ACKs that told of marks: RFC 3168")                                  \
  X(mark_reductions, "", "windows reduced for marks: RFC 3168 6.1.2")                 \
  X(mtu_probes, "", "probes of the path MTU: RFC 4821 7")                             \
  X(black_holes, "", "segments made smaller because large ones vanish: RFC 4821 7.7") \
  X(dsacks_out, "", "D-SACKs sent: RFC 2883")                                         \
  X(limited_transmits, "", "new segments sent on the first duplicate ACKs: RFC 3042") \
  X(rto_expirations, "", "retransmission timeouts")                                   \
  X(syn_retransmits, "", "SYN or SYN-ACK sent again")                                 \
  X(zero_window_probes, "", "persist timer probes")                                   \
  X(keepalive_probes, "", "keepalive probes")                                         \
  X(delayed_acks, "", "ACKs sent by the delayed-ACK timer")                           \
  X(pure_acks, "", "ACKs sent without data")                                          \
  X(dup_acks_in, "", "duplicate ACKs received")                                       \
  X(challenge_acks, "", "challenge ACKs sent: RFC 5961")                              \
  X(challenge_limited, "", "challenge ACKs withheld by the limit: RFC 5961 7")        \
  X(out_of_order, "", "segments queued out of order")                                 \
  X(out_of_order_pruned, "", "bytes of out-of-order data dropped for want of room")   \
  X(paws_rejected, "", "segments older than TS.Recent: RFC 7323 5.3")                 \
  X(listen_overflows, "", "connections refused room in an accept queue")              \
  X(half_open_drops, "", "SYNs dropped: too many half-open connections")              \
  X(syn_cookies_sent, "", "SYNs answered with a cookie: RFC 4987 3.6")                \
  X(syn_cookies_received, "", "connections that came of a cookie")                    \
  X(syn_cookies_failed, "", "ACKs that should have had a cookie and had none")        \
  X(fast_open_active, "", "SYNs sent with data: RFC 7413")                            \
  X(fast_open_active_fail, "", "SYNs whose data was not taken")                       \
  X(fast_open_passive, "", "connections opened by a SYN with a good cookie")          \
  X(fast_open_passive_fail, "", "SYNs with a bad cookie")                             \
  X(fast_open_requests, "", "SYNs that asked for a cookie")                           \
  X(fast_open_overflow, "", "SYNs with a good cookie for which there was no room")    \
  X(fast_open_blackhole, "", "Fast Open turned off because data on SYNs got lost")    \
  X(time_wait, "", "connections that went through TIME-WAIT")                         \
  X(time_wait_reused, "", "TIME-WAIT ended early by a new SYN: RFC 6191")             \
  X(time_wait_overflow, "", "TIME-WAIT cut short by the limit")                       \
  X(abort_on_data, "", "reset: data came after close")                                \
  X(abort_on_close, "", "reset: closed with unread data, or with linger 0")           \
  X(abort_on_timeout, "", "given up: R2, user timeout or keepalive")                  \
  X(abort_on_linger, "", "orphan in FIN-WAIT-2 given up")                             \
  X(abort_on_memory, "", "given up: limits")                                          \
  X(pmtu_reductions, "", "path MTU lowered by ICMP")                                  \
  X(pmtu_ignored, "", "ICMP too big that RFC 5927 7.2 says to ignore")                \
  X(icmp_soft_errors, "", "ICMP errors remembered, not acted on")                     \
  X(rst_limited, "", "resets withheld by the limit")                                  \
  X(urgent_in, "", "segments with URG")

WEIR_DEFINE_COUNTERS(Tcp, tcp_counter_info, WEIR_TCP_COUNTERS);

}  // namespace weir::tcp
