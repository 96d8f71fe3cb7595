// Header prediction: the segment that nearly all are. In order, nothing but ACK and PSH set, window unchanged, no holes on
// either side: either it acknowledges, or it brings data, or both. Everything else takes RFC 9293's steps.
#include "tcp/arrives.hpp"

namespace weir::tcp {
namespace {

bool ordinary(const Tcb& t, const Segment& seg) noexcept {
  if (t.state != State::established || t.has(HotFlags::slow_path)) return false;
  if (!seg.ctl.only(TcpFlags::ack) || seg.seq != t.rcv_nxt) return false;
  if (seg.wnd << t.snd_wscale != t.snd_wnd || t.snd_wnd == 0) return false;
  if (t.path != Path::open || t.dup_acks != 0 || t.ooo != 0 || seg.more_options) return false;
  if (seg.has_ts != t.has(HotFlags::timestamps)) return false;
  if (seg.has_ts && static_cast<i32>(seg.ts_val - t.ts_recent) < 0) return false;
  if (seg.ack < t.snd_una || seg.ack > t.snd_nxt) return false;
  return seg.data <= t.rcv_wnd();
}

}  // namespace

bool header_prediction(Context& cx, Tcb& t, Segment& seg) noexcept {
  if (!ordinary(t, seg)) return false;
  const bool advances = seg.ack != t.snd_una;
  if (!advances && seg.data == 0) return false;  // a duplicate ACK, or a probe
  if (seg.has_ts && seg.seq <= t.last_ack_sent) t.ts_recent = seg.ts_val;
  t.last_rx_ms = cx.now_ms;
  cx.count(t, Tcp::fast_path);
  if (advances) ack_advances(cx, t, seg);
  t.snd_wl1 = seg.seq;  // the window is the one we know, but the segment is newer
  t.snd_wl2 = seg.ack;
  if (seg.data != 0) step7_text(cx, t, seg);
  if (seg.packet != buf::PacketId::none) [[likely]]
    cx.env.pool.release(seg.packet);
  seg.packet = buf::PacketId::none;
  return true;
}

}  // namespace weir::tcp
