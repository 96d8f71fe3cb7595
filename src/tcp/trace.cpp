// tcp/trace.hpp, tcp/trace_hooks.hpp
#include "tcp/trace.hpp"

#include "tcp/recovery/learnt.hpp"
#include "tcp/trace_hooks.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp {

const char* name(Path p) noexcept {
  static constexpr const char* names[] = {"open", "disorder", "cwr", "recovery", "loss"};
  return names[static_cast<usize>(p)];
}

const char* name(Timer t) noexcept {
  static constexpr const char* names[] = {"none", "retransmit", "persist", "keepalive", "fin_wait_2", "probe", "reorder"};
  return names[static_cast<usize>(t)];
}

bool Trace::wants(const Tcb& t) const noexcept {
  if (filter_.netns && *filter_.netns != t.netns) return false;
  if (filter_.port != 0 && filter_.port != t.local_port && filter_.port != t.remote_port) return false;
  if (filter_.local && (filter_.local->addr != t.local || filter_.local->port != t.local_port)) return false;
  return !filter_.remote || (filter_.remote->addr == t.remote && filter_.remote->port == t.remote_port);
}

u32 Trace::number_of(const Tcb& t) {
  if (t.id >= numbers_.size()) numbers_.resize(std::max<usize>(usize{t.id} + 1, numbers_.size() * 2));
  u32& number = numbers_[t.id];
  if (number == unwanted) return 0;
  if (number != 0) return number;
  // Not before it is one: a listener and a socket that was only made have no peer.
  if (t.state == State::closed || t.state == State::listen || t.state == State::time_wait) return 0;
  if (!wants(t)) {
    number = unwanted;
    return 0;
  }
  if (connections_.size() == most_connections) {
    ++unseen_;
    number = unwanted;
    return 0;
  }
  connections_.push_back(
      {.netns = t.netns, .local = {t.local, t.local_port, 0}, .remote = {t.remote, t.remote_port, 0}, .iss = t.iss, .irs = t.irs});
  return number = static_cast<u32>(connections_.size());
}

void Trace::put(const TraceEvent& e) noexcept {
  if (n_ == capacity_) {
    ring_[first_] = e;
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    ++lost_;
    return;
  }
  const u32 at = first_ + n_ < capacity_ ? first_ + n_ : first_ + n_ - capacity_;
  ring_[at] = e;
  ++n_;
}

