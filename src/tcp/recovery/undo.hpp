// Reductions that were needless: detection by D-SACK (RFC 3708) and by timestamps (Eifel, RFC 3522), response (RFC 4015).
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::undo {

// An episode begins: cwnd and ssthresh are what they were before it.
inline void arm(Tcb& t, Sender& s) noexcept { s.undo = {.armed = true, .marker = t.snd_una, .cwnd = t.cwnd, .ssthresh = t.ssthresh}; }

inline void on_sent_again(Sender& s, u32 bytes, u32 ts_now) noexcept {
  s.undo.sent_again += bytes;
  if (s.undo.armed && !s.undo.stamped) s.undo.stamped = true, s.undo.stamp = ts_now;
}

// The peer says that it got [left, right) twice.
inline void on_dsack(Sender& s, SeqNum left, SeqNum right) noexcept {
  if (!s.undo.armed || left < s.undo.marker) return;
  s.undo.sent_again -= std::min(s.undo.sent_again, right - left);
}

// Everything that was sent again in the episode had arrived before.
[[nodiscard]] inline bool all_came_twice(const Sender& s, const Learnt& l) noexcept {
  return s.undo.armed && s.undo.stamped && l.dsack && s.undo.sent_again == 0;
}

// Puts cwnd and ssthresh back.
void respond(Context& cx, Tcb& t, Sender& s) noexcept;

}  // namespace weir::tcp::undo
