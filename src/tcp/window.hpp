// Is a segment in the receive window? RFC 9293 table 6, and the tolerance at its edges that appendix A.2 asks for.
#pragma once

#include "tcp/segment.hpp"

namespace weir::tcp {

struct ReceiveWindow {
  SeqNum nxt;
  u32 wnd;

  [[nodiscard]] bool holds(SeqNum s) const noexcept { return seq_in(s, nxt, nxt + wnd); }
  // Table 6.
  [[nodiscard]] bool acceptable(const Segment& seg) const noexcept {
    if (wnd == 0) return seg.len == 0 && seg.seq == nxt;
    return holds(seg.seq) || (seg.len > 0 && holds(seg.seq + (seg.len - 1)));
  }
  // The peer may have used all of the window and one number more, for a probe or a FIN: its pure ACKs then start there,
  // and they must count, or two ends whose probes cross wait for each other.
  [[nodiscard]] bool pure_ack_at_edge(const Segment& seg) const noexcept {
    const SeqNum edge = nxt + wnd;
    return seg.len == 0 && seg.any(TcpFlags::ack) && !seg.any(TcpFlags::rst) && (seg.seq == edge || seg.seq == edge + 1);
  }
  // From one before the window to one past it: what lies there may be a probe, and its ACK field counts (A.2).
  [[nodiscard]] bool touched_by(const Segment& seg) const noexcept {
    const auto near = [&](SeqNum s) { return seq_in(s, nxt - 1, nxt + wnd + 2); };
    return near(seg.seq) || (seg.len > 0 && near(seg.seq + (seg.len - 1)));
  }
  [[nodiscard]] bool keepalive_probe(const Segment& seg) const noexcept {
    return seg.any(TcpFlags::ack) && seg.seq + 1 == nxt;  // RFC 9293 3.8.4
  }
};

// Must the reply to this unacceptable segment leave in any case? Text and FIN are answered, a keepalive probe too if its
// ACK is good; everything else at most once in 500 ms, or two ends out of step, be it by one, answer each other for ever
// (A58).
[[nodiscard]] inline bool answer_always(const ReceiveWindow& w, const Segment& seg, bool good_ack) noexcept {
  return !seg.any(TcpFlags::syn) && (seg.len != 0 || (good_ack && w.keepalive_probe(seg)));
}

}  // namespace weir::tcp
