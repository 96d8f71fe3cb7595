// posix/tcp_info.hpp: from what the stack knows of a connection. What it does not keep is 0.
#include "posix/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>

#include "posix/options.hpp"
#include "sock/table.hpp"

namespace weir::posix {
namespace {

static_assert(offsetof(TcpInfo, rto) == offsetof(tcp_info, tcpi_rto) && offsetof(TcpInfo, snd_cwnd) == offsetof(tcp_info, tcpi_snd_cwnd) &&
              offsetof(TcpInfo, pacing_rate) == offsetof(tcp_info, tcpi_pacing_rate) &&
              offsetof(TcpInfo, delivery_rate) == offsetof(tcp_info, tcpi_delivery_rate) &&
              offsetof(TcpInfo, snd_wnd) == offsetof(tcp_info, tcpi_snd_wnd));

// TCP_ESTABLISHED, ... of Linux, by our State.
constexpr u8 linux_states[] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
constexpr u32 infinite_ssthresh = 0x7fff'ffff;

u32 segments(u32 bytes, u32 mss) noexcept { return mss != 0 ? (bytes + mss - 1) / mss : 0; }

u8 options_of(const tcp::Info& i) noexcept {
  u8 o = 0;
  if (i.timestamps) o |= TCPI_OPT_TIMESTAMPS;
  if (i.sack) o |= TCPI_OPT_SACK;
  if (i.snd_wscale != 0 || i.rcv_wscale != 0) o |= TCPI_OPT_WSCALE;
  return o;
}

}  // namespace

TcpInfo to_linux(const tcp::Info& i) noexcept {
  TcpInfo o{};
  const u32 mss = std::max(i.snd_mss, 1u);
  o.state = linux_states[static_cast<u8>(i.state)];
  o.backoff = static_cast<u8>(std::min(i.backoff, 255u));
  o.options = options_of(i);
  o.wscale = static_cast<u8>((i.snd_wscale & 15) | (i.rcv_wscale & 15) << 4);
  o.rto = i.rto_us;
  o.snd_mss = i.snd_mss;
  o.rcv_mss = i.rcv_mss;
  o.unacked = i.state == tcp::State::listen ? i.rx_bytes : segments(i.flight, mss);
  o.rtt = i.srtt_us;
  o.rttvar = i.rttvar_us;
  o.snd_ssthresh = i.ssthresh >= infinite_ssthresh ? infinite_ssthresh : i.ssthresh / mss;
  o.snd_cwnd = i.cwnd / mss;
  o.total_retrans = i.retransmitted;
  o.bytes_acked = i.bytes_out;
  o.bytes_received = i.bytes_in;
  o.notsent_bytes = i.unsent;
  o.snd_wnd = i.snd_wnd;
  o.rcv_wnd = i.rcv_wnd;
  return o;
}

int get_tcp_info(OptionCall& c) {
  const auto info = c.shard.core().sockets->tcp_info(c.file.sock);
  if (!info) return to_errno(info.error());
  const TcpInfo out = to_linux(*info);
  c.put(&out, sizeof out);
  return 0;
}

// Only some algorithms of Linux tell anything here; Reno and CUBIC do not.
int get_cc_info(OptionCall& c) {
  c.put(nullptr, 0);
  return 0;
}

}  // namespace weir::posix
