// tcp/pacing.hpp
#include "tcp/pacing.hpp"

#include <algorithm>

#include "tcp/output.hpp"

namespace weir::tcp::pacing {
namespace {

bool later(const Departure& a, const Departure& b) noexcept { return a.at > b.at; }

i64 time_of(u32 bytes, u64 rate) noexcept { return static_cast<i64>(u64{bytes} * 1'000'000'000 / rate); }

}  // namespace

u64 rate(Context& cx, const Tcb& t, const Sender& s) noexcept {
  if (t.extra == 0 && cc::is_plain(s.cc)) [[likely]]
    return 0;
  const u64 wanted = cc::visit(s.cc, [](const auto& c) { return c.pacing_rate(); });
  const u64 most = extra(cx, t).max_pacing_rate;
  if (most == 0 || wanted == 0) return std::max(most, wanted);
  return std::min(most, wanted);
}

bool may_send(Context& cx, Tcb& t, Sender& s) noexcept {
  if (s.pace_at.ns <= cx.now.ns || rate(cx, t, s) == 0) return true;
  if (!s.pace_waits) {
    s.pace_waits = true;
    cx.departures.push_back({s.pace_at, t.id});
    std::push_heap(cx.departures.begin(), cx.departures.end(), later);
  }
  return false;
}

u32 quantum(Context& cx, const Tcb& t, const Sender& s, u32 most) noexcept {
  const u64 r = rate(cx, t, s);
  if (r == 0) return most;
  const u32 mss = t.snd_mss;
  const u32 ms = static_cast<u32>(std::min<u64>(r / 1'000, most)) / mss * mss;
  return std::min(most, std::max(ms, r < 150'000 ? mss : 2 * mss));
}

void on_sent(Context& cx, Tcb& t, Sender& s, u32 bytes) noexcept {
  const u64 r = rate(cx, t, s);
  if (r == 0) return;
  s.pace_at = std::max(s.pace_at, cx.now) + Duration::nanos(time_of(bytes, r));
}

u32 advance(Context& cx, u32 budget) noexcept {
  u32 n = 0;
  while (n < budget && !cx.departures.empty() && cx.departures.front().at <= cx.now) {
    const Departure d = cx.departures.front();
    std::pop_heap(cx.departures.begin(), cx.departures.end(), later);
    cx.departures.pop_back();
    ++n;
    Tcb& t = cx.tcbs.peek(d.tcb);
    if (t.sender == 0) continue;  // gone meanwhile
    Sender& s = cx.senders[t.sender];
    if (!s.pace_waits) continue;  // another connection of the same index
    s.pace_waits = false;
    output(cx, t);
  }
  return n;
}

}  // namespace weir::tcp::pacing
