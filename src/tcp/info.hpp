// What a connection's sender knows of its path, beyond Info: for TCP_INFO. Reading it is rare, so it is put together when asked for.
#pragma once

#include "tcp/counted.hpp"

namespace weir::tcp {

struct Context;

// Bytes, of what is in flight; rates in bytes per second. All 0 before something was sent.
struct SendInfo {
  u32 sacked = 0, lost = 0, again = 0;  // `again` has been sent again and is on its way
  u64 delivered = 0;
  u32 min_rtt_us = 0;                   // 0: none yet
  u16 announced_mss = 0;
  u32 retries = 0;                      // of the same data, or probes into a closed window
  u64 pacing_rate = 0, max_pacing_rate = 0;
  u32 heard_ms = 0;                     // ago
  u32 last_data_in_ms = 0, last_data_out_ms = 0;  // ago; 0: never
  u32 in_flight = 0;                    // pipe of RFC 6675
  u64 delivery_rate = 0;
  bool ecn = false;
  Counts counted{};                     // with what the limit of now adds up to

  // l: not `nothing`.
  [[nodiscard]] u64 limited_us(Limit l) const noexcept { return static_cast<u64>(counted.limited[static_cast<usize>(l) - 1].us()); }
};

[[nodiscard]] SendInfo send_info(Context& cx, u32 connection) noexcept;

}  // namespace weir::tcp
