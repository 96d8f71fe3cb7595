// What is counted for those who ask about one connection: TCP_INFO, and the RFC 4898 set. Made when the first payload goes either way, so
// that a connection that was only opened costs nothing.
#pragma once

#include "tcp/cc/concept.hpp"
#include "tcp/context.hpp"
#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::counts {

// Null: nothing was counted yet.
[[nodiscard]] inline Counts* of(Context& cx, const Tcb& t) noexcept { return t.counts != 0 ? &cx.counted[t.counts] : nullptr; }
void begin(Context& cx, Tcb& t) noexcept;
inline void release(Context& cx, Tcb& t) noexcept {
  if (t.counts != 0) cx.counted.release(t.counts);
  t.counts = 0;
}

inline void add(Context& cx, const Tcb& t, u32 Counts::* what, u32 n = 1) noexcept {
  if (Counts* const c = of(cx, t)) c->*what += n;
}

// A segment came, whatever becomes of it.
inline void arrived(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (t.counts == 0 && seg.data != 0) begin(cx, t);
  Counts* const c = of(cx, t);
  if (c == nullptr) return;
  c->segs_in += seg.segments;
  if (seg.data == 0) return;
  c->data_segs_in += seg.segments;
  c->last_data_in_ms = cx.now_ms;
}

inline void sent(Context& cx, Tcb& t, u32 data, u32 segments, bool again) noexcept {
  if (t.counts == 0 && (data != 0 || again)) begin(cx, t);
  Counts* const c = of(cx, t);
  if (c == nullptr) return;
  c->segs_out += segments;
  if (again) c->retrans_segs += segments, c->retrans_bytes += data;
  if (data == 0) return;
  c->data_segs_out += segments;
  c->bytes_sent += data;
  c->last_data_out_ms = cx.now_ms;
}

// After output(): what holds back what there is to send?
void note_limit(Context& cx, const Tcb& t) noexcept;
// The newest delivery rate, or the best one while the application is the limit. Returns the sample.
[[nodiscard]] cc::RateSample keep_rate(Context& cx, const Tcb& t, const cc::RateSample& sample) noexcept;

}  // namespace weir::tcp::counts
