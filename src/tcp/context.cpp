// tcp/context.hpp
#include "tcp/context.hpp"

namespace weir::tcp {
namespace {

std::array<u8, 32> key_material(Rng& rng) noexcept {
  std::array<u8, 32> key;
  rng.fill(std::as_writable_bytes(std::span{key}));
  return key;
}

SipKey sip_key(Rng& rng) noexcept { return {rng.next_u64(), rng.next_u64()}; }

template <class Record>
Flow flow_of_record(const Record& r) noexcept {
  return {r.local, r.remote, r.local_port, r.remote_port, r.netns};
}

}  // namespace

Context::Context(ip::Transport& transport, const Limits& l, Instant start)
    : env(transport),
      limits(l),
      tcbs(l.max_connections),
      half_open(l.max_half_open),
      extras(l.max_connections),
      reassembly(l.max_connections),
      senders(l.max_connections),
      counted(l.max_connections),
      sent(l.max_sent_chunks),
      listeners(l.max_listeners),
      ports(l.max_connections),
      time_wait4(l.max_time_wait),
      time_wait6(l.max_time_wait),
      wheel(start),
      half_wheel(start),
      hasher(key_material(transport.rng)),
      isn_key(sip_key(transport.rng)),
      ts_key(sip_key(transport.rng)),
      port_key(sip_key(transport.rng)) {
  resets.last = start;
  set_now(start);
}

void Context::set_now(Instant t) noexcept {
  now = t;
  now_ms = static_cast<u32>(t.ns / 1'000'000);
  if (now_ms == 0) now_ms = 1;
}

u32 Context::hash(const Flow& f) const noexcept {
  if (f.local.is_v4()) return hasher(FlowKey4{f.local.v4().host, f.remote.v4().host, f.local_port, f.remote_port, f.netns});
  FlowKey6 key;
  f.local.v6().store(key.src);
  f.remote.v6().store(key.dst);
  key.sport = f.local_port;
  key.dport = f.remote_port;
  key.ns = f.netns;
  return hasher(key);
}

Flow Context::flow_of(Ref r) noexcept {
  switch (r.kind()) {
    case RefKind::tcb: return tcp::flow_of(tcbs[r.index()]);
    case RefKind::half_open: return tcp::flow_of(half_open[r.index()]);
    case RefKind::time_wait4: return flow_of_record(time_wait4[r.index()]);
    case RefKind::time_wait6: return flow_of_record(time_wait6[r.index()]);
  }
  return {};
}

bool Context::is(Ref r, const Flow& f) noexcept {
  const auto same = [&](const auto& c) {
    return c.remote_port == f.remote_port && c.local_port == f.local_port && c.netns == f.netns && IpAddr{c.remote} == f.remote &&
           IpAddr{c.local} == f.local;
  };
  switch (r.kind()) {
    case RefKind::tcb: return same(tcbs[r.index()]);
    case RefKind::half_open: return same(half_open[r.index()]);
    case RefKind::time_wait4: return same(time_wait4[r.index()]);
    case RefKind::time_wait6: return same(time_wait6[r.index()]);
  }
  return false;
}

const char* name(State s) noexcept {
  static constexpr const char* names[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                          "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
  return names[static_cast<usize>(s)];
}

}  // namespace weir::tcp
