// struct tcp_info as Linux lays it out for user space (linux/tcp.h), whole: programs read more of it than the C library declares.
#pragma once

#include "tcp/engine.hpp"
#include "tcp/info.hpp"

namespace weir::posix {

struct TcpInfo {
  u8 state, ca_state, retransmits, probes, backoff, options;
  u8 wscale;         // sending in the low four bits, receiving in the high ones
  u8 app_limited;    // bit 0: of delivery_rate; bits 1 and 2: why fast open failed
  u32 rto, ato, snd_mss, rcv_mss;
  u32 unacked, sacked, lost, retrans, fackets;  // segments
  u32 last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;  // ms ago
  u32 pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
  u32 rcv_rtt, rcv_space;
  u32 total_retrans;
  u64 pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  u32 segs_out, segs_in;
  u32 notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  u64 delivery_rate;
  u64 busy_time, rwnd_limited, sndbuf_limited;  // us
  u32 delivered, delivered_ce;
  u64 bytes_sent, bytes_retrans;
  u32 dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
  u32 rcv_wnd, rehash;
  u16 total_rto, total_rto_recoveries;
  u32 total_rto_time;
  u32 received_ce;  // of Accurate ECN, as all that follow
  u32 delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes, received_e1_bytes, received_e0_bytes, received_ce_bytes;
  u16 accecn_fail_mode, accecn_opt_seen;
};
static_assert(sizeof(TcpInfo) == 280);

[[nodiscard]] TcpInfo to_linux(const tcp::Info& info, const tcp::SendInfo& send) noexcept;

}  // namespace weir::posix
