// tcp/recovery/tlp.hpp
#include "tcp/recovery/tlp.hpp"

#include "tcp/output.hpp"

namespace weir::tcp::tlp {
namespace {

constexpr u32 first_us = 1'000'000;     // no round trip is known yet
constexpr u32 ack_delay_us = 200'000;   // what the peer may wait with the ACK of a lone segment
constexpr u32 granularity_us = 2'000;

}  // namespace

bool wanted(const Context& cx, const Tcb& t, const Sender& s) noexcept {
  //= rfc8985#7.2 MUST-9
  if (!t.has(HotFlags::sack) || cx.sysctl(t).tcp_early_retrans < 3) return false;
  return (t.path == Path::open || t.path == Path::cwr) && s.board.sacked() == 0 && !s.tlp.out && !s.board.empty();
}

u32 after_us(const Context&, const Tcb& t, const Sender& s) noexcept {
  if (t.srtt_us == 0) return first_us;
  const bool alone = s.board.records() == 1 && t.flight() <= t.snd_mss;
  //= rfc8985#7.2 SHLD-8, SHLD-9
  return 2 * t.srtt_us + (alone ? ack_delay_us : granularity_us);
}

void send_probe(Context& cx, Tcb& t, Sender& s) noexcept {
  cx.count(t, Tcp::tail_loss_probes);
  s.tlp.again = false;
  //= rfc8985#7.3 MUST-10, MUST-11
  if (!send_one_new(cx, t)) {
    const Sent& last = s.board.list().back(cx.sent);
    // One segment, with the FIN if there is one.
    const u32 mss = t.snd_mss, fin = t.has(HotFlags::fin_sent) ? 1 : 0, data = last.len - fin;
    const u32 n = (data > mss ? (data % mss != 0 ? data % mss : mss) : data) + fin;
    s.tlp.again = true;
    if (!send_again(cx, t, s, last.end() - n, n)) return;
  }
  //= rfc8985#7.3 MUST-12
  s.tlp.out = true;
  s.tlp.end = t.snd_nxt;
}

bool on_ack(Tcb& t, Sender& s, const Learnt& l) noexcept {
  if (!s.tlp.out || t.snd_una < s.tlp.end) return false;
  if (!s.tlp.again) return s.tlp.out = false;
  //= rfc8985#7.4.2 MUST-15
  if (l.dsack && l.dsack_right == s.tlp.end) return s.tlp.out = false;  // both copies came
  if (t.snd_una > s.tlp.end) {  // beyond the probe, and no word of a second copy: it was needed
    s.tlp.out = false;
    return true;
  }
  //= rfc8985#7.4.2 MUST-16
  if (!l.advanced && !l.dsack) s.tlp.out = false;  // acknowledged twice: both came
  return false;
}

}  // namespace weir::tcp::tlp
