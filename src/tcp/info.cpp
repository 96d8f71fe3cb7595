// tcp/info.hpp
#include "tcp/info.hpp"

#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/recovery/recovery.hpp"

namespace weir::tcp {

namespace {

void put_counts(Context& cx, const Tcb& t, SendInfo& i) noexcept {
  const Counts* const c = counts::of(cx, t);
  if (c == nullptr) return;
  i.counted = *c;
  if (Duration* const now = i.counted.time_of(c->limit)) *now = *now + (cx.now - c->limit_from);
  if (c->last_data_in_ms != 0) i.last_data_in_ms = cx.now_ms - c->last_data_in_ms;
  if (c->last_data_out_ms != 0) i.last_data_out_ms = cx.now_ms - c->last_data_out_ms;
  if (c->rate_interval_us != 0) i.delivery_rate = u64{c->rate_bytes} * 1'000'000 / c->rate_interval_us;
}

}  // namespace

SendInfo send_info(Context& cx, u32 connection) noexcept {
  const Tcb& t = cx.tcbs[connection];
  SendInfo i;
  const Extra& x = extra(cx, t);
  i.retries = t.retries;
  i.heard_ms = t.synchronized() ? cx.now_ms - t.last_rx_ms : 0;
  i.max_pacing_rate = x.max_pacing_rate;
  if (cx.env.destinations.valid(t.destination, t.destination_generation))
    i.announced_mss = announced_mss(cx, t.destination, t.remote.is_v4(), x.max_segment);
  i.ecn = (t.ecn & EcnState::on) != 0;
  put_counts(cx, t, i);
  const Sender* s = sender(cx, t);
  i.delivered = t.bytes_out;
  if (s == nullptr) return i;
  i.in_flight = in_flight(t, *s);
  i.sacked = s->board.sacked();
  i.lost = s->board.missing();
  i.again = s->board.again();
  i.delivered = s->rate.delivered;
  i.min_rtt_us = s->rack.min_rtt_us;
  i.pacing_rate = cc::visit(s->cc, [](const auto& c) { return c.pacing_rate(); });
  return i;
}

}  // namespace weir::tcp
