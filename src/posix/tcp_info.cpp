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

// What is in flight and what became of it.
void put_path(TcpInfo& o, const tcp::Info& i, const tcp::SendInfo& s, u32 mss) noexcept {
  o.ca_state = static_cast<u8>(i.path);  // in the order of enum tcp_ca_state
  o.sacked = segments(s.sacked, mss);
  o.lost = segments(s.lost, mss);
  o.retrans = segments(s.again, mss);
  // The SYN of a passive opener counts as delivered, as Linux has it.
  o.delivered = static_cast<u32>((s.delivered + mss - 1) / mss) + (i.state >= tcp::State::established ? 1u : 0u);
  o.min_rtt = s.min_rtt_us != 0 ? s.min_rtt_us : ~0u;
  o.pacing_rate = s.pacing_rate != 0 ? s.pacing_rate : ~u64{0};
  o.max_pacing_rate = s.max_pacing_rate != 0 ? s.max_pacing_rate : ~u64{0};
  o.last_ack_recv = s.heard_ms;
  o.last_data_sent = s.last_data_out_ms;
  o.last_data_recv = s.last_data_in_ms;
  o.delivery_rate = s.delivery_rate;
  o.app_limited = s.counted.rate_app_limited ? 1 : 0;
  o.advmss = s.announced_mss;
  const u8 retries = static_cast<u8>(std::min(s.retries, 255u));
  if (i.timer == tcp::Timer::persist) o.probes = retries;
  else if (i.path == tcp::Path::loss || i.state == tcp::State::syn_sent) o.retransmits = retries;
}

// What was counted since the first payload went.
void put_counts(TcpInfo& o, const tcp::SendInfo& s, u32 mss) noexcept {
  const tcp::Counts& c = s.counted;
  o.segs_out = c.segs_out;
  o.segs_in = c.segs_in;
  o.data_segs_out = c.data_segs_out;
  o.data_segs_in = c.data_segs_in;
  o.bytes_sent = c.bytes_sent;
  o.bytes_retrans = c.retrans_bytes;
  o.dsack_dups = c.dsacks_in;
  o.reord_seen = c.reordered;
  o.delivered_ce = segments(c.marked_bytes, mss);
  o.total_rto = static_cast<u16>(std::min(c.timeouts, 0xffffu));
  // Of Linux the busy time is all of it, whatever the limit was.
  o.rwnd_limited = s.limited_us(tcp::Limit::peer_window);
  o.sndbuf_limited = s.limited_us(tcp::Limit::send_buffer);
  o.busy_time = s.limited_us(tcp::Limit::path) + o.rwnd_limited + o.sndbuf_limited;
}

}  // namespace

TcpInfo to_linux(const tcp::Info& i, const tcp::SendInfo& send) noexcept {
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
  if (i.state == tcp::State::listen) return o;
  put_path(o, i, send, mss);
  put_counts(o, send, mss);
  return o;
}

int get_tcp_info(OptionCall& c) {
  const auto info = c.shard.core().sockets->tcp_info(c.file.sock);
  if (!info) return to_errno(info.error());
  const auto send = c.shard.core().sockets->tcp_send_info(c.file.sock, c.now);
  if (!send) return to_errno(send.error());
  TcpInfo out = to_linux(*info, *send);
  out.reordering = c.shard.sysctl(c.file.netns)->tcp_reordering;
  c.put(&out, sizeof out);
  return 0;
}

// Only some algorithms of Linux tell anything here; Reno and CUBIC do not.
int get_cc_info(OptionCall& c) {
  c.put(nullptr, 0);
  return 0;
}

}  // namespace weir::posix
