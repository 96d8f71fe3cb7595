// Where TCP tells the traces (tcp/trace.hpp) what happens. Each is one branch when there is none. Changes of state, path and
// window are found by comparing, at every other event and at the end of output(): who changes them need not tell.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp::trace {

namespace detail {

void changed(Context& cx, const Tcb& t) noexcept;
void gone(Context& cx, const Tcb& t) noexcept;
void arrived(Context& cx, const Tcb& t, const Segment& seg) noexcept;
void sent(Context& cx, const Tcb& t, SeqNum seq, u32 data, u16 flags, u32 segments, bool again) noexcept;
void rtt(Context& cx, const Tcb& t, u32 us) noexcept;
void lost(Context& cx, const Tcb& t, SeqNum start, u32 len) noexcept;
void timer(Context& cx, const Tcb& t) noexcept;
void undone(Context& cx, const Tcb& t) noexcept;

}  // namespace detail

[[nodiscard]] inline bool off(const Context& cx) noexcept { return cx.traces == nullptr; }

// State, path or window may have changed.
inline void changed(Context& cx, const Tcb& t) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::changed(cx, t);
}
// The TCB is given back: its number will mean another connection.
inline void gone(Context& cx, const Tcb& t) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::gone(cx, t);
}
// Before the segment is processed.
inline void arrived(Context& cx, const Tcb& t, const Segment& seg) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::arrived(cx, t, seg);
}
inline void sent(Context& cx, const Tcb& t, SeqNum seq, u32 data, u16 flags, u32 segments, bool again) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::sent(cx, t, seq, data, flags, segments, again);
}
inline void rtt(Context& cx, const Tcb& t, u32 us) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::rtt(cx, t, us);
}
// [start, start + len) is judged lost. Returns len.
inline u32 lost(Context& cx, const Tcb& t, SeqNum start, u32 len) noexcept {
  if (!off(cx) && len != 0) [[unlikely]]
    detail::lost(cx, t, start, len);
  return len;
}
inline void timer(Context& cx, const Tcb& t) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::timer(cx, t);
}
inline void undone(Context& cx, const Tcb& t) noexcept {
  if (!off(cx)) [[unlikely]]
    detail::undone(cx, t);
}

}  // namespace weir::tcp::trace
