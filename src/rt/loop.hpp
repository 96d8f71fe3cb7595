// The loop that drives a shard with real devices and real time: in a thread of its own, or turned by the caller's.
#pragma once

#include "rt/loop_base.hpp"
#include "rt/shared_shard.hpp"
#include "rt/thread.hpp"

namespace weir::rt {

struct LoopConfig {
  Sharing sharing = Sharing::shared;
  Duration spin = Duration::micros(20);  // at most how long to look for work before sleeping; 0: sleep at once
  ThreadConfig thread{};                 // of start()
};

//   Loop loop({}, ShardConfig{.seed = seed}, Clock::now());
//   loop.shared().attach(port, std::move(device));
//   loop.start();                                   // or: while (serving) loop.run_once(Duration::max());
//   loop.shared().call(...);
//
// Destroy what uses the shard first, then the loop.
template <class S>
class BasicLoop final : public LoopBase, private Driving {
 public:
  template <class... A>
  explicit BasicLoop(const LoopConfig& config, A&&... shard_arguments)
      : LoopBase(config.spin), config_(config), shared_(config.sharing, sleeper_, std::forward<A>(shard_arguments)...) {
    shared_.set_driving(this);
  }
  ~BasicLoop() { stop(); }

  [[nodiscard]] BasicSharedShard<S>& shared() noexcept { return shared_; }

  // -- in a thread of its own
  void start() {
    WEIR_ASSERT(config_.sharing == Sharing::shared && !thread_.joinable());
    stop_ = false;
    thread_ = std::thread([this] {
      set_up_this_thread(config_.thread);
      run_until([this] { return stop_.load(std::memory_order_relaxed); });
    });
  }
  // Ends what start() has started, after the turn in progress. Also ends run_until().
  void stop() {
    stop_ = true;
    wake();
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  }

  // -- by the caller's thread; one at a time
  // Waits for something to do, at most max_wait, and does it: devices, shard, handlers, posted functions. True if it
  // found anything.
  bool run_once(Duration max_wait) {
    const Instant now = Clock::now();
    const bool worked = turn(max_wait < Instant::never() - now ? now + max_wait : Instant::never());
    shared_.finish_calls();
    return worked;
  }
  // Turns until done() says so (true), the deadline has passed or stop() was called (false). Nothing that happens
  // escapes done(): it is asked after each turn, before the next wait.
  template <class Done>
  bool run_until(Done&& done, Instant deadline = Instant::never()) {
    bool is_done = done();
    while (!is_done && !stop_.load(std::memory_order_relaxed) && (deadline == Instant::never() || Clock::now() < deadline)) {
      turn(deadline);
      is_done = done();
    }
    shared_.finish_calls();
    return is_done;
  }

 private:
  bool is_this_thread() const noexcept override {
    return config_.sharing == Sharing::local || runner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  void turn_once(Instant until) override { turn(until); }
  bool turn(Instant until);
  bool call_others(std::span<const Event> events, Instant now);

  // While there is always work, files are looked at every so many turns; and so many handlers are called in one.
  static constexpr u32 turns_per_look = 8, handlers_per_turn = 64;

  LoopConfig config_;
  BasicSharedShard<S> shared_;
  std::thread thread_;
  std::atomic<std::thread::id> runner_{};
  Instant next_{};  // when there will be something to do, as far as is known; the doorbell tells what changes it
  u32 turns_ = 0;
};

template <class S>
bool BasicLoop<S>::turn(Instant until) {
  runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  const Instant next = std::min({next_, next_call(), until});
  std::span<const Event> found;
  if (next > Instant{}) found = sleeper_.sleep(next);
  else if (++turns_ % turns_per_look == 0) found = sleeper_.look();
  const std::vector<Event> events(found.begin(), found.end());  // a handler may turn the loop, too

  shared_.lock();
  const auto turned = shared_.turn(events);
  shared_.unlock_until(turned.due);
  const bool called = call_others(events, turned.at);
  const bool worked = called || turned.worked();
  next_ = worked ? Instant{} : turned.due;
  return worked;
}

template <class S>
bool BasicLoop<S>::call_others(std::span<const Event> events, Instant now) {
  const typename BasicSharedShard<S>::Calls calls(shared_);
  bool any = run_watches(events);
  for (u32 i = 0; i < handlers_per_turn && shared_.call_one_handler(); ++i) {
    any = true;
    shared_.look_at_clock();
  }
  any = run_posted(now) || any;
  return any || shared_.has_put_off();
}

extern template class BasicLoop<Shard>;
using Loop = BasicLoop<Shard>;

}  // namespace weir::rt
