// All of TCP's state in a shard, and the time of the call in progress. The protocol's functions are free functions over
// it, one file per section of RFC 9293; tcp/engine.hpp is the door for everybody else.
#pragma once

#include <optional>

#include "base/fixed_vector.hpp"
#include "base/flow_hash.hpp"
#include "base/siphash.hpp"
#include "base/timer_wheel.hpp"
#include "ip/socket_types.hpp"
#include "ip/transport.hpp"
#include "tcp/counted.hpp"
#include "tcp/fast_open_cache.hpp"
#include "tcp/half_open.hpp"
#include "tcp/limits.hpp"
#include "tcp/listener.hpp"
#include "tcp/ports.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/segment.hpp"
#include "tcp/sender.hpp"
#include "tcp/table.hpp"
#include "tcp/tcb.hpp"
#include "tcp/tcp_counters.hpp"
#include "tcp/time_wait.hpp"
#include "tcp/trace.hpp"

namespace weir::tcp {

// A 4-tuple seen from here, with its namespace.
struct Flow {
  IpAddr local, remote;
  u16 local_port = 0, remote_port = 0;
  NetnsId netns = 0;
  friend bool operator==(const Flow&, const Flow&) noexcept = default;
};

// Replies to what has no connection are bounded: A59.
struct ReplyBucket {
  Instant last;
  u32 tokens = 2'000;
};

// A connection that may send again at a time: tcp/pacing.hpp.
struct Departure {
  Instant at;
  u32 tcb = 0;
};

// tcp/syn_cookie.hpp
struct CookieSecret {
  SipKey key;
  u32 slot = 0;
  bool valid = false;
};

struct Context {
  Context(ip::Transport& transport, const Limits& l, Instant start);

  ip::Transport& env;
  Limits limits;
  Instant now;
  u32 now_ms = 0;  // now, as counted by u32 fields; never 0
  Drop why = Drop::none;  // reason of the verdict that is being returned

  Slab<Tcb, 256 * 1024> tcbs;
  Slab<HalfOpen> half_open;
  Slab<Extra> extras;
  Slab<Reassembly> reassembly;
  Slab<Sender> senders;
  Slab<Counts> counted;
  SentChunks sent;
  ListenerTable listeners;
  PortTable ports;
  TimeWaitList<TimeWait4> time_wait4;
  TimeWaitList<TimeWait6> time_wait6;
  ConnTable table;
  TimerWheel wheel;       // TCB timers: 2 * id main, 2 * id + 1 delayed ACK
  TimerWheel half_wheel;  // by half-open index
  std::vector<Departure> departures;  // a heap, the earliest first
  FlowHasher hasher;
  SipKey isn_key, ts_key, port_key;
  std::array<CookieSecret, 2> cookie_secrets;
  FastOpen fast_open;
  std::vector<u32> port_table;  // tcp/ports.hpp: counters of the double hash
  ReplyBucket resets;
  std::vector<std::unique_ptr<Counters<Tcp>>> counters;  // by netns
  FixedVector<u32, 64> touched;         // TCBs that the batch in hand has to do with
  u32 orphans = 0;
  Trace* traces = nullptr;  // who watches: tcp/trace_hooks.hpp
  std::optional<SeqNum> test_iss;  // set by tests alone: every connection starts here instead of at initial_sequence()

  void set_now(Instant t) noexcept;
  Counters<Tcp>& count(NetnsId n) noexcept { return *counters[n]; }
  void count(const Tcb& t, Tcp what, u64 n = 1) noexcept { counters[t.netns]->add(what, n); }
  const Sysctl& sysctl(const Tcb& t) const noexcept { return env.sysctl(t.netns); }
  void notify(const Tcb& t, u32 mask) noexcept {
    if (t.user != 0) env.notify(env.cx, t.user, mask);
  }
  [[nodiscard]] u32 now_us() const noexcept { return static_cast<u32>(now.ns / 1'000); }

  [[nodiscard]] u32 hash(const Flow& f) const noexcept;
  [[nodiscard]] Flow flow_of(Ref r) noexcept;
  [[nodiscard]] u32 hash_of(Ref r) noexcept { return hash(flow_of(r)); }
  [[nodiscard]] bool is(Ref r, const Flow& f) noexcept;
  [[nodiscard]] Ref find(const Flow& f, u32 h) noexcept {
    return table.find(h, [&](Ref r) { return is(r, f); });
  }
  void insert(const Flow& f, Ref r) {
    table.insert(hash(f), r, [this](Ref x) { return hash_of(x); });
  }
};

[[nodiscard]] inline Flow flow_of(const Tcb& t) noexcept { return {t.local, t.remote, t.local_port, t.remote_port, t.netns}; }
[[nodiscard]] inline Flow flow_of(const HalfOpen& h) noexcept { return {h.local, h.remote, h.local_port, h.remote_port, h.netns}; }
[[nodiscard]] inline const Extra& extra(Context& cx, const Tcb& t) noexcept {
  static constexpr Extra defaults{};
  return t.extra != 0 ? cx.extras[t.extra] : defaults;
}

}  // namespace weir::tcp
