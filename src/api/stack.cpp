// weir/stack.hpp
#include "weir/stack.hpp"

#include "api/setup.hpp"
#include "api/watch.hpp"

namespace weir {

// -- Host

Result<std::unique_ptr<Watch>> Host::open(Family family, SocketType type, u8 protocol) const {
  Result<Sock> s = fail(Errc::net_down);
  executor_->enter([&](Shard& shard, Instant now) { s = shard.socket(netns_, family, type, protocol, now); });
  if (!s) return fail(s.error());
  return std::make_unique<Watch>(executor_, *s);
}

Result<TcpListener> Host::listen(const Endpoint& local, u32 backlog) const {
  auto watch = open(local.addr.family(), SocketType::stream, 0);
  if (!watch) return fail(watch.error());
  const Sock s = (*watch)->sock();
  const auto done = (*watch)->call([&](Shard& shard, Instant now) -> Result<void> {
    (void)shard.set_option(s, Option::reuse_address, 1, now);  // what TIME-WAIT holds need not keep a server from starting
    const auto bound = shard.bind(s, local, now);
    return bound ? shard.listen(s, backlog, now) : bound;
  });
  if (!done) return fail(done.error());
  return TcpListener(std::move(*watch));
}

ConnectOp Host::connect(const Endpoint& remote, const std::optional<Endpoint>& local) const {
  auto watch = open(remote.addr.family(), SocketType::stream, 0);
  if (!watch) return {watch.error(), remote};
  if (local) {
    const Sock s = (*watch)->sock();
    const auto bound = (*watch)->call([&](Shard& shard, Instant now) { return shard.bind(s, *local, now); });
    if (!bound) return {bound.error(), remote};
  }
  return {std::move(*watch), remote};
}

Result<UdpSocket> Host::udp(const Endpoint& local) const {
  auto watch = open(local.addr.family(), SocketType::datagram, 0);
  if (!watch) return fail(watch.error());
  const Sock s = (*watch)->sock();
  const auto bound = (*watch)->call([&](Shard& shard, Instant now) { return shard.bind(s, local, now); });
  if (!bound) return fail(bound.error());
  return UdpSocket(std::move(*watch));
}

Result<RawSocket> Host::raw(Family family, u8 protocol) const {
  auto watch = open(family, SocketType::raw, protocol);
  if (!watch) return fail(watch.error());
  return RawSocket(std::move(*watch));
}

Result<Buffer> Host::reserve(u32 bytes) const {
  Lent memory;
  executor_->enter([&](Shard& shard, Instant) {
    bytes = std::min(bytes, std::max(shard.pool().share(), buf::Pool::large_stride));
    while (memory.bytes < bytes && memory.n < Lent::max_slices) {
      const auto slice = shard.reserve(bytes - memory.bytes);
      if (!slice) break;
      memory.slices[memory.n++] = *slice;
      memory.bytes += slice->length;
    }
  });
  if (memory.n == 0) return fail(Errc::would_block);
  return Buffer(Chunk(executor_, memory));
}

bool Host::is_ready() const {
  bool ready = false;
  executor_->enter([&](Shard& shard, Instant) { ready = shard.addresses_ready(netns_); });
  return ready;
}

// -- Stack

namespace {

std::unexpected<Error> not_ready() {
  return std::unexpected(Error{Errc::timed_out, "the addresses did not get ready: is the other end of the device up?"});
}

}  // namespace

Result<Stack, Error> Stack::open(const StackConfig& config) {
  const auto executor = RtExecutor::make(config, rt::Sharing::shared);
  const auto netns = set_up(*executor, config);
  if (!netns) return std::unexpected(netns.error());
  executor->loop().start();
  Stack stack;
  stack.executor_ = executor;
  stack.netns_ = *netns;
  stack.rt_ = executor.get();
  const Instant deadline = executor->now() + config.ready_timeout;
  for (;;) {
    const auto ready = are_addresses_ready(*executor, *netns);
    if (!ready) return std::unexpected(ready.error());
    if (*ready) return stack;
    if (executor->now() >= deadline) return not_ready();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Stack::end() noexcept {
  if (executor_ != nullptr) rt_->end();
}

Stack::~Stack() { end(); }

Stack& Stack::operator=(Stack&& o) noexcept {
  if (this == &o) return *this;
  end();
  Host::operator=(std::move(o));
  rt_ = o.rt_;
  return *this;
}

// -- LocalStack

Result<LocalStack, Error> LocalStack::open(const StackConfig& config) {
  const auto executor = RtExecutor::make(config, rt::Sharing::local);
  const auto netns = set_up(*executor, config);
  if (!netns) return std::unexpected(netns.error());
  LocalStack stack;
  stack.executor_ = executor;
  stack.netns_ = *netns;
  stack.rt_ = executor.get();
  Result<bool, Error> ready = false;
  const auto settled = [&] {
    ready = are_addresses_ready(*executor, *netns);
    return !ready || *ready;
  };
  if (!stack.run_until(settled, executor->now() + config.ready_timeout)) return not_ready();
  if (!ready) return std::unexpected(ready.error());
  return stack;
}

void LocalStack::end() noexcept {
  if (executor_ != nullptr) rt_->end();
}

LocalStack::~LocalStack() { end(); }

LocalStack& LocalStack::operator=(LocalStack&& o) noexcept {
  if (this == &o) return *this;
  end();
  Host::operator=(std::move(o));
  rt_ = o.rt_;
  return *this;
}

bool LocalStack::run_once(Duration max_wait) { return rt_->loop().run_once(max_wait); }
bool LocalStack::run_until(FunctionRef<bool()> done, Instant deadline) { return rt_->loop().run_until(done, deadline); }
void LocalStack::stop() { rt_->loop().stop(); }

}  // namespace weir
