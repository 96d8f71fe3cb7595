// tcp/mtu_probe.hpp
#include "tcp/mtu_probe.hpp"

#include <utility>

#include "tcp/emit.hpp"

namespace weir::tcp::mtu_probe {
namespace {

constexpr u16 close_enough = 16;         // RFC 4821 7.3: what is left to gain is not worth a loss
constexpr u32 again_ms = 600'000;        // 7.2: paths change; the upper end is tried again
constexpr u32 after_hole_ms = 10'000;    // 7.7: it may have been an outage of everything

// What the interface, the peer and ICMP allow.
u16 largest(Context& cx, Tcb& t) noexcept {
  const u16 limit = std::exchange(t.mss_limit, u16{0});
  const u16 mss = effective_mss(cx, t);
  t.mss_limit = limit;
  return mss;
}

void limit_to(Context& cx, Tcb& t, u16 mss) noexcept {
  t.mss_limit = mss;
  update_mss(cx, t);
}

}  // namespace

void begin(Context& cx, Tcb& t, Sender& s) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  if (sys.tcp_mtu_probing < 2) return;
  const u16 high = largest(cx, t);
  s.probe = {.on = true, .low = std::min(sys.tcp_base_mss, high), .high = high};
  limit_to(cx, t, s.probe.low);
}

void on_timeout(Context& cx, Tcb& t, Sender& s) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  const u16 before = t.snd_mss;
  if (sys.tcp_mtu_probing == 0 || t.retries < sys.tcp_retries1 || before <= sys.tcp_mtu_probe_floor) return;
  // The first time the base; then half of what there is, down to the floor, and not for what is small already.
  const u16 high = s.probe.on ? s.probe.high : largest(cx, t);
  const u16 low = s.probe.on ? static_cast<u16>(std::max<u32>(t.snd_mss / 2, sys.tcp_mtu_probe_floor)) : sys.tcp_base_mss;
  s.probe = {.on = true, .low = std::min(low, before), .high = high, .next_ms = cx.now_ms + after_hole_ms};
  limit_to(cx, t, s.probe.low);
  if (t.snd_mss < before) cx.count(t, Tcp::black_holes);
}

u32 due(Context& cx, Tcb& t, Sender& s) noexcept {
  MtuProbe& p = s.probe;
  if (!p.on || p.out || t.path != Path::open || static_cast<i32>(cx.now_ms - p.next_ms) < 0) return 0;
  if (p.high <= p.low + close_enough) {  // found; later the path may take more
    p.next_ms = cx.now_ms + again_ms;
    p.high = largest(cx, t);
    return 0;
  }
  const u32 size = (u32{p.low} + p.high + 1) / 2;
  // 7.4: enough behind it that duplicate ACKs will tell of its loss, and a window that bears it.
  const u32 behind = size + 5u * t.snd_mss;
  if (t.cwnd < 11u * t.snd_mss || t.unsent() < behind || t.snd_wnd < behind) return 0;
  return size;
}

void on_sent(Context& cx, Tcb& t, Sender& s, u32 bytes) noexcept {
  cx.count(t, Tcp::mtu_probes);
  s.probe.out = true;
  s.probe.size = static_cast<u16>(bytes);
  s.probe.start = t.snd_nxt - bytes;
}

bool on_ack(Context& cx, Tcb& t, Sender& s, u32 lost) noexcept {
  MtuProbe& p = s.probe;
  if (!p.out) return false;
  if (t.snd_una >= p.start + p.size) {  // it came through
    p.out = false;
    p.low = p.size;
    limit_to(cx, t, p.low);
    return false;
  }
  if (lost == 0) return false;
  const auto at = s.board.list().find(cx.sent, p.start);
  if (!s.board.list().valid(at) || !s.board.list().at(cx.sent, at).is(Sent::missing)) return false;
  p.out = false;
  p.high = static_cast<u16>(p.size - 1);
  p.next_ms = cx.now_ms + 1'000;
  return lost <= p.size;
}

}  // namespace weir::tcp::mtu_probe
