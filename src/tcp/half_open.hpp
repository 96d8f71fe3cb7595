// A connection in SYN-RECEIVED that came from LISTEN: at most 128 bytes until the handshake is through.
#pragma once

#include "base/seq.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

namespace weir::tcp {

struct HalfOpen {
  IpAddr local, remote;
  u16 local_port, remote_port;
  NetnsId netns;
  u16 peer_mss;
  u16 user_timeout;     // as the peer said it (RFC 5482), 0: it did not
  u32 listener;         // index
  SeqNum iss, irs;
  u32 snd_wnd;          // of the SYN, unscaled
  u32 rcv_wnd;          // as advertised
  u32 ts_recent, ts_offset;
  u32 destination, destination_generation;
  u32 last_ack_ms;      // challenge throttle, 0: never
  u32 sent_us;          // SYN-ACK, for the first RTT sample
  u8 retries;
  u8 snd_wscale, rcv_wscale;
  u8 spare;
  IfIndex if_in;
  u16 bits;
  static constexpr u16 timestamps = 1, wscale = 2, sack = 4, retransmitted = 8, acked = 16, ecn = 32,
                       cookie = 64,  // made from a SYN cookie: when the SYN-ACK left is not known
      send_cookie = 128, cookie_experimental = 256;  // of Fast Open, in the SYN-ACK
};
static_assert(sizeof(HalfOpen) <= 128);

}  // namespace weir::tcp
