// Settings of a network namespace under their Linux names, with two profiles of defaults.
#pragma once

#include <array>

#include "base/types.hpp"

namespace weir {

// Per-netns settings under their Linux names (docs/guide.md). Two profiles of defaults.
struct Sysctl {
  bool ip_forward = false;
  bool ip6_forward = false;
  u8 default_ttl = 64;
  bool icmp_echo_ignore_broadcasts = true;
  bool accept_redirects = true;
  u32 icmp_rate_per_s = 1000;      // errors, whole netns
  bool accept_source_route = false;
  bool strong_end_system = true;   // RFC 1122 3.3.4.2: our address, but of another interface: dropped
  u32 tcp_syn_retries = 6;
  u32 tcp_synack_retries = 5;
  u32 tcp_retries1 = 3;             //= rfc9293#3.8.3 SHLD-10
  u32 tcp_retries2 = 15;            //= rfc9293#3.8.3 SHLD-11
  u32 tcp_orphan_retries = 8;
  u32 tcp_fin_timeout_s = 60;
  u32 tcp_msl_s = 30;              // TIME-WAIT lasts twice that
  u32 tcp_keepalive_time_s = 7200;  //= rfc9293#3.8.4 MUST-28
  u32 tcp_keepalive_intvl_s = 75;
  u32 tcp_keepalive_probes = 9;
  u32 tcp_rto_min_ms = 200;
  u32 tcp_rto_max_ms = 120'000;
  u32 tcp_delack_ms = 40;
  u32 tcp_rmem = 1 << 20;          // receive buffer to begin with
  u32 tcp_wmem = 1 << 20;          // send buffer to begin with
  u32 tcp_rmem_max = 6 << 20;      // as far as they grow
  u32 tcp_wmem_max = 4 << 20;
  bool tcp_moderate_rcvbuf = true; // the receive buffer grows with the path
  u32 tcp_max_syn_backlog = 1024;
  u8 tcp_syncookies = 1;           // RFC 4987 3.6: 0 never, 1 when there is no room, 2 always
  u32 tcp_fastopen = 1;            // bits: 1 client, 2 server, 4 client without cookie, 0x200 server without, 0x400 every listener
  u32 tcp_fastopen_blackhole_timeout_s = 3600;  // off for so long, at first, when data on SYNs gets lost; 0: never
  std::array<u64, 2> tcp_fastopen_key{}, tcp_fastopen_key_before{};  // 0: the shard's own, changed every day
  u32 tcp_notsent_lowat = 0;       // bytes, 0: none
  bool tcp_user_timeout_option = false;  // RFC 5482
  u8 tcp_port_selection = 1;       // RFC 6056: 0 random (3.3.1), 1 double hash (3.3.4)
  u32 tcp_max_tw_buckets = 1 << 22;
  u32 tcp_max_orphans = 65'536;
  bool tcp_timestamps = true;
  bool tcp_window_scaling = true;
  bool tcp_sack = true;            // RFC 2018
  bool tcp_dsack = true;           // RFC 2883
  bool tcp_frto = true;            // RFC 5682
  u8 tcp_early_retrans = 3;        // 3 and more: tail loss probes (RFC 8985 7)
  u8 tcp_reordering = 3;           // duplicate ACKs that mean a loss, where there is no SACK (RFC 5681 3.2)
  bool tcp_slow_start_after_idle = true;  // RFC 5681 4.1
  u8 tcp_ecn = 2;                  // RFC 3168: 0 never, 1 asks and accepts, 2 accepts
  u8 tcp_congestion_control = 0;   // tcp::cc::Kind
  bool tcp_abort_on_overflow = false;
  bool tcp_rfc1337 = false;
  bool tcp_tw_reuse = true;        // RFC 6191
  u16 tcp_min_snd_mss = 48;
  u8 tcp_mtu_probing = 1;          // RFC 4821: 0 never, 1 after a black hole, 2 always
  u16 tcp_base_mss = 1024;         // to begin with, or after a black hole
  u16 tcp_mtu_probe_floor = 512;
  u16 port_first = 32'768, port_last = 60'999;  // ephemeral ports
  u32 initial_cwnd = 10;           // segments

  static Sysctl linux_profile() { return {}; }
  static Sysctl rfc_profile();
};

}  // namespace weir
