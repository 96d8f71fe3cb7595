// tcp/engine.hpp
#include "tcp/engine.hpp"

#include "tcp/arrives.hpp"
#include "tcp/counts.hpp"
#include "tcp/output.hpp"
#include "tcp/pacing.hpp"
#include "tcp/pmtu.hpp"
#include "tcp/receive.hpp"
#include "tcp/rtt.hpp"
#include "tcp/timeouts.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

Info info_of(Context& cx, const Tcb& t) {
  Info i;
  i.connection = t.id, i.netns = t.netns;
  i.state = t.state, i.path = t.path;
  i.snd_mss = t.snd_mss, i.rcv_mss = t.rcv_mss, i.cwnd = t.cwnd, i.ssthresh = t.ssthresh;
  i.srtt_us = t.srtt_us, i.rttvar_us = t.rttvar_us;
  i.rto_us = static_cast<u32>(current_rto(cx, t).us());
  i.snd_wnd = t.snd_wnd, i.rcv_wnd = t.rcv_wnd(), i.flight = t.flight();
  i.unsent = t.synchronized() ? t.unsent() : t.tx.size();
  i.rx_bytes = t.state == State::listen ? cx.listeners[t.listener].accept_n : t.rx.size();
  const Counts* const counted = counts::of(cx, t);
  i.retransmitted = counted != nullptr ? counted->retrans_segs : 0, i.backoff = t.backoff;
  i.bytes_in = t.bytes_in, i.bytes_out = t.bytes_out;
  i.snd_wscale = t.snd_wscale, i.rcv_wscale = t.rcv_wscale;
  i.timestamps = t.has(HotFlags::timestamps), i.sack = t.has(HotFlags::sack);
  i.syn_data = (t.fast_open & FastOpenFlags::data_taken) != 0;
  i.timer = t.timer;
  i.local = {t.local, t.local_port, 0}, i.remote = {t.remote, t.remote_port, 0};
  return i;
}

}  // namespace

Engine::Engine(ip::Transport& env, const Limits& limits, Instant now) : cx_(std::make_unique<Context>(env, limits, now)) {}
Engine::~Engine() {
  // Buffers go back to the pool, which outlives us.
  cx_->tcbs.for_each([&](u32 i) {
    Tcb& t = cx_->tcbs[i];
    t.tx.clear(cx_->env.pool);
    t.rx.clear(cx_->env.pool);
    if (t.ooo != 0) cx_->reassembly[t.ooo].clear(cx_->env.pool);
  });
}

void Engine::receive(std::span<const buf::PacketId> packets, Instant now) {
  cx_->set_now(now);
  tcp::receive(*cx_, packets);
}

void Engine::icmp_error(const ip::IcmpError& error, Instant now) {
  cx_->set_now(now);
  on_icmp_error(*cx_, error);
}

u32 Engine::advance(Instant now, u32 budget) {
  Context& cx = *cx_;
  cx.set_now(now);
  u32 n = cx.wheel.advance(now, budget, [&](u32 id) {
    if ((id & 1) == 0) on_main_timer(cx, id / 2);
    else on_delayed_ack(cx, id / 2);
  });
  n += pacing::advance(cx, budget);
  n += cx.half_wheel.advance(now, budget, [&](u32 i) { on_half_open_timer(cx, i); });
  return n + expire_time_wait(cx, budget);
}

Instant Engine::next_deadline() const {
  const Instant departure = cx_->departures.empty() ? Instant::never() : cx_->departures.front().at;
  return std::min({cx_->wheel.next_deadline(), cx_->half_wheel.next_deadline(), time_wait_deadline(*cx_), departure});
}

Result<u32> Engine::open(NetnsId netns, Family family, u32 user) { return user_open(*cx_, netns, family, user); }