namespace trace::detail {
namespace {

u32 pipe_of(Context& cx, const Tcb& t) noexcept { return t.sender != 0 ? in_flight(t, cx.senders[t.sender]) : t.flight(); }

// What differs from what was told last.
void compare(Context& cx, Trace& trace, u32 number, const Tcb& t) noexcept {
  TraceConnection& c = trace.connection(number);
  c.iss = t.iss, c.irs = t.irs;
  TraceEvent e{.at = cx.now, .connection = number};
  if (c.state != t.state) {
    e.what = Happened::state;
    e.a = static_cast<u8>(c.state), e.b = static_cast<u8>(t.state);
    c.state = t.state;
    trace.put(e);
  }
  if (c.path != t.path) {
    e.what = Happened::path;
    e.a = static_cast<u8>(c.path), e.b = static_cast<u8>(t.path);
    c.path = t.path;
    trace.put(e);
  }
  const u32 in_flight = pipe_of(cx, t);
  if (!t.synchronized() || (c.cwnd == t.cwnd && c.ssthresh == t.ssthresh && c.in_flight == in_flight)) return;
  c.cwnd = t.cwnd, c.ssthresh = t.ssthresh, c.in_flight = in_flight;
  e.what = Happened::window;
  e.a = e.b = 0;
  e.v = {t.cwnd, t.ssthresh, in_flight};
  trace.put(e);
}

// f(trace, event) for each trace that wants the connection; the event is begun.
template <class F>
void tell(Context& cx, const Tcb& t, Happened what, F&& f) noexcept {
  for (Trace* trace = cx.traces; trace != nullptr; trace = trace->next) {
    const u32 number = trace->number_of(t);
    if (number == 0) continue;
    compare(cx, *trace, number, t);
    f(*trace, TraceEvent{.at = cx.now, .connection = number, .what = what});
  }
}

// More than three blocks make another event.
void put_ack(Trace& trace, TraceEvent e, const Segment& seg, u32 window) noexcept {
  e.what = Happened::ack;
  const auto options = seg.more_options ? wire::parse_options(seg.options) : Result<wire::TcpOptions, Drop>{};
  const std::span<const wire::SackBlock> blocks = options ? options->sack_blocks() : std::span<const wire::SackBlock>{};
  usize i = 0;
  do {
    e.v = {seg.ack.raw, window};
    for (e.n = 0; e.n < 3 && i < blocks.size(); ++e.n, ++i) {
      e.v[2 + 2 * usize{e.n}] = blocks[i].left.raw;
      e.v[3 + 2 * usize{e.n}] = blocks[i].right.raw;
    }
    trace.put(e);
  } while (i < blocks.size());
}

}  // namespace

void changed(Context& cx, const Tcb& t) noexcept {
  for (Trace* trace = cx.traces; trace != nullptr; trace = trace->next) {
    const u32 number = trace->number_of(t);
    if (number == 0) continue;
    compare(cx, *trace, number, t);
    // What the socket does next is another connection.
    if (t.state == State::closed || t.state == State::time_wait) trace->forget(t.id);
  }
}

void gone(Context& cx, const Tcb& t) noexcept {
  for (Trace* trace = cx.traces; trace != nullptr; trace = trace->next) trace->forget(t.id);
}

void arrived(Context& cx, const Tcb& t, const Segment& seg) noexcept {
  const u32 window = seg.any(TcpFlags::syn) ? seg.wnd : seg.wnd << t.snd_wscale;
  tell(cx, t, Happened::received, [&](Trace& trace, TraceEvent e) {
    if (seg.len != 0 || seg.any(TcpFlags::rst)) {
      e.v = {seg.seq.raw, seg.data, seg.ctl.bits, seg.ack.raw, window, seg.segments};
      trace.put(e);
    }
    if (seg.any(TcpFlags::ack)) put_ack(trace, e, seg, window);
  });
}

void sent(Context& cx, const Tcb& t, SeqNum seq, u32 data, u16 flags, u32 segments, bool again) noexcept {
  tell(cx, t, Happened::sent, [&](Trace& trace, TraceEvent e) {
    e.a = again ? 1 : 0;
    const bool has_ack = (flags & TcpFlags::ack) != 0;
    e.v = {seq.raw, data, flags, has_ack ? t.rcv_nxt.raw : 0, t.rcv_wnd(), segments};
    trace.put(e);
  });
}

void rtt(Context& cx, const Tcb& t, u32 us) noexcept {
  tell(cx, t, Happened::rtt, [&](Trace& trace, TraceEvent e) {
    e.v = {us, t.srtt_us, t.rttvar_us, t.rto_us};
    trace.put(e);
  });
}

void lost(Context& cx, const Tcb& t, SeqNum start, u32 len) noexcept {
  tell(cx, t, Happened::lost, [&](Trace& trace, TraceEvent e) {
    e.v = {start.raw, len};
    trace.put(e);
  });
}

void timer(Context& cx, const Tcb& t) noexcept {
  tell(cx, t, Happened::timer, [&](Trace& trace, TraceEvent e) {
    e.a = static_cast<u8>(t.timer);
    trace.put(e);
  });
}

void undone(Context& cx, const Tcb& t) noexcept {
  tell(cx, t, Happened::undone, [&](Trace& trace, TraceEvent e) {
    e.v = {t.cwnd, t.ssthresh};
    trace.put(e);
  });
}

}  // namespace trace::detail
}  // namespace weir::tcp
