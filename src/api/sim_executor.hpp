// An executor on the simulator: virtual time. What runs on it is the same code as on rt's loop.
#pragma once

#include <unordered_map>

#include "api/executor.hpp"
#include "sim/world.hpp"
#include "weir/stack.hpp"

namespace weir {

// Of one shard of a world, which must outlive it. What waits when the world is not run any more waits for ever.
//   auto executor = std::make_shared<SimExecutor>(world, host.shard_index());
//   Host h(executor, host.netns());
//   h.spawn(apps::echo(...));
//   world.run_for(10_s);
//   executor->end();
class SimExecutor final : public Executor {
 public:
  SimExecutor(sim::World& world, u32 shard) : world_(world), shard_(shard) {}
  ~SimExecutor() override;

  void enter(FunctionRef<void(Shard&, Instant)> f) override;
  // Runs the world until it is done, at most until the deadline or until nothing is to come any more (timed_out). Not from
  // within the world's events.
  Result<void> block(Sock s, u32 mask, Instant deadline, FunctionRef<bool(Shard&, Instant)> attempt) override;
  [[nodiscard]] buf::Pool& pool() noexcept override;
  void wake(Sock) override {}
  void closing(Shard& shard, Sock s, bool aborts) override;
  void post(std::function<void()> f) override;
  [[nodiscard]] Instant now() const override { return world_.now(); }
  [[nodiscard]] u64 attach(rt::ReadyHandler& handler) override;
  void forget(rt::ReadyHandler& handler) override;
  // Destroys the coroutines. Their sockets are closed.
  void end() noexcept { destroy_tasks(); }

 private:
  void call_at(Instant at) override;
  // Runs f(this) at that time, unless this is gone by then.
  void later(Instant at, std::function<void(SimExecutor&)> f);
  sim::World& world_;
  u32 shard_;
  std::unordered_map<rt::ReadyHandler*, u64> handlers_;
};

}  // namespace weir
