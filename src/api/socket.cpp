// weir/socket.hpp: what all sockets have in common, UDP and raw sockets.
#include "weir/socket.hpp"

#include "api/watch.hpp"
#include "shard/shard.hpp"

namespace weir {

Socket::Socket() noexcept = default;
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;
Socket::Socket(std::unique_ptr<Watch> watch) noexcept : watch_(std::move(watch)) {}

Sock Socket::handle() const noexcept { return watch_ ? watch_->sock() : Sock{}; }

Result<Endpoint> Socket::local() const {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant) { return shard.local(watch_->sock()); });
}

Result<Endpoint> Socket::remote() const {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant) { return shard.remote(watch_->sock()); });
}

Result<void> Socket::set(Option option, i64 value) {
  if (!watch_) return fail(Errc::bad_handle);
  const auto done = watch_->call([&](Shard& shard, Instant now) { return shard.set_option(watch_->sock(), option, value, now); });
  if (done && option == Option::receive_timeout) watch_->receive_timeout = Duration::nanos(value);
  if (done && option == Option::send_timeout) watch_->send_timeout = Duration::nanos(value);
  return done;
}

Result<i64> Socket::get(Option option) const {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant) { return shard.get_option(watch_->sock(), option); });
}

u32 Socket::ready() const {
  if (!watch_) return Ready::error;
  return watch_->call([&](Shard& shard, Instant) { return shard.ready(watch_->sock()); });
}

void Socket::on_ready(std::function<void(u32)> f) {
  if (watch_) watch_->set_callback(std::move(f));
}

bool ReadyOp::attempt(Shard& shard, Instant) {
  const u32 mask = shard.ready(watch().sock()) & (mask_ | Ready::error | Ready::hangup);
  return mask != 0 && done(mask);
}

// -- datagrams

ReceiveOp::ReceiveOp(Watch* w, MutBytes out) noexcept : Op(w, Ready::in), out_(out) {}

bool ReceiveOp::attempt(Shard& shard, Instant now) {
  auto r = shard.recv_from(watch().sock(), out_, 0, now);
  return !must_wait(r) && done(std::move(r));
}

SendOp::SendOp(Watch* w, Bytes data, const std::optional<Endpoint>& to) noexcept : Op(w, Ready::out), data_(data), to_(to) {}

bool SendOp::attempt(Shard& shard, Instant now) {
  const Sock s = watch().sock();
  const auto r = to_ ? shard.send_to(s, data_, *to_, 0, now) : shard.send(s, data_, 0, now);
  return !must_wait(r) && done(r);
}

DatagramSocket::DatagramSocket(std::unique_ptr<Watch> watch) noexcept : Socket(std::move(watch)) {}

Result<void> DatagramSocket::connect(const Endpoint& remote) {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant now) { return shard.connect(watch_->sock(), remote, now); });
}

void DatagramSocket::close() {
  if (watch_) watch_->close(false);
}

}  // namespace weir
