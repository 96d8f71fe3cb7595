// tcp/recovery/rate.hpp
#include "tcp/recovery/rate.hpp"

namespace weir::tcp::rate {

void on_sent(const Context& cx, Sender& s, Sent& r, u32 flight) noexcept {
  const u32 now = cx.now_us();
  if (flight == 0) s.rate.first_us = s.rate.delivered_us = now;
  r.delivered = s.rate.delivered;
  r.delivered_us = s.rate.delivered_us;
  r.first_us = s.rate.first_us;
  r.lost = static_cast<u32>(s.rate.lost);
  r.in_flight = flight + r.len;
  if (s.rate.app_limited != 0) r.set(Sent::app_limited);
  else r.unset(Sent::app_limited);
}

void on_delivered(const Context& cx, Sender& s, const Sent& r, Learnt& l) noexcept {
  s.rate.delivered += r.len;
  s.rate.delivered_us = cx.now_us();
  l.delivered += r.len;
  if (l.has_newest && static_cast<i32>(r.xmit_us - l.newest_xmit_us) < 0) return;
  l.has_newest = true;
  l.newest_again = r.is(Sent::ever);
  l.newest_app_limited = r.is(Sent::app_limited);
  l.newest_xmit_us = r.xmit_us;
  l.newest_delivered_us = r.delivered_us;
  l.newest_first_us = r.first_us;
  l.newest_in_flight = r.in_flight;
  l.newest_lost = r.lost;
  l.newest_delivered = r.delivered;
  s.rate.first_us = r.xmit_us;
}

cc::RateSample sample(const Context&, Sender& s, const Learnt& l) noexcept {
  cc::RateSample out;
  if (s.rate.app_limited != 0 && s.rate.delivered > s.rate.app_limited) s.rate.app_limited = 0;
  out.newly_lost = l.lost;
  if (!l.has_newest) return out;
  out.prior_delivered = l.newest_delivered;
  out.delivered = static_cast<u32>(s.rate.delivered - l.newest_delivered);
  out.lost = static_cast<u32>(s.rate.lost) - l.newest_lost;
  out.tx_in_flight = l.newest_in_flight;
  out.app_limited = l.newest_app_limited;
  out.retransmitted = l.newest_again;
  const u32 send = l.newest_xmit_us - l.newest_first_us, ack = s.rate.delivered_us - l.newest_delivered_us;
  const u32 interval = std::max(send, ack);
  // Shorter than any round trip: ACKs were held back and came together. It says nothing.
  if (interval >= std::max<u32>(s.rack.min_rtt_us, 1)) out.interval_us = interval;
  return out;
}

void app_limited(Sender& s, u32 flight) noexcept { s.rate.app_limited = std::max<u64>(s.rate.delivered + flight, 1); }

}  // namespace weir::tcp::rate
