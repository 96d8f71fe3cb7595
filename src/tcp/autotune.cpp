// tcp/autotune.hpp
#include "tcp/autotune.hpp"

namespace weir::tcp::autotune {

void on_read(Context& cx, Tcb& t) noexcept {
  const Sysctl& sys = cx.sysctl(t);
  if (!sys.tcp_moderate_rcvbuf || t.is(ColdFlags::rcv_buf_set)) return;
  // The round trip is the sender's own, or the handshake's: without what waits in our buffer.
  const u32 passed = cx.now_us() - t.read_from_us;
  if (passed < std::max<u32>(t.srtt_us, 1'000)) return;
  const u32 taken_in_all = static_cast<u32>(t.bytes_in) - t.rx.size();
  const u32 taken = taken_in_all - t.read_before;
  t.read_before = taken_in_all;
  t.read_from_us = cx.now_us();
  if (passed > 4 * std::max<u32>(t.srtt_us, 1'000)) return;  // the user was busy elsewhere: it is no measure of the path
  const u64 wanted = 2 * u64{taken} + 16 * u64{t.rcv_mss};
  const u32 most = std::min(sys.tcp_rmem_max, cx.env.pool.share() / 3 * 2);
  t.rcv_buf = std::max(t.rcv_buf, static_cast<u32>(std::min<u64>(wanted, most)));
}

}  // namespace weir::tcp::autotune