Result<void> Engine::bind(u32 c, const Endpoint& local, Instant now) {
  cx_->set_now(now);
  return user_bind(*cx_, cx_->tcbs[c], local);
}
Result<void> Engine::listen(u32 c, u32 backlog, Instant now) {
  cx_->set_now(now);
  return user_listen(*cx_, cx_->tcbs[c], backlog);
}
Result<u32> Engine::accept(u32 c, Instant now) {
  cx_->set_now(now);
  return user_accept(*cx_, cx_->tcbs[c]);
}
void Engine::set_user(u32 c, u32 user) { cx_->tcbs[c].user = user; }
Result<void> Engine::connect(u32 c, const Endpoint& remote, Instant now) {
  cx_->set_now(now);
  return user_connect(*cx_, cx_->tcbs[c], remote);
}
Result<u32> Engine::send(u32 c, Bytes data, u32 flags, Instant now) {
  cx_->set_now(now);
  return user_send(*cx_, cx_->tcbs[c], data, flags);
}
Result<u32> Engine::connect_send(u32 c, const Endpoint& remote, Bytes data, Instant now) {
  cx_->set_now(now);
  return user_connect_send(*cx_, cx_->tcbs[c], remote, data);
}
Result<u32> Engine::send_slices(u32 c, std::span<const buf::Slice> slices, Instant now) {
  cx_->set_now(now);
  return user_send_slices(*cx_, cx_->tcbs[c], slices);
}
Result<u32> Engine::recv(u32 c, MutBytes out, u32 flags, Instant now) {
  cx_->set_now(now);
  return user_recv(*cx_, cx_->tcbs[c], out, flags);
}
Result<Lent> Engine::recv_lent(u32 c, u32 max_bytes, Instant now) {
  cx_->set_now(now);
  return user_recv_lent(*cx_, cx_->tcbs[c], max_bytes);
}
Result<void> Engine::shutdown(u32 c, Shutdown how, Instant now) {
  cx_->set_now(now);
  return user_shutdown(*cx_, cx_->tcbs[c], how);
}
void Engine::close(u32 c, Instant now) {
  cx_->set_now(now);
  user_close(*cx_, cx_->tcbs[c]);
}
void Engine::abort(u32 c, Instant now) {
  cx_->set_now(now);
  user_abort(*cx_, cx_->tcbs[c]);
}
Result<void> Engine::set_option(u32 c, Option option, i64 value, Instant now) {
  cx_->set_now(now);
  return user_set_option(*cx_, cx_->tcbs[c], option, value);
}
Result<i64> Engine::get_option(u32 c, Option option) { return user_get_option(*cx_, cx_->tcbs[c], option); }

Endpoint Engine::local(u32 c) const {
  const Tcb& t = cx_->tcbs[c];
  return {t.local, t.local_port, 0};
}
Result<Endpoint> Engine::remote(u32 c) const {
  const Tcb& t = cx_->tcbs[c];
  if (t.state == State::listen || t.remote_port == 0) return fail(Errc::not_connected);
  return Endpoint{t.remote, t.remote_port, 0};
}
u32 Engine::ready(u32 c) { return user_ready(*cx_, cx_->tcbs[c]); }
Info Engine::info(u32 c) const { return info_of(*cx_, cx_->tcbs[c]); }

void Engine::add_netns(NetnsId netns) {
  if (cx_->counters.size() <= netns) cx_->counters.resize(usize{netns} + 1);
  if (!cx_->counters[netns]) cx_->counters[netns] = std::make_unique<Counters<Tcp>>();
}

void Engine::remove_netns(NetnsId netns, Instant now) {
  Context& cx = *cx_;
  cx.set_now(now);
  // Listeners first, and not while walking over them: what they have not given away yet goes with them.
  std::vector<u32> listeners;
  cx.tcbs.for_each([&](u32 i) {
    if (cx.tcbs[i].netns == netns && cx.tcbs[i].state == State::listen) listeners.push_back(i);
  });
  for (const u32 i : listeners) close_listener(cx, cx.tcbs[i]);
  for (const u32 i : listeners) finish_connection(cx, cx.tcbs[i], Errc::net_down);
  cx.tcbs.for_each([&](u32 i) {
    if (cx.tcbs[i].netns == netns && cx.tcbs[i].state != State::closed) finish_connection(cx, cx.tcbs[i], Errc::net_down);
  });
  forget_records(cx, netns);
}

Counters<Tcp>& Engine::counters(NetnsId netns) { return *cx_->counters[netns]; }
u32 Engine::connections() const { return cx_->tcbs.live(); }
u32 Engine::half_open() const { return cx_->half_open.live(); }
u32 Engine::time_wait() const { return cx_->time_wait4.live() + cx_->time_wait6.live(); }

void Engine::for_each(void (*f)(void* cx, const Info& info), void* arg) const {
  cx_->tcbs.for_each([&](u32 i) { f(arg, info_of(*cx_, cx_->tcbs[i])); });
}

void Engine::attach(Trace& trace) {
  trace.next = cx_->traces;
  cx_->traces = &trace;
}

void Engine::detach(Trace& trace) noexcept {
  for (Trace** at = &cx_->traces; *at != nullptr; at = &(*at)->next) {
    if (*at != &trace) continue;
    *at = trace.next;
    return;
  }
}

}  // namespace weir::tcp
