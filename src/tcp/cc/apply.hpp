// The congestion control of a connection, applied to its window.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::cc {

[[nodiscard]] inline Window window(const Context& cx, Tcb& t) noexcept {
  return {t.cwnd, t.ssthresh, t.snd_mss, initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd)};
}

inline void tell(Context& cx, Tcb& t, Sender& s, Event e, u32 in_flight, u32 idle_us = 0) noexcept {
  Window w = window(cx, t);
  visit(s.cc, [&](auto& c) { c.on_event(w, e, cx.now, in_flight, idle_us); });
}

// Something has left; `in_flight`: before it.
inline void sent(Context& cx, Tcb& t, Sender& s, u32 bytes, u32 in_flight) noexcept {
  if (is_plain(s.cc)) [[likely]]
    return;
  visit(s.cc, [&](auto& c) {
    if constexpr (std::remove_reference_t<decltype(c)>::wants_sent) {
      Window w = window(cx, t);
      c.on_sent(w, cx.now, bytes, in_flight);
    }
  });
}

[[nodiscard]] inline bool scalable(const Sender& s) noexcept {
  return visit(s.cc, [](const auto& c) { return std::remove_cvref_t<decltype(c)>::scalable; });
}

[[nodiscard]] inline bool owns_cwnd(Sender& s) noexcept {
  return visit(s.cc, [](auto& c) { return std::remove_reference_t<decltype(c)>::owns_cwnd; });
}

}  // namespace weir::tcp::cc
