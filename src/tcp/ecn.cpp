// tcp/ecn.hpp
#include "tcp/ecn.hpp"

#include "tcp/emit.hpp"

namespace weir::tcp::ecn {
namespace {

bool precise(const Context& cx, const Tcb& t) noexcept { return cc_kind(cx, t) == cc::Kind::dctcp; }

// RFC 8257 3.2: the echo is the mark of the last segment; one with another mark is a reason to acknowledge what came before.
void echo_precisely(Context& cx, Tcb& t, bool marked) noexcept {
  if (marked == ((t.ecn & EcnState::echo) != 0)) return;
  if (t.rcv_unacked != 0) send_ack(cx, t);
  if (marked) t.ecn |= EcnState::echo;
  else t.ecn &= static_cast<u16>(~EcnState::echo);
  t.set(HotFlags::ack_now);
}

}  // namespace

u16 syn_flags(const Context& cx, Tcb& t) noexcept {
  //= rfc3168#6.1.1.1 MAY-1
  if (cx.sysctl(t).tcp_ecn != 1 || t.retries != 0 || (t.ecn & EcnState::refused) != 0) {
    t.ecn &= static_cast<u16>(~EcnState::offered);
    return 0;
  }
  //= rfc3168#6.1.1 MUST-1
  t.ecn |= EcnState::offered;
  return TcpFlags::ece | TcpFlags::cwr;
}

u16 flags(Tcb& t, u32 data, bool again) noexcept {
  if ((t.ecn & EcnState::on) == 0) return 0;
  u16 out = (t.ecn & EcnState::echo) != 0 ? TcpFlags::ece : u16{0};
  //= rfc3168#6.1.2 MUST-7, MUST-8
  if (data != 0 && !again && (t.ecn & EcnState::tell_cwr) != 0) {
    t.ecn &= static_cast<u16>(~EcnState::tell_cwr);
    out |= TcpFlags::cwr;
  }
  return out;
}

void on_data(Context& cx, Tcb& t, const Segment& seg) noexcept {
  const bool marked = seg.ecn == ce;
  if (marked) cx.count(t, Tcp::ce_in);
  if (precise(cx, t)) return echo_precisely(cx, t, marked);
  if (seg.any(TcpFlags::cwr)) {
    t.ecn &= static_cast<u16>(~EcnState::echo);
    t.set(HotFlags::ack_now);
  }
  if (!marked) return;
  if ((t.ecn & EcnState::echo) == 0) t.set(HotFlags::ack_now);  // the first is told at once
  //= rfc3168#6.1.3 MUST-10, MUST-11
  t.ecn |= EcnState::echo;
}

}  // namespace weir::tcp::ecn
