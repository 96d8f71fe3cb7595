// sock/table.hpp
#include "sock/table.hpp"

#include "tcp/context.hpp"

namespace weir::sock {
namespace {

u32 to_ms(i64 ns) noexcept { return static_cast<u32>(std::clamp<i64>((ns + 999'999) / 1'000'000, 0, 0xffff'ffff)); }

bool is_stream(const Socket& s) noexcept { return s.type == SocketType::stream; }
bool is_datagram(const Socket& s) noexcept { return s.type == SocketType::datagram; }

}  // namespace

Table::Table(tcp::Engine& tcp, udp::Engine& udp, RawEngine& raw, u32 max_sockets)
    : tcp_(tcp), udp_(udp), raw_(raw), sockets_(max_sockets) {}

Socket* Table::find(Sock s) noexcept {
  if (s.index == 0 || s.generation == 0 || s.index >= sockets_.end_index()) return nullptr;
  Socket& found = sockets_.peek(s.index);
  return found.generation == s.generation ? &found : nullptr;
}

void Table::set_limit(NetnsId netns, u32 max_sockets) {
  if (netns >= quotas_.size()) quotas_.resize(netns + 1u);
  quotas_[netns].limit = max_sockets;
}

bool Table::room(NetnsId netns) const noexcept { return !sockets_.full() && quotas_[netns].used < quotas_[netns].limit; }

Result<Sock> Table::make(NetnsId netns, Family family, SocketType type, u8 protocol) {
  if (!room(netns)) return fail(Errc::too_many);
  const u32 i = sockets_.alloc();
  ++quotas_[netns].used;
  Socket& s = sockets_[i];
  if (++generation_ == 0) ++generation_;
  s.generation = generation_;
  s.netns = netns;
  s.family = family;
  s.type = type;
  s.protocol = protocol;
  return Sock{i, s.generation};
}

void Table::release(u32 index) noexcept {
  Socket& s = sockets_[index];
  --quotas_[s.netns].used;
  s.generation = 0;  // handles go stale at once; the slot waits until the ready list lets go of it
  if (!s.listed) sockets_.release(index);
}

Result<Sock> Table::open(NetnsId netns, Family family, SocketType type, u8 protocol, Instant) {
  const auto handle = make(netns, family, type, protocol);
  if (!handle) return handle;
  Result<u32> engine = fail(Errc::protocol_not_supported);
  switch (type) {
    case SocketType::stream: engine = tcp_.open(netns, family, handle->index); break;
    case SocketType::datagram: engine = udp_.open(netns, family, handle->index); break;
    case SocketType::raw: engine = raw_.open(netns, family, protocol, handle->index); break;
    case SocketType::packet: break;
  }
  if (!engine) {
    release(handle->index);
    return fail(engine.error());
  }
  sockets_[handle->index].engine = *engine;
  return handle;
}

Result<void> Table::bind(Sock h, const Endpoint& local, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.bind(s->engine, local, now);
  return is_datagram(*s) ? udp_.bind(s->engine, local, now) : raw_.bind(s->engine, local, now);
}

Result<void> Table::listen(Sock h, u32 backlog, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  return tcp_.listen(s->engine, backlog, now);
}

Result<Sock> Table::accept(Sock h, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  if (!room(s->netns)) return fail(Errc::too_many);
  const auto c = tcp_.accept(s->engine, now);
  if (!c) return fail(c.error());
  const auto handle = make(s->netns, s->family, SocketType::stream, s->protocol);
  WEIR_ASSERT(handle);
  sockets_[handle->index].engine = *c;
  tcp_.set_user(*c, handle->index);
  return handle;
}

Result<void> Table::connect(Sock h, const Endpoint& remote, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.connect(s->engine, remote, now);
  return is_datagram(*s) ? udp_.connect(s->engine, remote, now) : raw_.connect(s->engine, remote, now);
}

Result<u32> Table::send(Sock h, Bytes data, const Endpoint* to, u32 flags, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s) && (flags & SendFlags::fast_open) != 0 && to != nullptr) return tcp_.connect_send(s->engine, *to, data, now);
  if (is_stream(*s)) return tcp_.send(s->engine, data, flags, now);
  return is_datagram(*s) ? udp_.send_to(s->engine, data, to, flags, now) : raw_.send_to(s->engine, data, to, flags, now);
}

Result<u32> Table::send_lent(Sock h, const Lent& lent, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  return tcp_.send_slices(s->engine, {lent.slices.data(), lent.n}, now);
}

Result<u32> Table::recv(Sock h, MutBytes out, u32 flags, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.recv(s->engine, out, flags, now);
  const auto d = recv_from(h, out, flags, now);
  if (!d) return fail(d.error());
  return (flags & RecvFlags::truncate) != 0 ? d->length : d->copied;
}

