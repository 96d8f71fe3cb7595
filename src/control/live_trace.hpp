// The event trace of TCP connections (tcp/trace.hpp) of a running weir, as lines of JSON. docs/control.md.
#pragma once

#include <optional>
#include <string>

#include "control/report.hpp"
#include "tcp/trace.hpp"
#include "weir/stack.hpp"

namespace weir::control {

// Which connections a request wants: "netns", "port", "local", "remote". The error is for the user.
[[nodiscard]] Result<tcp::TraceFilter, std::string> trace_filter(const Json& request, const Shard& shard);

// The trace lives as long as this; on the executor's thread.
class LiveTrace {
 public:
  LiveTrace(const Host& host, const tcp::TraceFilter& filter, Duration to_wall_clock);
  ~LiveTrace();
  LiveTrace(const LiveTrace&) = delete;
  LiveTrace& operator=(const LiveTrace&) = delete;

  // The answer's first line.
  [[nodiscard]] std::string header() const;
  // Some of what has happened since; empty: that was all.
  [[nodiscard]] std::string lines();

 private:
  void introduce(Shard& shard, u32 number, std::string& out);

  static constexpr u32 capacity = 128 * 1024, at_once = 2'048;
  Host host_;
  tcp::Trace trace_;
  Instant reference_;
  Duration to_wall_clock_;
  std::vector<std::optional<SeqNum>> introduced_;  // by number, less one: with what IRS
  u64 lost_told_ = 0;
};

}  // namespace weir::control
