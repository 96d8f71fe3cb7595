// RACK: RFC 8985 6. A segment is lost when one that was sent later has arrived and time for reordering is over.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::rack {

// 6.2 steps 1 to 3: a record has arrived for the first time. `echo_before`: the ACK echoes a time before the record's last copy.
void on_delivered(Context& cx, Tcb& t, Sender& s, const Sent& record, bool echo_before, Learnt& l) noexcept;
// Step 4: D-SACKs widen the reordering window, recoveries without them narrow it. After the ACK, before detect().
void on_ack(Tcb& t, Sender& s, const Learnt& l) noexcept;
void on_recovered(Sender& s) noexcept;
// Step 5: bytes newly judged lost. Sets rack.waits.
u32 detect(Context& cx, Tcb& t, Sender& s) noexcept;
// A timeout: the oldest, and whatever was sent too long ago (6.3).
u32 detect_on_timeout(Context& cx, Tcb& t, Sender& s) noexcept;
void on_sent_again(Sender& s, const Sent& record) noexcept;

}  // namespace weir::tcp::rack
