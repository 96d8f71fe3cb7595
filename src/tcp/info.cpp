// tcp/info.hpp
#include "tcp/info.hpp"

#include "tcp/emit.hpp"
#include "tcp/recovery/recovery.hpp"

namespace weir::tcp {

SendInfo send_info(Context& cx, u32 connection) noexcept {
  const Tcb& t = cx.tcbs[connection];
  SendInfo i;
  const Extra& x = extra(cx, t);
  i.retries = t.retries;
  i.heard_ms = t.synchronized() ? cx.now_ms - t.last_rx_ms : 0;
  i.max_pacing_rate = x.max_pacing_rate;
  if (cx.env.destinations.valid(t.destination, t.destination_generation))
    i.announced_mss = announced_mss(cx, t.destination, t.remote.is_v4(), x.max_segment);
  const Sender* s = sender(cx, t);
  if (s == nullptr) return i;
  i.sacked = s->board.sacked();
  i.lost = s->board.missing();
  i.again = s->board.again();
  i.delivered = s->rate.delivered;
  i.min_rtt_us = s->rack.min_rtt_us;
  i.pacing_rate = cc::visit(s->cc, [](const auto& c) { return c.pacing_rate(); });
  return i;
}

}  // namespace weir::tcp
