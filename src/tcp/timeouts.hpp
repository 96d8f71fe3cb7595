// Timeouts: RFC 9293 3.10.8, 3.8.3 (R1, R2), 3.8.4 (keepalive), 3.8.6.1 (probes), RFC 6298 5 (retransmission).
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

void on_main_timer(Context& cx, u32 id) noexcept;
void on_delayed_ack(Context& cx, u32 id) noexcept;
void on_half_open_timer(Context& cx, u32 half_open) noexcept;
// Ends what has been in TIME-WAIT for 2 MSL; at most `budget`.
u32 expire_time_wait(Context& cx, u32 budget) noexcept;
[[nodiscard]] Instant time_wait_deadline(Context& cx) noexcept;

}  // namespace weir::tcp
