// What is counted of one connection for those who ask: TCP_INFO, and the RFC 4898 set. tcp/counts.hpp counts.
#pragma once

#include "base/time.hpp"

namespace weir::tcp {

// What holds back what there is to send: RFC 4898 4.1.4's SndLim. `nothing`: there is nothing to send.
enum class Limit : u8 { nothing, path, peer_window, send_buffer };
inline constexpr usize limits_count = 4;

struct Counts {
  u32 segs_in = 0, segs_out = 0, data_segs_in = 0, data_segs_out = 0;  // of the wire
  u64 bytes_sent = 0, retrans_bytes = 0;          // payload; what was sent again counts again
  u32 retrans_segs = 0, timeouts = 0, fast_retransmits = 0, dsacks_in = 0, dup_acks_in = 0, window_probes = 0;
  u32 last_data_in_ms = 0, last_data_out_ms = 0;  // 0: never
  u32 reordered = 0;                              // segments of ours that arrived behind later ones
  u32 marked_bytes = 0;                           // that the peer says came with a congestion mark
  Duration limited[limits_count - 1]{};           // by Limit, without `nothing`
  Instant limit_from{};
  u32 rate_bytes = 0, rate_interval_us = 0;       // delivery rate; interval 0: none yet
  Limit limit = Limit::nothing;
  bool rate_app_limited = false;

  // How long it was this limit; null for `nothing`.
  [[nodiscard]] Duration* time_of(Limit l) noexcept { return l == Limit::nothing ? nullptr : &limited[static_cast<usize>(l) - 1]; }
};
static_assert(sizeof(Counts) <= 120);

}  // namespace weir::tcp
