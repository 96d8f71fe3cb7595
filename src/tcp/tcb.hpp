// The transmission control block (RFC 9293 3.3.1): 128 hot bytes that an in-order segment or a plain ACK touches, and
// 128 cold ones. Plain data with the RFC's names; behaviour is in free functions, one file per RFC section.
#pragma once

#include "base/error.hpp"
#include "base/seq.hpp"
#include "buf/slice_queue.hpp"
#include "wire/address.hpp"

namespace weir::tcp {

enum class State : u8 {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait
};

// What the one main timer of a connection is armed for: design rule of one timer at a time.
// probe, reorder: RFC 8985.
enum class Timer : u8 { none, retransmit, persist, keepalive, fin_wait_2, probe, reorder };

// What the sender thinks of the path, with the names that TCP_INFO has for it: duplicate ACKs or SACKs have come (disorder), a
// congestion mark is answered (cwr), fast recovery (recovery), a timeout (loss).
enum class Path : u8 { open, disorder, cwr, recovery, loss };

struct HotFlags {
  static constexpr u8 timestamps = 1, sack = 2, ack_now = 4, no_delay = 8, fin_queued = 16, fin_sent = 32,
                      touched = 64,     // on the batch's list
      slow_path = 128;  // header prediction must not be tried: urgent data, closed by user, ...
};

struct ColdFlags {
  static constexpr u32 passive = 1, keepalive = 2, reuse_address = 4, reuse_port = 8, v6_only = 16, cork = 32, oob_inline = 64,
                       user_closed = 128, shut_read = 256, in_table = 512, bound = 1024, timing = 2048, urgent_out = 4096, urgent_in = 8192,
                       quick_ack = 1 << 14, syn_lost = 1 << 15, linger = 1 << 16, peer_fin = 1 << 17, accept_wait = 1 << 18,
                       explicit_port = 1 << 19, rcv_buf_set = 1 << 20, snd_buf_set = 1 << 24, source_bound = 1 << 21, urgent_read = 1 << 22,
                       pmtu_pending = 1 << 23, orphan = 1 << 25, delayed_ack = 1 << 26, write_wait = 1 << 27, family_v6 = 1 << 28,
                       more = 1 << 29, r1_told = 1 << 30, urgent_seen = 1u << 31;
};

struct EcnState {
  static constexpr u16 on = 1,        // both ends have agreed
      offered = 2,   // our SYN has
      refused = 4,   // and was answered by a reset: not again
      echo = 8,      // a mark has come: ECE on every segment until the peer's CWR
      tell_cwr = 16; // we have reduced: CWR with the next new data
};

struct alignas(64) TcbHot {
  // -- line 0: receive side and identity
  u32 id;                 // slab index; timers are 2 * id and 2 * id + 1
  State state;
  u8 snd_wscale, rcv_wscale;
  u8 flags;               // HotFlags
  SeqNum rcv_nxt;
  SeqNum rcv_adv;         // right edge of the window as advertised: RCV.NXT + RCV.WND. Never retreats.
  u32 ts_recent;          // RFC 7323 TS.Recent
  u32 ts_offset;          // keyed hash of the 4-tuple, added to our clock: RFC 7323 7.1
  SeqNum last_ack_sent;
  u32 rcv_buf;            // bytes of window at most
  buf::SliceQueue rx;     // in order, not yet taken by the user
  u16 rcv_unacked;        // segments since the last ACK sent
  u16 rcv_mss;            // largest segment seen: what "full-sized" means (RFC 1122 4.2.3.2)
  u32 user;               // socket; 0: orphan, or not yet accepted
  u32 ooo;                // out-of-order data (slab index), 0: none
  // -- line 1: send side
  SeqNum snd_una, snd_nxt;
  u32 snd_wnd;            // scaled  //= rfc9293#3.1 REC-1
  SeqNum snd_wl1, snd_wl2;
  u32 cwnd, ssthresh;     // bytes
  u32 srtt_us, rttvar_us; // RFC 6298; srtt 0: no sample yet
  u32 rto_us;             // without back-off
  buf::SliceQueue tx;     // from SND.UNA on: in flight, then unsent
  u16 snd_mss;            // payload of a full-sized segment: options are taken off
  u8 dup_acks;
  Timer timer;
};
static_assert(sizeof(TcbHot) == 128 && offsetof(TcbHot, snd_una) == 64);

struct TcbCold {
  IpAddr local, remote;
  u16 local_port, remote_port;
  NetnsId netns;
  IfIndex oif;             // bound to this interface, 0: any
  SeqNum iss, irs;
  u32 max_snd_wnd;         // MAX.SND.WND of RFC 5961 5.2
  SeqNum recover;          // RFC 6582: SND.NXT when recovery began; never behind SND.UNA - 1
  u32 destination, destination_generation;
  SeqNum rtt_seq;          // the segment being timed ends here (flag timing)
  u32 rtt_start_us;
  u32 sender;              // slab index of the state of what is in flight, 0: nothing was sent yet
  u8 backoff;              // doublings of the RTO
  u8 retries;              // retransmissions of the same data, or probes, since progress
  u8 quick_acks;           // segments still to be acknowledged at once
  Path path;
  SeqNum snd_up, rcv_up;   // urgent pointers: the byte after the urgent data (RFC 9293 3.8.5)
  u32 last_rx_ms;          // when the peer was last heard
  u32 last_challenge_ms;   // 0: never
  u32 progress_ms;         // when SND.UNA last moved, or data was first outstanding
  u32 snd_buf;
  u32 extra;               // rarely changed options (slab index), 0: all defaults
  u32 bits;                // ColdFlags
  u32 link;                // accept queue
  u16 peer_mss;            // as announced, or the default
  u16 max_acked, max_sent; // payload of the largest segment acknowledged, and sent: RFC 5927 7.2
  Errc error, soft_error;  // would_block: none
  u16 claimed_mtu;         // of an ICMP error that waits for a timeout (flag pmtu_pending)
  bool path_is_narrow;     // the MSS was lowered by ICMP: it may grow again when what was learnt is forgotten
  SeqNum snd_sml;          // end of the last segment sent that was smaller than the MSS
  u32 listener;            // that this one waits to be accepted from, 0: none
  u32 counts;              // slab index of what is counted for TCP_INFO, 0: nothing yet
  u64 bytes_in, bytes_out; // received in order, acknowledged by the peer
  u32 rcv_buf_before;      // the largest that the user has made smaller since: the edge was promised by it. 0: none
  u32 resent_ms;           // when something was last sent again
  SeqNum dsack_left, dsack_right;  // came twice, to be told in the next ACK (RFC 2883); equal: nothing
  u8 partial_acks;         // of this recovery, up to 2
  u8 cc;                   // cc::Kind + 1; 0: of the netns
  u16 ecn;                 // EcnState
  u32 read_from_us, read_before;  // autotuning: when what the user took was last measured, and how much it was by then
  u16 mss_limit;           // of what mtu_probe has found, 0: none
  u8 fast_open;            // FastOpenFlags
  u8 spare;
};
static_assert(sizeof(TcbCold) == 192);

struct alignas(64) Tcb : TcbHot, TcbCold {
  [[nodiscard]] bool has(u8 f) const noexcept { return (flags & f) != 0; }
  void set(u8 f) noexcept { flags = static_cast<u8>(flags | f); }
  void unset(u8 f) noexcept { flags = static_cast<u8>(flags & ~f); }
  [[nodiscard]] bool is(u32 f) const noexcept { return (bits & f) != 0; }
  void mark(u32 f) noexcept { bits |= f; }
  void unmark(u32 f) noexcept { bits &= ~f; }

