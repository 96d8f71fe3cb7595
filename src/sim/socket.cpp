#include "sim/socket.hpp"

#include "sim/monitor.hpp"

namespace weir::sim {

Result<Socket> Socket::open(Host& host, Family family, SocketType type, u8 protocol) {
  const auto made = host.shard().socket(host.netns(), family, type, protocol, host.world().now());
  if (!made) return std::unexpected(made.error());
  return Socket(host, *made);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  host_ = std::exchange(other.host_, nullptr);
  sock_ = std::exchange(other.sock_, Sock{});
  handler_ = std::exchange(other.handler_, 0);
  return *this;
}

void Socket::on_ready(World::ReadyHandler handler) {
  host_->world().remove_handler(handler_);
  handler_ = host_->world().add_handler(std::move(handler));
  host_->shard().set_user(sock_, handler_);
}

Result<void> Socket::bind(const Endpoint& local) { return called(host_->shard().bind(sock_, local, now())); }
Result<void> Socket::listen(u32 backlog) { return called(host_->shard().listen(sock_, backlog, now())); }

Result<Socket> Socket::accept() {
  const auto taken = called(host_->shard().accept(sock_, now()));
  if (!taken) return std::unexpected(taken.error());
  return Socket(*host_, *taken);
}

Result<void> Socket::connect(const Endpoint& remote) { return called(host_->shard().connect(sock_, remote, now())); }
Result<u32> Socket::send(Bytes data, u32 flags) { return called(host_->shard().send(sock_, data, flags, now())); }
Result<u32> Socket::send_to(Bytes data, const Endpoint& to) { return called(host_->shard().send_to(sock_, data, to, 0, now())); }
Result<u32> Socket::recv(MutBytes out, u32 flags) { return called(host_->shard().recv(sock_, out, flags, now())); }
Result<Datagram> Socket::recv_from(MutBytes out) { return called(host_->shard().recv_from(sock_, out, 0, now())); }
Result<Lent> Socket::recv_lent(u32 max_bytes) { return called(host_->shard().recv_lent(sock_, max_bytes, now())); }

Result<u32> Socket::send_in_buffer(Bytes data) {
  Shard& shard = host_->shard();
  const auto slice = shard.reserve(static_cast<u32>(std::min<usize>(data.size(), 16'000)));
  if (!slice) return std::unexpected(slice.error());
  Lent lent;
  lent.slices[0] = *slice;
  lent.slices[0].length = static_cast<u16>(std::min<usize>(data.size(), slice->length));
  lent.n = 1;
  lent.bytes = lent.slices[0].length;
  std::memcpy(shard.pool().data(slice->buffer) + slice->offset, data.data(), lent.bytes);
  return called(shard.send_lent(sock_, lent, now()));  // takes the buffer over, whether it is sent or not
}

Result<void> Socket::shutdown(Shutdown how) { return called(host_->shard().shutdown(sock_, how, now())); }

void tell_monitor(World& world, Shard& shard, Sock s, bool aborts) {
  if (!world.config().monitor) return;
  const auto at = shard.local(s);
  if (!at) return;
  const auto unread = shard.get_option(s, Option::pending_input);
  const auto linger = shard.get_option(s, Option::linger);
  if (aborts || unread.value_or(0) > 0 || linger.value_or(-1) == 0) world.monitor().explain_reset(*at);
  else world.monitor().note_close(*at);
}

void Socket::close() {
  if (host_ == nullptr) return;
  tell_monitor(host_->world(), host_->shard(), sock_, false);
  host_->world().remove_handler(handler_);
  static_cast<void>(called(host_->shard().close(sock_, now())));
  host_ = nullptr;
  handler_ = 0;
}

void Socket::abort() {
  if (host_ == nullptr) return;
  tell_monitor(host_->world(), host_->shard(), sock_, true);
  host_->world().remove_handler(handler_);
  static_cast<void>(called(host_->shard().abort(sock_, now())));
  host_ = nullptr;
  handler_ = 0;
}

Result<void> Socket::set(Option option, i64 value) { return called(host_->shard().set_option(sock_, option, value, now())); }
Result<i64> Socket::get(Option option) const { return host_->shard().get_option(sock_, option); }
Endpoint Socket::local() const { return host_->shard().local(sock_).value_or(Endpoint{}); }
Endpoint Socket::remote() const { return host_->shard().remote(sock_).value_or(Endpoint{}); }

}  // namespace weir::sim
