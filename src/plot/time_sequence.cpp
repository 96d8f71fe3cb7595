// plot/time_sequence.hpp
#include "plot/time_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "plot/svg.hpp"
#include "wire/tcp.hpp"

namespace weir::plot {
namespace {

using tcp::Happened;
using tcp::Timer;
using tcp::TraceEvent;
using wire::TcpFlags;

// Above it ssthresh means "none yet".
constexpr u32 no_ssthresh = 1u << 30;

// An event of the upper panel with its sequence numbers unwrapped.
struct Mark {
  enum class Kind : u8 { segment, again, ack, window, sack, lost } kind;
  double t;
  i64 low, high;
};

// The direction that the payload takes: what lies on the sequence axis.
class Sequence {
 public:
  Sequence(const Flow& flow, bool outbound) : flow_(flow), outbound_(outbound), numbers_(outbound ? flow.iss : flow.irs) {
    for (const TraceEvent& e : flow.events) take(e);
  }
  std::vector<Mark> marks;

 private:
  void take(const TraceEvent& e) {
    const double t = flow_.seconds(e.at);
    const bool is_sent = e.what == Happened::sent, is_received = e.what == Happened::received;
    if (is_sent == outbound_ && (is_sent || is_received)) segment(e, t);
    if (outbound_ && e.what == Happened::ack) acknowledged(e, t);
    if (!outbound_ && is_sent && (e.v[2] & TcpFlags::ack) != 0) ack(t, e.v[3], e.v[4]);
    if (outbound_ && e.what == Happened::lost) {
      const i64 at = numbers_(e.v[0]);
      marks.push_back({Mark::Kind::lost, t, at, at + e.v[1]});
    }
  }
  void segment(const TraceEvent& e, double t) {
    const u32 flags = e.v[2], length = e.v[1] + ((flags & TcpFlags::syn) != 0 ? 1u : 0u) + ((flags & TcpFlags::fin) != 0 ? 1u : 0u);
    if (length == 0 || (flags & TcpFlags::rst) != 0) return;  // probes and plain ACKs bring nothing
    const i64 at = numbers_(e.v[0]);
    const bool again = e.what == Happened::sent ? e.a != 0 : at + length <= highest_;
    highest_ = std::max(highest_, at + length);
    marks.push_back({again ? Mark::Kind::again : Mark::Kind::segment, t, at, at + length});
  }
  void ack(double t, u32 number, u32 window) {
    const i64 at = numbers_(number);
    marks.push_back({Mark::Kind::ack, t, at, at});
    marks.push_back({Mark::Kind::window, t, at + window, at + window});
  }
  void acknowledged(const TraceEvent& e, double t) {
    ack(t, e.v[0], e.v[1]);
    for (usize i = 0; i < e.n; ++i) {
      const i64 left = numbers_(e.v[2 + 2 * i]), right = numbers_(e.v[3 + 2 * i]);
      marks.push_back({Mark::Kind::sack, t, left, right});
    }
  }

