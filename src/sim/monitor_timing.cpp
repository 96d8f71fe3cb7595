// The monitor's rules for TCP about when and why a segment is sent: windows, back-off, probes, resets.
#include <fmt/format.h>

#include "sim/monitor_tcp.hpp"

namespace weir::sim {
namespace {

// Timers have a grain of a millisecond; a time may be measured between two of its ticks.
constexpr Duration slack = Duration::millis(3);
// Beyond this the time between two retransmissions need not grow: RFC 6298 2.5 allows a maximum of 60 s and more.
constexpr Duration most = Duration::seconds(60);

// No timer that probes a window is shorter: such a segment was sent because of an event and not by a timer.
constexpr Duration shortest_probe = Duration::millis(100);

bool doubled(Duration gap, Duration before) { return gap >= most - slack || gap + slack >= before * 2 - slack; }

}  // namespace

// RFC 9293 3.8.6: nothing beyond SND.UNA + SND.WND, but a single octet to probe a closed window, by a timer.
void TcpMonitor::check_edge(const Segment& s) {
  const Half& h = s.from;
  if (!h.edge || s.is_syn || s.end() <= *h.edge) return;
  const bool one_octet_at_the_edge = s.length() == 1 && s.offset == *h.edge;
  const Instant last = std::max(h.last_delivery, h.last_sent);
  if (one_octet_at_the_edge && (s.untimed || s.now - last >= shortest_probe)) return;
  if (s.end() <= h.snd_max && s.length() == 1) return;  // a probe again
  say(s, Rule::beyond_edge, fmt::format("edge {}", *h.edge));
}

// Retransmissions of the oldest data that nothing from the peer had caused: each at least twice as late as the one before.
void TcpMonitor::check_timing(const Segment& s) {
  Half& h = s.from;
  const bool closed = h.edge && *h.edge <= h.una;
  const bool by_timer = h.last_delivery != s.now && h.last_sent != s.now;
  if (closed && by_timer && s.length() <= 1 && s.offset + 1 >= h.una) return check_probe(s);
  if (s.length() == 0 || s.offset != h.una) return;
  const bool again = s.offset < h.snd_max;
  if (again && by_timer) {
    const Duration gap = s.now - h.timed_at;
    const bool same = h.timed_offset == s.offset && h.timed_deliveries == h.deliveries && !s.untimed;
    if (same && h.timed_gap.ns != 0 && !doubled(gap, h.timed_gap))
      say(s, Rule::backoff, fmt::format("{} ms after {} ms", gap.ms(), h.timed_gap.ms()));
    ++h.timeouts_in_row;
    ++h.stats.timeouts;
    // The first gap is not known well: the timer may have been restarted since the segment was sent.
    h.timed_gap = same && h.timeouts_in_row > 1 ? gap : Duration{};
    h.timed_deliveries = h.deliveries;
  } else {
    h.timed_gap = {};
    h.timeouts_in_row = 0;
  }
  h.timed_offset = s.offset;
  h.timed_at = s.now;
}

void TcpMonitor::check_probe(const Segment& s) {
  Half& h = s.from;
  ++h.stats.probes;
  const bool same = h.probed_edge == h.edge && h.probed_una == h.una && !s.untimed;
  const Duration gap = same ? s.now - h.probed_at : Duration{};
  if (same && h.probed_gap.ns != 0 && !doubled(gap, h.probed_gap))
    say(s, Rule::probe_backoff, fmt::format("{} ms after {} ms", gap.ms(), h.probed_gap.ms()));
  h.probed_gap = gap;
  h.probed_edge = h.edge;
  h.probed_una = h.una;
  h.probed_at = s.now;
}

// An RST answers a segment for which there is no connection here (any more), or ends a connection for a reason.
void TcpMonitor::check_reset(const Segment& s) {
  const Half& h = s.from;
  if (monitor_.is_explained(s.d.src, s.tcp.src_port())) return;
  constexpr Duration resolving = Duration::seconds(4);  // the answer may have waited for the next hop's address
  const bool answers = h.last_delivery.ns >= 0 && s.now - h.last_delivery <= resolving;
  const bool no_connection = !h.known || h.reset || h.reset_delivered;
  const bool closed =
      h.fin_at || monitor_.is_closed(s.d.src, s.tcp.src_port());  // what comes after close() draws an RST, and an orphan may be given up
  const bool opening = h.known && h.una == 0;  // an unacceptable ACK in SYN-SENT, or a half-open connection given up
  if (answers && (no_connection || closed || opening)) return;
  if (closed || opening) {
    if (h.timeouts_in_row > 0) return;
  }
  if (h.timeouts_in_row >= 3) return;  // R2 or the user timeout
  say(s, Rule::unexplained_reset, fmt::format("{} timeouts in a row", h.timeouts_in_row));
}

void TcpMonitor::account(const Segment& s) {
  Half& h = s.from;
  WireStats& st = h.stats;
  if (st.segments++ == 0) st.first = s.now;
  st.last = s.now;
  const u64 payload = s.tcp.payload().size();
  if (payload != 0) ++st.data_segments;
  st.bytes += payload;
  if (s.length() != 0 && s.offset < h.snd_max) {
    ++st.retransmissions;
    st.retransmitted_bytes += std::min(h.snd_max, s.end()) - s.offset;
    while (!h.in_flight.empty() && h.in_flight.back().end > s.offset) h.in_flight.pop_back();  // Karn: these tell nothing
  }
  if (s.end() > h.snd_max) {
    if (s.offset >= h.snd_max) h.in_flight.push_back({s.end(), s.now});
    h.snd_max = s.end();
  }
  h.last_sent = s.now;
}

}  // namespace weir::sim
