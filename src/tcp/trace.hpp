// The event trace of connections: what happened to whom and when, in records of one size in a ring. Off by default; who wants to
// see attaches a Trace to the engine (tcp/engine.hpp), as many as there are readers.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "tcp/tcb.hpp"

namespace weir::tcp {

struct Context;
struct Segment;

// What TraceEvent::v holds for each. Sequence numbers are as on the wire, sizes are bytes, times us.
enum class Happened : u8 {
  state,     // a: State before, b: after
  path,      // a: Path before, b: after
  window,    // cwnd, ssthresh, in flight (pipe of RFC 6675)
  rtt,       // sample, srtt, rttvar, rto
  sent,      // seq, payload, flags, ack, window told, segments of the wire; a: 1 if it was sent before
  received,  // seq, payload, flags, ack, window told, segments of the wire
  ack,       // ack, window, then n SACK blocks of two edges
  lost,      // seq, length: judged lost
  timer,     // a: Timer that fired
  undone     // cwnd, ssthresh, that a needless reduction is taken back to
};
inline constexpr usize happened_count = 10;

struct TraceEvent {
  Instant at;
  u32 connection = 0;  // its number in this trace, from 1 on
  Happened what{};
  u8 a = 0, b = 0, n = 0;
  std::array<u32, 8> v{};
  friend bool operator==(const TraceEvent&, const TraceEvent&) noexcept = default;
};
static_assert(sizeof(TraceEvent) == 48);

// Which connections. Nothing: all of them.
struct TraceFilter {
  std::optional<NetnsId> netns{};
  u16 port = 0;  // of either end
  std::optional<Endpoint> local{}, remote{};
};

// A connection that the trace has seen, with what was last told of it.
struct TraceConnection {
  NetnsId netns = 0;
  Endpoint local, remote;
  SeqNum iss{}, irs{};
  State state = State::closed;
  Path path = Path::open;
  u32 cwnd = 0, ssthresh = 0, in_flight = 0;
};

// A ring of events that overwrites its oldest and counts them. The memory is touched as it is used.
//   tcp::Trace trace({.port = 80}, 65'536);
//   engine.attach(trace);
//   ...
//   while (trace.take(event)) print(event);
//   engine.detach(trace);      // before it goes away
class Trace {
 public:
  static constexpr u32 most_connections = 65'536;

  Trace(const TraceFilter& filter, u32 capacity) : filter_(filter), capacity_(capacity == 0 ? 1 : capacity) {
    ring_ = std::make_unique_for_overwrite<TraceEvent[]>(capacity_);
  }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // The oldest event that was not taken; false: there is none.
  bool take(TraceEvent& out) noexcept {
    if (n_ == 0) return false;
    out = ring_[first_];
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    --n_;
    return true;
  }
  [[nodiscard]] u32 size() const noexcept { return n_; }
  // Events that were overwritten before they were taken, and connections that there was no number for.
  [[nodiscard]] u64 lost() const noexcept { return lost_; }
  [[nodiscard]] u64 unseen() const noexcept { return unseen_; }
  // By number, less one.
  [[nodiscard]] std::span<const TraceConnection> connections() const noexcept { return connections_; }

  // -- for the hooks (tcp/trace_hooks.hpp)
  // The connection's number; 0: it is not wanted.
  [[nodiscard]] u32 number_of(const Tcb& t);
  [[nodiscard]] TraceConnection& connection(u32 number) noexcept { return connections_[number - 1]; }
  void forget(u32 tcb) noexcept {
    if (tcb < numbers_.size()) numbers_[tcb] = 0;
  }
  void put(const TraceEvent& e) noexcept;
  Trace* next = nullptr;  // of those attached to an engine

 private:
  [[nodiscard]] bool wants(const Tcb& t) const noexcept;

  TraceFilter filter_;
  u32 capacity_, first_ = 0, n_ = 0;
  std::unique_ptr<TraceEvent[]> ring_;
  u64 lost_ = 0, unseen_ = 0;
  std::vector<u32> numbers_;  // by TCB: 0 unknown, `unwanted`, or the number
  std::vector<TraceConnection> connections_;
  static constexpr u32 unwanted = ~0u;
};

[[nodiscard]] const char* name(Path p) noexcept;
[[nodiscard]] const char* name(Timer t) noexcept;

}  // namespace weir::tcp
