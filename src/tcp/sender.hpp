// The send side of a connection with data in flight: scoreboard, loss detection, repair, congestion control, delivery rate. Made
// when something is sent first. Plain data: each part's behaviour is in the file that its comment names.
#pragma once

#include "tcp/cc/controller.hpp"
#include "tcp/scoreboard.hpp"
#include "tcp/tcb.hpp"

namespace weir::tcp {

// recovery/rack.hpp: RFC 8985
struct Rack {
  u32 xmit_us = 0;        // of the segment sent last among those that have arrived
  SeqNum end_seq{};
  u32 rtt_us = 0;
  u32 min_rtt_us = 0;     // 0: none
  u32 min_rtt_at_ms = 0;  // when it was found
  SeqNum fack{};          // the highest number that has arrived
  SeqNum scan{};          // what was sent once and lies before it has been judged
  SeqNum dsack_round{};
  u8 mult = 1, persist = 0;
  bool reordered = false, has_round = false;
  bool valid = false;     // xmit_us, end_seq and rtt_us are of something
  bool waits = false;
  u32 judge_at_us = 0;    // the next judgement, if something waits for it
};

// recovery/rate.hpp: delivery rate
struct Rate {
  u64 delivered = 0, lost = 0;      // bytes
  u64 app_limited = 0;              // until `delivered` is beyond it; 0: not
  u32 delivered_us = 0, first_us = 0;
};

// recovery/prr.hpp: RFC 9937
struct Prr {
  u32 delivered = 0, out = 0, flight_size = 0;
};

// recovery/undo.hpp: what to go back to if the reduction was needless (RFC 3708, RFC 4015)
struct Undo {
  bool armed = false;
  bool stamped = false;
  SeqNum marker{};    // SND.UNA when it began
  u32 sent_again = 0; // bytes sent again since, less those that came twice
  u32 stamp = 0;      // timestamp of the first retransmission
  u32 cwnd = 0, ssthresh = 0;
};

// recovery/tlp.hpp: RFC 8985 7
struct Tlp {
  bool out = false;     // a probe is out
  bool again = false;   // it was a retransmission
  SeqNum end{};
  u32 from_us = 0;      // when new data was last sent, or acknowledged
};

// A retransmission that is on its way.
struct Resent {
  SeqNum start{};
  u32 len = 0, xmit_us = 0;
};

// mtu_probe.hpp: RFC 4821
struct MtuProbe {
  bool on = false, out = false;
  u16 low = 0, high = 0;  // a segment of `low` bytes comes through; one larger than `high` does not
  u16 size = 0;           // of the probe that is out
  SeqNum start{};
  u32 next_ms = 0;
};

struct Sender {
  Scoreboard board;
  std::vector<Resent> resent;  // what was sent again, in the order of time (recovery/rack.hpp)
  u32 resent_head = 0;
  Rate rate;
  Rack rack;
  Prr prr;
  Undo undo;
  Tlp tlp;
  MtuProbe probe;
  cc::Any cc;
  u32 dup_bytes = 0;     // without SACK: bytes that duplicate ACKs say have arrived
  u32 lost_untold = 0;   // by timeouts: the next ACK tells the congestion control
  u32 rto_from_us = 0;   // when the retransmission timer was started
  Instant pace_at{};     // when something may leave again (tcp/pacing.hpp)
  bool pace_waits = false;
  bool frto = false;     // RFC 5682: the timeout may have been spurious
  bool frto_new = false; // new data is tried before anything else is sent again
};

}  // namespace weir::tcp