Result<Datagram> Table::recv_from(Sock h, MutBytes out, u32 flags, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_datagram(*s)) return udp_.recv_from(s->engine, out, flags);
  if (!is_stream(*s)) return raw_.recv_from(s->engine, out, flags);
  const auto n = tcp_.recv(s->engine, out, flags, now);
  if (!n) return fail(n.error());
  Datagram d;
  d.length = d.copied = *n;
  return d;
}

Result<Lent> Table::recv_lent(Sock h, u32 max_bytes, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  return tcp_.recv_lent(s->engine, max_bytes, now);
}

Result<void> Table::shutdown(Sock h, Shutdown how, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.shutdown(s->engine, how, now);
  return is_datagram(*s) ? udp_.shutdown(s->engine, how) : raw_.shutdown(s->engine, how);
}

Result<void> Table::close(Sock h, Instant now, bool abort) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  const u32 engine = s->engine;
  const SocketType type = s->type;
  release(h.index);
  if (type == SocketType::stream) {
    if (abort) tcp_.abort(engine, now);
    else tcp_.close(engine, now);
  } else if (type == SocketType::datagram) {
    udp_.close(engine, now);
  } else {
    raw_.close(engine, now);
  }
  return {};
}

Result<void> Table::set_option(Sock h, Option option, i64 value, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (option == Option::send_timeout || option == Option::receive_timeout) {
    if (value < 0) return fail(Errc::invalid);
    (option == Option::send_timeout ? s->send_timeout_ms : s->receive_timeout_ms) = to_ms(value);
    return {};
  }
  if (is_stream(*s)) return tcp_.set_option(s->engine, option, value, now);
  return is_datagram(*s) ? udp_.set_option(s->engine, option, value) : raw_.set_option(s->engine, option, value);
}

Result<i64> Table::get_option(Sock h, Option option) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  switch (option) {
    case Option::send_timeout: return i64{s->send_timeout_ms} * 1'000'000;
    case Option::receive_timeout: return i64{s->receive_timeout_ms} * 1'000'000;
    case Option::type: return static_cast<i64>(s->type);
    default: break;
  }
  if (is_stream(*s)) return tcp_.get_option(s->engine, option);
  return is_datagram(*s) ? udp_.get_option(s->engine, option) : raw_.get_option(s->engine, option);
}

Result<Endpoint> Table::local(Sock h) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.local(s->engine);
  return is_datagram(*s) ? udp_.local(s->engine) : raw_.local(s->engine);
}

Result<Endpoint> Table::remote(Sock h) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (is_stream(*s)) return tcp_.remote(s->engine);
  return is_datagram(*s) ? udp_.remote(s->engine) : raw_.remote(s->engine);
}

Result<tcp::Info> Table::tcp_info(Sock h) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  return tcp_.info(s->engine);
}

Result<tcp::SendInfo> Table::tcp_send_info(Sock h, Instant now) {
  Socket* s = find(h);
  if (s == nullptr) return fail(Errc::bad_handle);
  if (!is_stream(*s)) return fail(Errc::not_supported);
  tcp_.context().set_now(now);
  return tcp::send_info(tcp_.context(), s->engine);
}

u32 Table::ready_of(Socket& s) noexcept {
  if (is_stream(s)) return tcp_.ready(s.engine);
  return is_datagram(s) ? udp_.ready(s.engine) : raw_.ready(s.engine);
}

u32 Table::ready(Sock h) {
  Socket* s = find(h);
  return s != nullptr ? ready_of(*s) : Ready::error;
}

Edges Table::edges(Sock h) {
  const Socket* s = find(h);
  return s != nullptr ? s->edges : Edges{};
}

u32 Table::poll_ready(std::span<ReadyEvent> out) {
  u32 n = 0;
  while (n < out.size()) {
    const u32 i = ready_.pop(next_ready());
    if (i == 0) break;
    Socket& s = sockets_[i];
    s.listed = false;
    if (s.generation == 0) {
      sockets_.release(i);
      continue;
    }
    out[n++] = {{i, s.generation}, ready_of(s), s.edges.in + s.edges.out};
  }
  return n;
}

void Table::notify(u32 index, u32 mask) noexcept {
  Socket& s = sockets_.peek(index);
  if (s.generation == 0) return;  // closed: its connection has something to say for the last time
  s.edges.in += (mask & ~Ready::out) != 0 || mask == 0;
  s.edges.out += (mask & Ready::out) != 0;
  if (s.listed) return;
  s.listed = true;
  ready_.push(next_ready(), index);
}

void Table::set_user(Sock h, u64 user) {
  if (Socket* s = find(h)) s->user = user;
}

u64 Table::user(Sock h) {
  Socket* s = find(h);
  return s != nullptr ? s->user : 0;
}

}  // namespace weir::sock