  const Flow& flow_;
  bool outbound_;
  Unwrap numbers_;
  i64 highest_ = 0;
};

Range times_of(const Flow& flow) {
  if (flow.events.empty()) return {0, 1};
  const auto [from, to] = std::ranges::minmax(flow.events, {}, &TraceEvent::at);
  const double first = flow.seconds(from.at), last = flow.seconds(to.at);
  const double spare = std::max((last - first) / 50, std::max(1e-6, std::abs(last) * 1e-12));
  return {std::max(first - spare, std::min(first, 0.0)), last + spare};
}

// As far as segments and ACKs reach: a window may be far above, and would make everything else a flat line.
Range sequence_range(const std::vector<Mark>& marks) {
  std::optional<Range> r;
  for (const Mark& m : marks) {
    if (m.kind == Mark::Kind::window) continue;
    if (!r) r = Range{static_cast<double>(m.low), static_cast<double>(m.high)};
    r->include(static_cast<double>(m.low));
    r->include(static_cast<double>(m.high));
  }
  if (!r) return {0, 1};
  const double spare = std::max((r->high - r->low) / 12, 1.0);
  return {r->low, r->high + spare};
}

void draw_sequence(Picture& picture, const Panel& panel, const Flow& flow, const std::vector<Mark>& all, bool outbound) {
  Marks segments(panel), again(panel), acks(panel), window(panel), sacks(panel), lost(panel), timers(panel), undone(panel);
  for (const Mark& m : all) {
    const auto low = static_cast<double>(m.low), high = static_cast<double>(m.high);
    switch (m.kind) {
      case Mark::Kind::segment: segments.bar(m.t, low, high); break;
      case Mark::Kind::again: again.bar(m.t, low, high); break;
      case Mark::Kind::ack: acks.step(m.t, low); break;
      case Mark::Kind::window:
        if (low <= panel.value.high) window.step(m.t, low);
        else window.gap();
        break;
      case Mark::Kind::sack: sacks.bar(m.t, low, high); break;
      case Mark::Kind::lost: lost.cross(m.t, low); break;
    }
  }
  for (const TraceEvent& e : flow.events) {
    const Timer timer = e.what == Happened::timer ? Timer{e.a} : Timer::none;
    if (timer == Timer::retransmit || timer == Timer::persist || timer == Timer::probe) timers.rule(flow.seconds(e.at));
    if (e.what == Happened::undone) undone.rule(flow.seconds(e.at));
  }
  picture.add(window, "window", "window");
  picture.add(acks, "ack", "acknowledged");
  picture.add(segments, outbound ? "sent" : "received", outbound ? "sent" : "received");
  picture.add(sacks, "sack", "SACK");
  picture.add(again, "again", outbound ? "sent again" : "received again");
  picture.add(lost, "lost", "judged lost");
  picture.add(timers, "timer", "RTO, probe");
  picture.add(undone, "undone", "undone");
}

struct Windows {
  Range bytes{0, 1}, rtt_ms{0, 1};
};

Windows window_ranges(const Flow& flow) {
  Windows w;
  for (const TraceEvent& e : flow.events) {
    if (e.what == Happened::rtt) w.rtt_ms.include(std::max(e.v[0], e.v[1]) / 1e3);
    if (e.what != Happened::window) continue;
    w.bytes.include(e.v[0]);
    w.bytes.include(e.v[2]);
    // As high as it takes to see ssthresh, unless that would hide all else.
    if (e.v[1] < no_ssthresh && e.v[1] <= 4.0 * e.v[0]) w.bytes.include(e.v[1]);
  }
  w.bytes.high *= 1.05, w.rtt_ms.high *= 1.05;
  return w;
}

void draw_windows(Picture& picture, const Panel& left, const Panel& right, const Flow& flow) {
  Marks cwnd(left), ssthresh(left), flight(left), rtt(right), srtt(right);
  for (const TraceEvent& e : flow.events) {
    const double t = flow.seconds(e.at);
    if (e.what == Happened::rtt) {
      rtt.dot(t, e.v[0] / 1e3);
      srtt.step(t, e.v[1] / 1e3);
    }
    if (e.what != Happened::window) continue;
    cwnd.step(t, e.v[0]);
    flight.step(t, e.v[2]);
    if (e.v[1] < no_ssthresh && e.v[1] <= left.value.high) ssthresh.step(t, e.v[1]);
    else ssthresh.gap();
  }
  picture.add(flight, "flight", "in flight");
  picture.add(cwnd, "cwnd", "cwnd");
  picture.add(ssthresh, "ssthresh", "ssthresh");
  picture.add(rtt, "rtt", "RTT");
  picture.add(srtt, "srtt", "smoothed RTT");
}

}  // namespace

std::string time_sequence_svg(const Flow& flow) {
  const Payload payload = payload_of(flow);
  const bool outbound = payload.sent >= payload.received;
  const Sequence sequence(flow, outbound);
  const Windows windows = window_ranges(flow);
  Picture picture(1000, 720, name_of(flow));
  if (flow.lost_events != 0)
    picture.text(60, 38, "note", fmt::format("{} events of the trace were overwritten: there are holes", flow.lost_events));
  const Panel upper{.x = 60, .y = 60, .width = 880, .height = 370, .time = times_of(flow), .value = sequence_range(sequence.marks)};
  picture.axes(upper, outbound ? "sequence, sent" : "sequence, received", false);
  draw_sequence(picture, upper, flow, sequence.marks, outbound);
  Panel lower{.x = 60, .y = 470, .width = 880, .height = 215, .time = upper.time, .value = windows.bytes};
  picture.axes(lower, "bytes", true);
  const Panel right = lower.with(windows.rtt_ms);
  picture.right_axis(right, "ms");
  draw_windows(picture, lower, right, flow);
  return picture.finish();
}

}  // namespace weir::plot
