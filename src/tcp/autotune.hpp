// Buffers that grow with the path: the receive buffer towards twice what the user took in a round trip, the send buffer towards two
// windows. Not beyond tcp_rmem's and tcp_wmem's last number, not where the user has set a size, not while buffers are short.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp::autotune {

// The user has read: once per round trip the receive buffer is measured against what was taken.
void on_read(Context& cx, Tcb& t) noexcept;

// cwnd has moved.
inline void on_ack(const Context& cx, Tcb& t) noexcept {
  if (t.cwnd <= t.snd_buf / 2 || t.is(ColdFlags::snd_buf_set)) [[likely]]
    return;
  const u32 most = std::min(cx.sysctl(t).tcp_wmem_max, cx.env.pool.share());
  t.snd_buf = std::max(t.snd_buf, static_cast<u32>(std::min<u64>(2 * u64{t.cwnd}, most)));
}

// The largest receive buffer there may be, which the SYN's window scale must be able to tell.
[[nodiscard]] inline u32 largest_receive_buffer(const Sysctl& sys, const Tcb& t) noexcept {
  return t.is(ColdFlags::rcv_buf_set) || !sys.tcp_moderate_rcvbuf ? t.rcv_buf : std::max(t.rcv_buf, sys.tcp_rmem_max);
}

}  // namespace weir::tcp::autotune
