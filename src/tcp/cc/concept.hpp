// What a congestion control algorithm is told and what it decides. Detection of loss (recovery/rack, recovery/newreno), the
// rate of repair (recovery/prr) and window arithmetic (here) know nothing of each other.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "base/seq.hpp"
#include "base/time.hpp"

namespace weir::tcp::cc {

// Delivery rate of one flight: draft-ietf-ccwg-bbr 4.1 (delivery rate sampling). Bytes, microseconds; interval_us 0: no sample.
struct RateSample {
  u64 prior_delivered = 0;  // `delivered` of the connection when the newest segment of this ACK was sent
  u32 delivered = 0;        // bytes delivered over the interval
  u32 interval_us = 0;      // the longer one of its send phase and its ACK phase
  u32 lost = 0;             // bytes judged lost over the interval
  u32 tx_in_flight = 0;     // when that segment was sent, it included
  u32 newly_lost = 0;       // bytes judged lost by this ACK
  bool app_limited = false;
  bool retransmitted = false;  // the newest segment had been sent again
};

// What one ACK has taught; lives on the stack, gone when the call returns.
struct Ack {
  Instant now;
  SeqNum una, nxt;          // after the ACK
  u64 delivered_total = 0;  // bytes delivered since the connection began, cumulatively or by SACK
  u32 acked = 0;            // bytes by which SND.UNA has moved
  u32 delivered = 0;        // bytes that have newly arrived: by SND.UNA or SACK, each once
  u32 lost = 0;             // bytes newly judged lost
  u32 prior_in_flight = 0;  // before the ACK
  u32 in_flight = 0;        // after it
  u32 rtt_us = 0;           // of the newest segment that was sent once; 0: none
  u32 srtt_us = 0;          // RFC 6298
  u32 min_rtt_us = 0;       // the least of the connection; 0: none yet
  u32 ce_bytes = 0;         // delivered with a congestion mark (DCTCP, AccECN)
  bool ece = false;         // the ACK has told of congestion (RFC 3168)
  bool cwnd_limited = false;  // the window was what held the sender back (RFC 7661 4.1)
  bool in_recovery = false;   // fast recovery, or a reduction for a mark, goes on: PRR has the window
  bool in_loss = false;       // after a timeout
  RateSample rate{};
};

// The window of a connection as algorithms see it: bytes. They may write cwnd and ssthresh.
struct Window {
  u32& cwnd;
  u32& ssthresh;
  u32 mss;
  u32 initial;  // the initial window (RFC 6928)
};

enum class Event : u8 {
  recovery,       // fast recovery begins: ssthresh is to be set; cwnd is PRR's
  mark,           // ECN: a reduction begins, as above
  timeout,        // RTO: ssthresh is to be set; cwnd will be one segment
  recovered,      // the episode is over; cwnd is what PRR has left
  undone,         // the reduction was needless: cwnd and ssthresh have been put back
  restart,        // data after an idle time (RFC 5681 4.1, RFC 7661): idle_us tells how long
};

// u32 in_flight: bytes before the event. Data only: trivially copyable, no heap.
template <class C>
concept Controller = std::is_trivially_copyable_v<C> && requires(C c, const C k, Window w, const Ack& a, Event e, Instant now, u32 n) {
  { C::name } -> std::convertible_to<std::string_view>;
  { C::owns_cwnd } -> std::convertible_to<bool>;   // sets cwnd itself also in recovery: no PRR (BBR)
  { C::scalable } -> std::convertible_to<bool>;    // answers marks in proportion (DCTCP, RFC 9331): ECT(1), no halving
  { c.begin(w, now, n) } noexcept -> std::same_as<void>;         // the connection is up; n: SRTT in us, 0: none
  { c.on_ack(w, a) } noexcept -> std::same_as<void>;
  { c.on_event(w, e, now, n, n) } noexcept -> std::same_as<void>;  // in_flight, idle_us
  { c.on_sent(w, now, n, n) } noexcept -> std::same_as<void>;      // bytes sent, in flight before: only if `wants_sent`
  { C::wants_sent } -> std::convertible_to<bool>;
  { k.pacing_rate() } noexcept -> std::same_as<u64>;  // bytes per second; 0: the default of 2 (slow start) or 1.2 times cwnd / SRTT
};

}  // namespace weir::tcp::cc
