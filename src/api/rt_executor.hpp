// An executor on rt's loop: real time, real devices. Behind Stack, LocalStack and `weir up`.
#pragma once

#include "api/executor.hpp"
#include "rt/loop.hpp"
#include "weir/config.hpp"
#include "weir/error.hpp"

namespace weir {

class RtExecutor final : public Executor {
 public:
  RtExecutor(const rt::LoopConfig& loop, const ShardConfig& shard) : loop_(loop, shard, rt::Clock::now()) {}
  ~RtExecutor() override { end(); }

  // Of the configuration: what belongs to the shard and the loop.
  [[nodiscard]] static std::shared_ptr<RtExecutor> make(const StackConfig& config, rt::Sharing sharing);

  void enter(FunctionRef<void(Shard&, Instant)> f) override { loop_.shared().call(f); }
  Result<void> block(Sock s, u32 mask, Instant deadline, FunctionRef<bool(Shard&, Instant)> attempt) override;
  [[nodiscard]] buf::Pool& pool() noexcept override { return loop_.shared().shard().pool(); }
  void wake(Sock s) override { loop_.shared().wake(s); }
  void post(std::function<void()> f) override;
  [[nodiscard]] Instant now() const override { return rt::Clock::now(); }
  [[nodiscard]] u64 attach(rt::ReadyHandler& handler) override { return rt::SharedShard::user_word(&handler); }
  void forget(rt::ReadyHandler& handler) override { loop_.shared().forget(handler); }
  bool watch(int fd, u32 events, std::function<void(u32)> f) override;
  void unwatch(int fd) override { loop_.unwatch(fd); }

  [[nodiscard]] rt::Loop& loop() noexcept { return loop_; }
  // Stops the loop, cancels those who block and destroys the coroutines. Once is enough.
  void end() noexcept;

 private:
  void call_at(Instant at) override {
    loop_.call_at(at, [this] { run_timers(); });
  }
  bool ended_ = false;
  rt::Loop loop_;
};

}  // namespace weir
