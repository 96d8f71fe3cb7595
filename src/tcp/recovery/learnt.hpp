// What one ACK has taught, gathered while it is taken apart and used by who judges: on the stack, gone when the call returns.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

struct Learnt {
  u32 prior_in_flight = 0;
  u32 acked = 0;      // bytes by which SND.UNA has moved
  u32 delivered = 0;  // bytes that have newly arrived, each once
  u32 newly_sacked = 0;
  u32 lost = 0;       // bytes newly judged lost
  u32 rtt_us = 0;     // of the newest one that was sent once
  u32 ce_bytes = 0;
  bool ece = false;
  bool advanced = false;   // SND.UNA has moved
  bool duplicate = false;  // RFC 5681 2
  bool original = false;   // something has arrived that was never sent again
  bool copy = false;       // something was acknowledged that was sent again
  bool dsack = false;      // something came twice (RFC 2883)
  bool late_echo = false;  // the peer echoes a time before the first retransmission (RFC 3522)
  SeqNum dsack_left{}, dsack_right{};
  // The one sent last among those that have arrived: delivery rate.
  bool has_newest = false;
  bool newest_again = false, newest_app_limited = false;
  u32 newest_xmit_us = 0, newest_delivered_us = 0, newest_first_us = 0, newest_in_flight = 0, newest_lost = 0;
  u64 newest_delivered = 0;
};

// Bytes in the network: pipe of RFC 6675, in_flight of RFC 8985.
[[nodiscard]] inline u32 in_flight(const Tcb& t, const Sender& s) noexcept {
  const u32 out = t.flight(), left = s.board.left_network() + s.dup_bytes;
  return out > left ? out - left : 0;
}

}  // namespace weir::tcp
