// shard/shard.hpp: the user's calls, handed to the socket table at the time of the call.
#include "shard/shard.hpp"
#include "sock/table.hpp"

namespace weir {

Result<Sock> Shard::socket(NetnsId netns, Family family, SocketType type, u8 protocol, Instant now) {
  graph::Netns* ns = core_->find_netns(netns);
  if (ns == nullptr) return fail(Errc::net_down);
  core_->now = now;
  return core_->sockets->open(netns, family, type, protocol, now);
}

Result<void> Shard::bind(Sock s, const Endpoint& local, Instant now) {
  core_->now = now;
  return core_->sockets->bind(s, local, now);
}
Result<void> Shard::listen(Sock s, u32 backlog, Instant now) {
  core_->now = now;
  return core_->sockets->listen(s, backlog, now);
}
Result<Sock> Shard::accept(Sock s, Instant now) {
  core_->now = now;
  return core_->sockets->accept(s, now);
}
Result<void> Shard::connect(Sock s, const Endpoint& remote, Instant now) {
  core_->now = now;
  return core_->sockets->connect(s, remote, now);
}
Result<u32> Shard::send(Sock s, Bytes data, u32 flags, Instant now) {
  core_->now = now;
  return core_->sockets->send(s, data, nullptr, flags, now);
}
Result<u32> Shard::send_to(Sock s, Bytes data, const Endpoint& to, u32 flags, Instant now) {
  core_->now = now;
  return core_->sockets->send(s, data, &to, flags, now);
}
Result<u32> Shard::recv(Sock s, MutBytes out, u32 flags, Instant now) {
  core_->now = now;
  return core_->sockets->recv(s, out, flags, now);
}
Result<Datagram> Shard::recv_from(Sock s, MutBytes out, u32 flags, Instant now) {
  core_->now = now;
  return core_->sockets->recv_from(s, out, flags, now);
}
Result<Lent> Shard::recv_lent(Sock s, u32 max_bytes, Instant now) {
  core_->now = now;
  return core_->sockets->recv_lent(s, max_bytes, now);
}
void Shard::return_lent(const Lent& lent) {
  for (u32 i = 0; i < lent.n; ++i) core_->pool.unref(lent.slices[i].buffer);
}
Result<buf::Slice> Shard::reserve(u32 bytes) {
  const buf::BufferId b = core_->pool.alloc_for(bytes, buf::Purpose::user);
  if (b == buf::BufferId::none) return fail(Errc::would_block);
  return buf::Slice{b, 0, static_cast<u16>(std::min(bytes, core_->pool.capacity(b)))};
}
Result<u32> Shard::send_lent(Sock s, const Lent& lent, Instant now) {
  core_->now = now;
  return core_->sockets->send_lent(s, lent, now);
}
Result<void> Shard::shutdown(Sock s, Shutdown how, Instant now) {
  core_->now = now;
  return core_->sockets->shutdown(s, how, now);
}
Result<void> Shard::close(Sock s, Instant now) {
  core_->now = now;
  return core_->sockets->close(s, now, false);
}
Result<void> Shard::abort(Sock s, Instant now) {
  core_->now = now;
  return core_->sockets->close(s, now, true);
}
Result<void> Shard::set_option(Sock s, Option option, i64 value, Instant now) {
  core_->now = now;
  return core_->sockets->set_option(s, option, value, now);
}
Result<i64> Shard::get_option(Sock s, Option option) { return core_->sockets->get_option(s, option); }
Result<Endpoint> Shard::local(Sock s) { return core_->sockets->local(s); }
Result<Endpoint> Shard::remote(Sock s) { return core_->sockets->remote(s); }
u32 Shard::ready(Sock s) { return core_->sockets->ready(s); }
Edges Shard::edges(Sock s) { return core_->sockets->edges(s); }
u32 Shard::poll_ready(std::span<ReadyEvent> out) { return core_->sockets->poll_ready(out); }
bool Shard::any_ready() const noexcept { return core_->sockets->any_ready(); }
void Shard::set_user(Sock s, u64 user) { core_->sockets->set_user(s, user); }
u64 Shard::user(Sock s) { return core_->sockets->user(s); }

}  // namespace weir
