// tcpi_*: struct tcp_info of the socket that the script has made last, by the names of its fields.
#include <fmt/format.h>
#include <linux/tcp.h>

#include <cstddef>
#include <cstring>

#include "api/sysctl_names.hpp"
#include "drill/calls.hpp"
#include "drill/constants.hpp"
#include "posix/tcp_info.hpp"

namespace weir::drill {
namespace {

struct InfoField {
  std::string_view name;  // without tcpi_
  usize offset, size;
};

#define F(name) {#name, offsetof(posix::TcpInfo, name), sizeof(posix::TcpInfo::name)}
constexpr InfoField fields[] = {
    F(state),
    F(ca_state),
    F(retransmits),
    F(probes),
    F(backoff),
    F(options),
    F(rto),
    F(ato),
    F(snd_mss),
    F(rcv_mss),
    F(unacked),
    F(sacked),
    F(lost),
    F(retrans),
    F(fackets),
    F(last_data_sent),
    F(last_ack_sent),
    F(last_data_recv),
    F(last_ack_recv),
    F(pmtu),
    F(rcv_ssthresh),
    F(rtt),
    F(rttvar),
    F(snd_ssthresh),
    F(snd_cwnd),
    F(advmss),
    F(reordering),
    F(rcv_rtt),
    F(rcv_space),
    F(total_retrans),
    F(pacing_rate),
    F(max_pacing_rate),
    F(bytes_acked),
    F(bytes_received),
    F(segs_out),
    F(segs_in),
    F(notsent_bytes),
    F(min_rtt),
    F(data_segs_in),
    F(data_segs_out),
    F(delivery_rate),
    F(busy_time),
    F(rwnd_limited),
    F(sndbuf_limited),
    F(delivered),
    F(delivered_ce),
    F(bytes_sent),
    F(bytes_retrans),
    F(dsack_dups),
    F(reord_seen),
    F(rcv_ooopack),
    F(snd_wnd),
    F(rcv_wnd),
    F(rehash),
    F(total_rto),
    F(total_rto_recoveries),
    F(total_rto_time),
    F(wscale),
    F(app_limited),
};
#undef F

i64 read(const InfoField& f, const posix::TcpInfo& info) {
  const auto* p = reinterpret_cast<const std::byte*>(&info) + f.offset;
  switch (f.size) {
    case 1: return load_u8(p);
    case 2: return load_raw<u16>(p);
    case 4: return load_raw<u32>(p);
    default: return static_cast<i64>(load_raw<u64>(p));
  }
}

}  // namespace

CodeValue Calls::tcp_info(const std::string& name, Place place) {
  if (const auto constant = find_constant(name)) return {*constant};
  if (!name.starts_with("tcpi_")) {
    const std::string_view near = nearest(name, constant_names());
    throw ScriptError(place, fmt::format("{} has no value{}", name, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  if (!current_fd_ || !fds_.contains(*current_fd_)) throw ScriptError(place, fmt::format("{}: there is no socket", name));
  posix::TcpInfo info{};
  socklen_t length = sizeof info;
  const posix::Outcome o = process_.getsockopt(fds_[*current_fd_], IPPROTO_TCP, TCP_INFO, &info, &length, now());
  if (o.value != 0) throw RunFailure(place, fmt::format("getsockopt(TCP_INFO) failed: {}", errno_name(o.error)));
  const std::string_view wanted = std::string_view(name).substr(5);
  if (wanted == "snd_wscale") return {i64{info.wscale & 15}};
  if (wanted == "rcv_wscale") return {i64{info.wscale >> 4}};
  if (wanted == "delivery_rate_app_limited") return {i64{info.app_limited & 1}};
  for (const InfoField& f : fields)
    if (f.name == wanted) return {read(f, info)};
  throw ScriptError(place, fmt::format("{} is no field of struct tcp_info", name));
}

}  // namespace weir::drill