  [[nodiscard]] u32 rcv_wnd() const noexcept { return rcv_adv > rcv_nxt ? rcv_adv - rcv_nxt : 0; }
  // Everything sent and not acknowledged, SYN and FIN counted.
  [[nodiscard]] u32 flight() const noexcept { return snd_nxt - snd_una; }
  [[nodiscard]] bool synchronized() const noexcept { return state >= State::established; }
  [[nodiscard]] bool may_receive() const noexcept {
    return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
  }
  [[nodiscard]] bool may_send() const noexcept { return state == State::established || state == State::close_wait; }
  // Sequence number of the first byte in tx: the SYN is not in it.
  [[nodiscard]] SeqNum tx_seq() const noexcept { return state < State::established ? iss + 1 : snd_una; }
  [[nodiscard]] SeqNum fin_seq() const noexcept { return tx_seq() + tx.size(); }
  // Bytes in tx that were never sent. A FIN goes after the last of them.
  [[nodiscard]] u32 unsent() const noexcept {
    if (has(HotFlags::fin_sent)) return 0;
    return snd_nxt < tx_seq() ? tx.size() : tx.size() - (snd_nxt - tx_seq());
  }
};
static_assert(sizeof(Tcb) == 320);

// Options that few connections change. Times in ms, 0: the default of the netns.
struct Extra {
  u32 keepalive_idle_ms = 0, keepalive_interval_ms = 0, keepalive_count = 0;
  u32 user_timeout_ms = 0;
  u32 adopted_timeout_ms = 0;  // what came of the peer's option (RFC 5482), where the user has said nothing
  u32 linger_ms = 0;
  u32 fin_wait_2_ms = 0;
  u32 syn_retries = 0;
  u32 fast_open_max = 0;    // of a listener: handshakes at a time, 0: none
  u32 not_sent_low = 0;     // writable only while less is unsent
  u32 window_clamp = 0;     // of the receive window, 0: none
  u16 max_segment = 0;
  u64 max_pacing_rate = 0;  // bytes per second, 0: no limit
  u8 ttl = 0, tos = 0;
  u8 oob_byte = 0;
  u8 defer_accept = 0;      // SYN-ACKs that may be sent in vain until an ACK without data opens the connection

  [[nodiscard]] u32 give_up_ms() const noexcept { return user_timeout_ms != 0 ? user_timeout_ms : adopted_timeout_ms; }
};

[[nodiscard]] const char* name(State s) noexcept;

}  // namespace weir::tcp
