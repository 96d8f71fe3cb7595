// weir demo timers: the wheel, and the timers of TCP.
#include <fmt/format.h>

#include "base/timer_wheel.hpp"
#include "cli/demo.hpp"
#include "ip/sysctl.hpp"

namespace weir::cli {
namespace {

struct Row {
  u32 id;
  const char* what;
  Duration after;
};

// The level of the wheel that a deadline is listed in first: 256 slots of 1 ms, of 256 ms, of 65.5 s, of 4.66 h.
unsigned level_of(Duration d) {
  unsigned level = 0;
  for (i64 ms = d.ms(); ms >= 256 && level < 3; ms /= 256) ++level;
  return level;
}

void print_tcp_timers() {
  const Sysctl s;
  fmt::print("\nWhat TCP arms them for (milliseconds; one main timer at a time for each connection):\n");
  fmt::print("  retransmission, least      {:>10}\n", s.tcp_rto_min_ms);
  fmt::print("  retransmission, first SYN  {:>10}\n", 1000);
  fmt::print("  retransmission, most       {:>10}\n", s.tcp_rto_max_ms);
  fmt::print("  delayed ACK                {:>10}\n", s.tcp_delack_ms);
  fmt::print("  keepalive, first probe     {:>10}\n", u64{s.tcp_keepalive_time_s} * 1000);
  fmt::print("  keepalive, between probes  {:>10}\n", u64{s.tcp_keepalive_intvl_s} * 1000);
  fmt::print("  FIN-WAIT-2 of an orphan    {:>10}\n", u64{s.tcp_fin_timeout_s} * 1000);
  fmt::print("  TIME-WAIT (2 MSL)          {:>10}\n", u64{s.tcp_msl_s} * 2000);
}

}  // namespace

int demo_timers() {
  constexpr Row rows[] = {{1, "delayed ACK", Duration::millis(40)},
                          {2, "retransmission", Duration::millis(200)},
                          {3, "retransmission of another connection", Duration::millis(200)},
                          {4, "TIME-WAIT", Duration::seconds(60)},
                          {5, "keepalive", Duration::seconds(7200)}};
  Instant now{};
  TimerWheel wheel{now};
  fmt::print("Four wheels of 256 slots: 1 ms, 256 ms, 65.5 s and 4.66 h a slot.\n\n");
  for (const Row& r : rows) {
    wheel.arm(r.id, now + r.after);
    fmt::print("  arm timer {} ({}) in {} ms: wheel {}\n", r.id, r.what, r.after.ms(), level_of(r.after));
  }
  wheel.arm(2, now + Duration::millis(350));
  wheel.cancel(3);
  fmt::print("  timer 2 is moved to 350 ms: one store, its slot finds that out\n  timer 3 is cancelled: one store\n");
  fmt::print("  {} timers armed, {} bytes\n\nTime passes, from deadline to deadline:\n", wheel.armed_count(), wheel.memory_bytes());
  u32 wakes = 0;
  while (wheel.armed_count() != 0) {
    now = wheel.next_deadline();
    ++wakes;
    wheel.advance(now, 64, [&](u32 id) { fmt::print("  {:>11} ms: timer {} ({})\n", now.ms(), id, rows[id - 1].what); });
  }
  fmt::print("  looked {} times in {:.0f} s\n", wakes, now.s());
  print_tcp_timers();
  return 0;
}

}  // namespace weir::cli
