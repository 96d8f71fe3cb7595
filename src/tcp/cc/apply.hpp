// The congestion control of a connection, applied to its window.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::cc {

[[nodiscard]] inline Window window(const Context& cx, Tcb& t) noexcept {
  return {t.cwnd, t.ssthresh, t.snd_mss, initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd)};
}

inline void tell(Context& cx, Tcb& t, Sender& s, Event e, u32 in_flight, u32 idle_us = 0) noexcept {
  visit(s.cc, [&](auto& c) { c.on_event(window(cx, t), e, cx.now, in_flight, idle_us); });
}

[[nodiscard]] inline bool owns_cwnd(Sender& s) noexcept {
  return visit(s.cc, [](auto& c) { return std::remove_reference_t<decltype(c)>::owns_cwnd; });
}

}  // namespace weir::tcp::cc
