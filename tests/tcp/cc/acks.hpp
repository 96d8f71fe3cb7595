// ACKs that a test writes itself, for rules that concern one of them.
#pragma once

#include "tcp/cc/window.hpp"

namespace weir::tcp::cc::test {

// A sender whose segments are acknowledged one by one, in order, at the times that the test says.
template <Controller C>
struct Script {
  C cc{};
  u32 mss = 1'000;
  u32 cwnd = 10'000, ssthresh = ~0u >> 1;
  Instant now{5'000'000'000};
  SeqNum una{4'294'960'000u};  // wraps soon
  u32 srtt_us = 100'000;

  explicit Script(const C& controller = {}) : cc(controller) { begin(); }
  void begin() {
    Window w = window();
    cc.begin(w, now, 0);
  }
  [[nodiscard]] Window window() { return {cwnd, ssthresh, mss, 10 * mss}; }

  // An ACK of `bytes`, with a full window in flight.
  Ack ack(u32 bytes, u32 rtt_us) {
    Ack a{};
    a.now = now;
    a.nxt = una + cwnd;
    una += bytes;
    a.una = una;
    a.acked = a.delivered = bytes;
    a.prior_in_flight = cwnd;
    a.in_flight = cwnd - std::min(cwnd, bytes);
    a.rtt_us = rtt_us;
    a.srtt_us = srtt_us;
    a.min_rtt_us = rtt_us;
    a.cwnd_limited = true;
    return a;
  }
  void give(const Ack& a) {
    Window w = window();
    cc.on_ack(w, a);
  }
  void event(Event e, u32 in_flight = 0, u32 idle_us = 0) {
    Window w = window();
    cc.on_event(w, e, now, in_flight, idle_us);
  }
  // A window's worth of ACKs of one segment each, spread over `rtt`.
  void round(Duration rtt) {
    const u32 n = std::max(1u, cwnd / mss);
    srtt_us = static_cast<u32>(rtt.us());
    for (u32 i = 0; i < n; ++i) {
      now = now + rtt / n;
      give(ack(mss, srtt_us));
    }
  }
};

}  // namespace weir::tcp::cc::test
