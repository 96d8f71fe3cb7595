// control/estats.hpp: RFC 4898 4, in its order. State and truth values are numbered as there (TcpEStatsNegotiated: enabled 1,
// selfDisabled 2; TruthValue: true 1, false 2).
#include "control/estats.hpp"

namespace weir::control {
namespace {

using tcp::Info;
using tcp::SendInfo;

struct Entry {
  std::string_view name;
  u64 (*value)(const Info& i, const SendInfo& s);
};

u64 truth(bool b) noexcept { return b ? 1 : 2; }
u64 ms(u64 us) noexcept { return us / 1'000; }

// tcpEStatsStackState: closed(1) listen(2) synSent(3) synReceived(4) established(5) finWait1(6) finWait2(7) closeWait(8) lastAck(9)
// closing(10) timeWait(11).
u64 state(tcp::State s) noexcept {
  constexpr u8 numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11};
  return numbers[static_cast<usize>(s)];
}

constexpr Entry entries[] = {
    // tcpEStatsPerfTable
    {"tcpEStatsPerfSegsOut", [](const Info&, const SendInfo& s) -> u64 { return s.counted.segs_out; }},
    {"tcpEStatsPerfDataSegsOut", [](const Info&, const SendInfo& s) -> u64 { return s.counted.data_segs_out; }},
    {"tcpEStatsPerfHCDataOctetsOut", [](const Info&, const SendInfo& s) -> u64 { return s.counted.bytes_sent; }},
    {"tcpEStatsPerfSegsRetrans", [](const Info& i, const SendInfo&) -> u64 { return i.retransmitted; }},
    {"tcpEStatsPerfOctetsRetrans", [](const Info&, const SendInfo& s) -> u64 { return s.counted.retrans_bytes; }},
    {"tcpEStatsPerfSegsIn", [](const Info&, const SendInfo& s) -> u64 { return s.counted.segs_in; }},
    {"tcpEStatsPerfDataSegsIn", [](const Info&, const SendInfo& s) -> u64 { return s.counted.data_segs_in; }},
    {"tcpEStatsPerfCurMSS", [](const Info& i, const SendInfo&) -> u64 { return i.snd_mss; }},
    {"tcpEStatsPerfPipeSize", [](const Info&, const SendInfo& s) -> u64 { return s.in_flight; }},
    {"tcpEStatsPerfSmoothedRTT", [](const Info& i, const SendInfo&) -> u64 { return ms(i.srtt_us); }},
    {"tcpEStatsPerfCurRTO", [](const Info& i, const SendInfo&) -> u64 { return ms(i.rto_us); }},
    {"tcpEStatsPerfCurCwnd", [](const Info& i, const SendInfo&) -> u64 { return i.cwnd; }},
    {"tcpEStatsPerfCurSsthresh", [](const Info& i, const SendInfo&) -> u64 { return i.ssthresh; }},
    {"tcpEStatsPerfTimeouts", [](const Info&, const SendInfo& s) -> u64 { return s.counted.timeouts; }},
    {"tcpEStatsPerfCurRwinSent", [](const Info& i, const SendInfo&) -> u64 { return i.rcv_wnd; }},
    {"tcpEStatsPerfCurRwinRcvd", [](const Info& i, const SendInfo&) -> u64 { return i.snd_wnd; }},
    {"tcpEStatsPerfSndLimTimeRwin", [](const Info&, const SendInfo& s) -> u64 { return ms(s.limited_us(tcp::Limit::peer_window)); }},
    {"tcpEStatsPerfSndLimTimeCwnd", [](const Info&, const SendInfo& s) -> u64 { return ms(s.limited_us(tcp::Limit::path)); }},
    {"tcpEStatsPerfSndLimTimeSnd", [](const Info&, const SendInfo& s) -> u64 { return ms(s.limited_us(tcp::Limit::send_buffer)); }},
    // tcpEStatsPathTable
    {"tcpEStatsPathRTTVar", [](const Info& i, const SendInfo&) -> u64 { return ms(i.rttvar_us); }},
    {"tcpEStatsPathMinRTT", [](const Info&, const SendInfo& s) -> u64 { return ms(s.min_rtt_us); }},
    // tcpEStatsStackTable
    {"tcpEStatsStackMSSSent", [](const Info&, const SendInfo& s) -> u64 { return s.announced_mss; }},
    {"tcpEStatsStackWinScaleSent", [](const Info& i, const SendInfo&) -> u64 { return i.rcv_wscale; }},
    {"tcpEStatsStackWinScaleRcvd", [](const Info& i, const SendInfo&) -> u64 { return i.snd_wscale; }},
    {"tcpEStatsStackTimeStamps", [](const Info& i, const SendInfo&) { return truth(i.timestamps); }},
    {"tcpEStatsStackECN", [](const Info&, const SendInfo& s) { return truth(s.ecn); }},
    {"tcpEStatsStackWillSendSACK", [](const Info& i, const SendInfo&) { return truth(i.sack); }},
    {"tcpEStatsStackWillUseSACK", [](const Info& i, const SendInfo&) { return truth(i.sack); }},
    {"tcpEStatsStackState", [](const Info& i, const SendInfo&) { return state(i.state); }},
    {"tcpEStatsStackInRecovery", [](const Info& i, const SendInfo&) { return truth(i.path >= tcp::Path::recovery); }},
    {"tcpEStatsStackDupAcksIn", [](const Info&, const SendInfo& s) -> u64 { return s.counted.dup_acks_in; }},
    {"tcpEStatsStackFastRetran", [](const Info&, const SendInfo& s) -> u64 { return s.counted.fast_retransmits; }},
    {"tcpEStatsStackCurTimeoutCount", [](const Info& i, const SendInfo&) -> u64 { return i.backoff; }},
    {"tcpEStatsStackDSACKDups", [](const Info&, const SendInfo& s) -> u64 { return s.counted.dsacks_in; }},
    {"tcpEStatsStackCurRetxQueue", [](const Info& i, const SendInfo&) -> u64 { return i.flight; }},
    // tcpEStatsAppTable
    {"tcpEStatsAppHCThruOctetsAcked", [](const Info& i, const SendInfo&) { return i.bytes_out; }},
    {"tcpEStatsAppHCThruOctetsReceived", [](const Info& i, const SendInfo&) { return i.bytes_in; }},
    {"tcpEStatsAppCurAppWQueue", [](const Info& i, const SendInfo&) -> u64 { return i.unsent; }},
    {"tcpEStatsAppCurAppRQueue", [](const Info& i, const SendInfo&) -> u64 { return i.rx_bytes; }},
};

}  // namespace

Json estats_json(const Info& info, const SendInfo& send) {
  Json j = Json::object();
  for (const Entry& e : entries) j[std::string(e.name)] = e.value(info, send);
  return j;
}

}  // namespace weir::control
