// api/sim_executor.hpp
#include "api/sim_executor.hpp"

#include "rt/shared_shard.hpp"
#include "sim/socket.hpp"

namespace weir {

SimExecutor::~SimExecutor() {
  end();
  for (const auto& [handler, id] : handlers_) world_.remove_handler(id);
}

void SimExecutor::enter(FunctionRef<void(Shard&, Instant)> f) {
  f(world_.shard(shard_), world_.now());
  world_.touch(shard_);
}

Result<void> SimExecutor::block(Sock, u32, Instant deadline, FunctionRef<bool(Shard&, Instant)> attempt) {
  if (is_current()) return fail(Errc::not_supported);
  bool done = false;
  const auto is_done = [&] {
    if (!done) enter([&](Shard& shard, Instant at) { done = attempt(shard, at); });
    return done;
  };
  constexpr Duration long_time = Duration::seconds(100LL * 365 * 86'400);
  const Duration at_most = deadline == Instant::never() ? long_time : deadline - now();
  if (world_.run_until(is_done, at_most)) return {};
  return fail(Errc::timed_out);
}

void SimExecutor::closing(Shard& shard, Sock s, bool aborts) { sim::tell_monitor(world_, shard, s, aborts); }

buf::Pool& SimExecutor::pool() noexcept { return world_.shard(shard_).pool(); }

void SimExecutor::later(Instant at, std::function<void(SimExecutor&)> f) {
  world_.at(at, [weak = weak_from_this(), f = std::move(f)] {
    if (const auto self = weak.lock()) f(static_cast<SimExecutor&>(*self));
  });
}

void SimExecutor::post(std::function<void()> f) {
  later(now(), [f = std::move(f)](SimExecutor& self) {
    const Scope scope(self);
    f();
  });
}

void SimExecutor::call_at(Instant at) {
  later(at, [](SimExecutor& self) { self.run_timers(); });
}

u64 SimExecutor::attach(rt::ReadyHandler& handler) {
  const auto [at, is_new] = handlers_.try_emplace(&handler, 0u);
  if (is_new) at->second = world_.add_handler([&handler](u32 mask) { handler.on_ready(&handler, mask); });
  return at->second;
}

void SimExecutor::forget(rt::ReadyHandler& handler) {
  const auto at = handlers_.find(&handler);
  if (at == handlers_.end()) return;
  world_.remove_handler(at->second);
  handlers_.erase(at);
}

}  // namespace weir
