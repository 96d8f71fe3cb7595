// tcp/counts.hpp
#include "tcp/counts.hpp"

#include "tcp/user_calls.hpp"

namespace weir::tcp::counts {
namespace {

Limit limit_of(Context& cx, const Tcb& t) noexcept {
  if (!t.synchronized() || t.sender == 0 || t.tx.empty()) return Limit::nothing;
  const u32 unsent = t.unsent(), flight = t.flight();
  const bool cwnd_has_room = in_flight(t, cx.senders[t.sender]) < t.cwnd;
  if (unsent != 0 && cwnd_has_room && t.snd_wnd < flight + std::min<u32>(unsent, t.snd_mss)) return Limit::peer_window;
  if (unsent == 0 && cwnd_has_room && t.is(ColdFlags::write_wait) && !is_writable(cx, t)) return Limit::send_buffer;
  return Limit::path;
}

}  // namespace

void begin(Context& cx, Tcb& t) noexcept {
  t.counts = cx.counted.alloc();
  if (t.counts == 0) return;
  // The handshake, which was not counted: SYN and ACK of who opens, the SYN-ACK of who listens.
  const bool passive = t.is(ColdFlags::passive);
  Counts& c = cx.counted[t.counts];
  c.segs_out = passive ? 1 : 2;
  c.segs_in = passive ? 2 : 1;
  c.limit_from = cx.now;
}

void note_limit(Context& cx, const Tcb& t) noexcept {
  Counts* const c = of(cx, t);
  if (c == nullptr) return;
  const Limit limit = limit_of(cx, t);
  if (limit == c->limit) return;
  if (Duration* const total = c->time_of(c->limit)) *total = *total + (cx.now - c->limit_from);
  c->limit_from = cx.now;
  c->limit = limit;
}

cc::RateSample keep_rate(Context& cx, const Tcb& t, const cc::RateSample& sample) noexcept {
  Counts* const c = of(cx, t);
  if (c == nullptr || sample.interval_us == 0) return sample;
  // An application that sends little says little of the path, unless it is more than was known.
  const bool faster = u64{sample.delivered} * c->rate_interval_us >= u64{c->rate_bytes} * sample.interval_us;
  if (sample.app_limited && !faster && c->rate_interval_us != 0) return sample;
  c->rate_bytes = sample.delivered;
  c->rate_interval_us = sample.interval_us;
  c->rate_app_limited = sample.app_limited;
  return sample;
}

}  // namespace weir::tcp::counts
