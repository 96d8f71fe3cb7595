// tcp/user_calls.hpp: options of a connection, by the one table of ip/socket_types.hpp.
#include <utility>

#include "tcp/emit.hpp"
#include "tcp/output.hpp"
#include "tcp/recovery/recovery.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

u32 to_ms(i64 ns) noexcept { return static_cast<u32>(std::clamp<i64>((ns + 999'999) / 1'000'000, 0, 0x7fff'ffff)); }
i64 to_ns(u32 ms) noexcept { return i64{ms} * 1'000'000; }

void set_bit(Tcb& t, u32 bit, bool on) noexcept {
  if (on) t.mark(bit);
  else t.unmark(bit);
}

// The switch options: one bit each.
std::optional<u32> bit_of(Option o) noexcept {
  switch (o) {
    case Option::reuse_address: return ColdFlags::reuse_address;
    case Option::reuse_port: return ColdFlags::reuse_port;
    case Option::keepalive: return ColdFlags::keepalive;
    case Option::v6_only: return ColdFlags::v6_only;
    case Option::cork: return ColdFlags::cork;
    case Option::oob_inline: return ColdFlags::oob_inline;
    case Option::quick_ack: return ColdFlags::quick_ack;
    default: return {};
  }
}

// Buffers: at least two segments, at most what 2^30 of sequence space allows; the window scale is fixed by the SYN.
Result<void> set_buffer(Tcb& t, Option o, i64 value) noexcept {
  const u32 bytes = static_cast<u32>(std::clamp<i64>(value, 2'304, 1 << 30));
  if (o == Option::send_buffer) {
    t.snd_buf = bytes;
    t.mark(ColdFlags::snd_buf_set);
    return {};
  }
  const u32 most = t.state < State::syn_sent ? 1u << 30 : 0xffffu << t.rcv_wscale;
  t.mark(ColdFlags::rcv_buf_set);
  const u32 before = std::exchange(t.rcv_buf, std::min(bytes, most));
  if (t.rcv_buf < before) t.rcv_buf_before = std::max(t.rcv_buf_before, before);
  return {};
}

Result<void> set_linger(Context& cx, Tcb& t, i64 value) noexcept {
  set_bit(t, ColdFlags::linger, value >= 0);
  if (t.extra == 0) t.extra = cx.extras.alloc();
  if (t.extra == 0) return fail(Errc::no_memory);
  cx.extras[t.extra].linger_ms = value >= 0 ? to_ms(value) : 0;
  return {};
}

Result<void> set_extra(Context& cx, Tcb& t, Option o, i64 value) noexcept {
  if (t.extra == 0) t.extra = cx.extras.alloc();
  if (t.extra == 0) return fail(Errc::no_memory);
  Extra& x = cx.extras[t.extra];
  const auto in = [&](i64 lo, i64 hi) { return lo <= value && value <= hi; };
  switch (o) {
    case Option::keepalive_idle:
      if (!in(1, INT64_MAX)) break;
      x.keepalive_idle_ms = to_ms(value);
      return {};
    case Option::keepalive_interval:
      if (!in(1, INT64_MAX)) break;
      x.keepalive_interval_ms = to_ms(value);
      return {};
    case Option::keepalive_count:
      if (!in(1, 127)) break;
      x.keepalive_count = static_cast<u32>(value);
      return {};
    case Option::user_timeout:
      if (!in(0, INT64_MAX)) break;
      x.user_timeout_ms = to_ms(value);
      return {};
    case Option::syn_retries:
      if (!in(0, 127)) break;
      x.syn_retries = static_cast<u32>(value);
      return {};
    case Option::linger2:
      if (!in(0, INT64_MAX)) break;
      x.fin_wait_2_ms = to_ms(value);
      return {};
    case Option::max_segment:
      if (!in(0, 65'495)) break;
      x.max_segment = static_cast<u16>(value);
      return {};
    case Option::max_pacing_rate:
      if (!in(0, INT64_MAX)) break;
      x.max_pacing_rate = static_cast<u64>(value);
      return {};
    case Option::ttl:
      if (!in(1, 255)) break;
      x.ttl = static_cast<u8>(value);
      return {};  //= rfc9293#3.9.2 MUST-49
    case Option::tos:
      if (!in(0, 255)) break;
      x.tos = static_cast<u8>(value & ~3);
      return {};  //= rfc9293#3.9.1.9 MUST-48, SHLD-21
    default: return fail(Errc::no_protocol_option);
  }
  return fail(Errc::invalid);
}

// RFC 6298: SYN-ACKs go after 1, 3, 7 ... seconds. So many have gone when `value` ns are over, and the other way round.
u8 syn_acks_in(i64 value) noexcept {
  u8 n = 0;
  for (i64 period = 1'000'000'000, over = 0; over < value && n < 8; period *= 2, ++n) over += period;
  return n;
}
i64 time_of(u8 syn_acks) noexcept { return ((i64{1} << syn_acks) - 1) * 1'000'000'000; }

// Of listeners, and of how much may wait on either side.
Result<void> set_limit(Context& cx, Tcb& t, Option o, i64 value) noexcept {
  if (value < 0 || value > 0x7fff'ffff'ffff) return fail(Errc::invalid);
  if (t.extra == 0) t.extra = cx.extras.alloc();
  if (t.extra == 0) return fail(Errc::no_memory);
  Extra& x = cx.extras[t.extra];
  const u32 bytes = static_cast<u32>(std::min<i64>(value, 1 << 30));
  switch (o) {
    case Option::defer_accept: x.defer_accept = syn_acks_in(value); return {};
    case Option::not_sent_low:
      x.not_sent_low = bytes;
      tell_writable(cx, t);
      return {};
    case Option::window_clamp: x.window_clamp = value != 0 ? std::max<u32>(bytes, 1'152) : 0; return {};
    default:
      if (t.state != State::closed && t.state != State::listen) return fail(Errc::invalid);
      x.fast_open_max = bytes;
      return {};
  }
}

Result<void> set_fast_open_bit(Tcb& t, u8 bit, bool on) noexcept {
  if (t.state != State::closed && t.state != State::listen) return fail(Errc::invalid);
  t.fast_open = static_cast<u8>(on ? t.fast_open | bit : t.fast_open & ~bit);
  return {};
}

u32 or_default(u32 value, u32 fallback) noexcept { return value != 0 ? value : fallback; }

}  // namespace

Result<void> user_set_option(Context& cx, Tcb& t, Option o, i64 value) noexcept {
  if (const auto bit = bit_of(o)) {
    set_bit(t, *bit, value != 0);
    if (o == Option::cork && value == 0 && t.synchronized()) output(cx, t);
    if (o == Option::keepalive && t.synchronized()) set_timer(cx, t, false);  //= rfc9293#3.8.4 MUST-24
    return {};
  }
  switch (o) {
    case Option::no_delay:
      if (value != 0) t.set(HotFlags::no_delay);
      else t.unset(HotFlags::no_delay);
      if (value != 0 && t.synchronized()) output(cx, t);
      return {};
    case Option::linger: return set_linger(cx, t, value);
    case Option::send_buffer:
    case Option::receive_buffer: return set_buffer(t, o, value);
    case Option::bind_interface: t.oif = static_cast<IfIndex>(value); return {};
    case Option::congestion_control:
      if (value < 0 || value >= static_cast<i64>(cc::Kind::external)) return fail(Errc::not_found);
      set_cc(cx, t, static_cast<cc::Kind>(value));
      return {};
    case Option::fast_open_connect: return set_fast_open_bit(t, FastOpenFlags::connect, value != 0);
    case Option::fast_open_no_cookie: return set_fast_open_bit(t, FastOpenFlags::no_cookie, value != 0);
    case Option::fast_open:
    case Option::defer_accept:
    case Option::not_sent_low:
    case Option::window_clamp: return set_limit(cx, t, o, value);
    default: break;
  }
  const auto done = set_extra(cx, t, o, value);
  //= rfc9293#3.8.4 MUST-27
  if (done && t.timer == Timer::keepalive) {
    t.timer = Timer::none;
    set_timer(cx, t, true);
  }
  if (done && o == Option::max_segment && t.synchronized()) update_mss(cx, t);
  return done;
}

Result<i64> user_get_option(Context& cx, Tcb& t, Option o) noexcept {
  if (const auto bit = bit_of(o)) return t.is(*bit) ? 1 : 0;
  const Sysctl& sys = cx.sysctl(t);
  const Extra& x = extra(cx, t);
  switch (o) {
    case Option::no_delay: return t.has(HotFlags::no_delay) ? 1 : 0;
    case Option::linger: return t.is(ColdFlags::linger) ? to_ns(x.linger_ms) : -1;
    case Option::send_buffer: return t.snd_buf;
    case Option::receive_buffer: return t.rcv_buf;
    case Option::keepalive_idle: return to_ns(or_default(x.keepalive_idle_ms, sys.tcp_keepalive_time_s * 1'000));
    case Option::keepalive_interval: return to_ns(or_default(x.keepalive_interval_ms, sys.tcp_keepalive_intvl_s * 1'000));
    case Option::keepalive_count: return or_default(x.keepalive_count, sys.tcp_keepalive_probes);
    case Option::user_timeout: return to_ns(x.user_timeout_ms);
    case Option::syn_retries: return or_default(x.syn_retries, sys.tcp_syn_retries);
    case Option::linger2: return to_ns(or_default(x.fin_wait_2_ms, sys.tcp_fin_timeout_s * 1'000));
    case Option::max_segment: return t.synchronized() ? t.snd_mss : or_default(x.max_segment, 536);
    case Option::ttl: return or_default(x.ttl, sys.default_ttl);
    case Option::congestion_control: return static_cast<i64>(cc_kind(cx, t));
    case Option::max_pacing_rate: return static_cast<i64>(x.max_pacing_rate);
    case Option::tos: return x.tos;
    case Option::fast_open: return x.fast_open_max;
    case Option::fast_open_connect: return (t.fast_open & FastOpenFlags::connect) != 0 ? 1 : 0;
    case Option::fast_open_no_cookie: return (t.fast_open & FastOpenFlags::no_cookie) != 0 ? 1 : 0;
    case Option::defer_accept: return time_of(x.defer_accept);
    case Option::not_sent_low: return or_default(x.not_sent_low, sys.tcp_notsent_lowat);
    case Option::window_clamp: return x.window_clamp;
    case Option::bind_interface: return t.oif;
    case Option::accepting: return t.state == State::listen ? 1 : 0;
    case Option::pending_input: return t.rx.size();
    case Option::pending_output: return t.tx.size();
    case Option::error: {
      Errc e = t.error != Errc::would_block ? t.error : t.soft_error;
      t.error = t.soft_error = Errc::would_block;
      return e == Errc::would_block ? 0 : to_errno(e);
    }
    case Option::at_mark: {
      const SeqNum first = t.rcv_nxt - t.rx.size() - (t.is(ColdFlags::peer_fin) ? 1u : 0u);
      return t.is(ColdFlags::urgent_in) && first + 1 == t.rcv_up ? 1 : 0;  //= rfc9293#3.8.5 MUST-33
    }
    default: return fail(Errc::no_protocol_option);
  }
}

}  // namespace weir::tcp
