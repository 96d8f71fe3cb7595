// RTO computation: RFC 6298 with Karn's algorithm (samples only from segments sent once, or by echoed timestamps).
#pragma once

#include "tcp/trace_hooks.hpp"

namespace weir::tcp {

inline constexpr u32 initial_rto_us = 1'000'000;  // RFC 6298 2.1
// Floor of the variance term: what a peer may wait with the ACK of a lone segment. Where the RTT is steady RTTVAR comes
// near 0, and the RTO would be the RTT: the first delayed ACK would find the segment sent again.
inline constexpr u32 delayed_ack_us = 200'000;

// RFC 6298 2.2, 2.3. One unambiguous sample ends the back-off (Karn).
inline void rtt_sample(Context& cx, Tcb& t, u32 us) noexcept {
  us = std::max<u32>(us, 1);
  if (t.srtt_us == 0) {
    t.srtt_us = us;
    //= rfc6298#2 MUST-1
    t.rttvar_us = us / 2;
  } else {
    const u32 delta = us > t.srtt_us ? us - t.srtt_us : t.srtt_us - us;
    //= rfc6298#2 MUST-2
    t.rttvar_us = static_cast<u32>((u64{t.rttvar_us} * 3 + delta) / 4);
    t.srtt_us = std::max<u32>(1, static_cast<u32>((u64{t.srtt_us} * 7 + us) / 8));
  }
  const Sysctl& sys = cx.sysctl(t);
  const u64 granularity = std::min<u64>(delayed_ack_us, u64{sys.tcp_rto_min_ms} * 1'000);  // G of RFC 6298
  //= rfc6298#2 MUST-3
  const u64 rto = u64{t.srtt_us} + std::max<u64>(granularity, 4 * u64{t.rttvar_us});
  t.rto_us = static_cast<u32>(std::clamp<u64>(rto, u64{sys.tcp_rto_min_ms} * 1'000, u64{sys.tcp_rto_max_ms} * 1'000));
  t.backoff = 0;
  trace::rtt(cx, t, us);
}

// RTO as it is now: with back-off, bounded.
[[nodiscard]] inline Duration current_rto(const Context& cx, const Tcb& t) noexcept {
  const u64 max_us = u64{cx.sysctl(t).tcp_rto_max_ms} * 1'000;
  const u64 us = t.backoff < 20 ? u64{t.rto_us} << t.backoff : max_us;
  //= rfc6298#2.5 MAY-1
  return Duration::micros(static_cast<i64>(std::min(us, max_us)));
}

}  // namespace weir::tcp
