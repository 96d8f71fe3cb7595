// The way into a shard from any thread, and what has to happen after each visit: timers, output, readiness.
#pragma once

#include <thread>

#include "rt/combining_lock.hpp"
#include "rt/ports.hpp"
#include "rt/waiter.hpp"

namespace weir::rt {

// Who is told when a socket gets ready: its address is the socket's user word (Shard::set_user). on_ready is called on
// the loop's thread without the lock; `mask` is what was ready when it was last looked at.
struct ReadyHandler {
  void (*on_ready)(ReadyHandler* self, u32 mask) = nullptr;

 private:
  template <class>
  friend class BasicSharedShard;
  ReadyHandler* next = nullptr;
  u32 mask = 0;
  bool queued = false;
};

enum class Sharing : u8 {
  shared,  // any thread may call; a combining lock lets them in
  // One thread only (LocalStack): no lock. What the loop calls (handlers, posted functions) finds the time that it was
  // when it was called, and its output leaves with the loop's next turn, all in one batch.
  local,
};

// Blocks a thread that drives the loop itself, which must not sleep on a futex; see BasicLoop.
class Driving {
 public:
  [[nodiscard]] virtual bool is_this_thread() const noexcept = 0;
  virtual void turn_once(Instant until) = 0;

 protected:
  ~Driving() = default;
};

//   SharedShard shared({.seed = 1}, Sharing::shared, sleeper);
//   Result<Sock> s = shared.call([&](Shard& shard, Instant now) { return shard.socket(ns, Family::v4, type, 0, now); });
//   Result<u32> n = shared.wait(*s, Ready::in, deadline, [&](Shard& sh, Instant now) { return sh.recv(*s, out, 0, now); });
//
// A call that caused output sends it itself, before it returns or just after. No call from within a call.
template <class S>
class BasicSharedShard {
 public:
  template <class... A>
  BasicSharedShard(Sharing sharing, Sleeper& sleeper, A&&... shard_arguments)
      : sharing_(sharing), sleeper_(sleeper), ports_(sleeper), shard_(std::forward<A>(shard_arguments)...) {}
  ~BasicSharedShard() {
    while (!ports_.empty()) (void)ports_.detach_any(shard_);
  }
  BasicSharedShard(const BasicSharedShard&) = delete;
  BasicSharedShard& operator=(const BasicSharedShard&) = delete;

  // Runs f(shard, now) alone with the shard, here or in the thread that is in there now; returns what it returned.
  template <class F>
  auto call(F&& f) {
    const auto run = [&] {
      unsettled_ = true;
      return f(shard_, time());
    };
    if (sharing_ == Sharing::shared) return lock_.call(run, [this] { settle(); });
    return call_local(run);
  }
  // The same for an f that only looks: nothing to send, no deadline changed.
  template <class F>
  auto query(F&& f) {
    const auto run = [&] { return f(shard_); };
    if (sharing_ == Sharing::shared) return lock_.call(run, [this] { settle(); });
    return run();
  }

  // Calls attempt(shard, now) -> Result<T> until it says something else than would_block or in_progress; sleeps between
  // until `s` has one of the bits of `mask`. timed_out at the deadline; canceled after cancel().
  template <class F>
  auto wait(Sock s, u32 mask, Instant deadline, F&& attempt) -> std::invoke_result_t<F&, S&, Instant>;
  // Who waits on the socket looks again, e.g. because another thread has closed it.
  void wake(Sock s) {
    query([&](S&) { waiters_.wake(s, ~u32{0}); });
  }
  // Ends all waits, now and later.
  void cancel() {
    query([&](S&) {
      canceled_ = true;
      waiters_.wake_all();
    });
  }

  // After this on_ready is not called any more. Waits for a call in progress, unless it is called from within that.
  void forget(ReadyHandler& h);
  [[nodiscard]] static u64 user_word(ReadyHandler* h) noexcept { return reinterpret_cast<std::uintptr_t>(h); }

  void attach(Port port, io::Device device) {
    call([&](S& shard, Instant now) { ports_.attach(shard, port, std::move(device), now); });
  }
  io::Device detach(Port port) {
    return call([&](S& shard, Instant) { return ports_.detach(shard, port); });
  }

  // -- for the loop
  void lock() noexcept {
    if (sharing_ == Sharing::shared) lock_.lock();
    sleeping_until_ = awake;
  }
  // Publishes how long the loop means to sleep: whoever brings the deadline forward rings.
  void unlock_until(Instant deadline) noexcept {
    sleeping_until_ = deadline;
    if (sharing_ == Sharing::shared) lock_.unlock([this] { settle(); });
  }
  struct Turned {
    Instant at, due;  // the time it was, and when the next turn is due
    [[nodiscard]] bool worked() const noexcept { return due <= at; }  // there is more, or may be
  };
  // Between lock() and unlock_until().
  [[nodiscard]] Turned turn(std::span<const Event> events);
  // While the loop calls others, between turns: see Sharing::local.
  class Calls {
   public:
    explicit Calls(BasicSharedShard& s) noexcept : s_(s), outer_(s.in_calls_) {
      if (s.sharing_ == Sharing::local) s.in_calls_ = true;
    }
    ~Calls() {
      if (s_.sharing_ == Sharing::local) s_.in_calls_ = outer_;
    }
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

   private:
    BasicSharedShard& s_;
    bool outer_;  // a handler may turn the loop
  };
  // Whether those calls left something for the next turn; and to do it without one.
  [[nodiscard]] bool has_put_off() const noexcept { return sharing_ == Sharing::local && unsettled_; }
  void finish_calls() {
    if (has_put_off()) settle();
  }
  // Calls one handler that has something; false: none has. Without the lock.
  bool call_one_handler();
  // Brings the time that calls out of a turn find up to date.
  void look_at_clock() noexcept {
    if (in_calls_) now_ = Clock::now();
  }
  void set_driving(Driving* d) noexcept { driving_ = d; }

  [[nodiscard]] BasicPorts<S>& ports() noexcept { return ports_; }  // only with the lock, or before anyone else calls
  [[nodiscard]] Sleeper& sleeper() noexcept { return sleeper_; }
  [[nodiscard]] S& shard() noexcept { return shard_; }  // likewise

 private:
  static constexpr Instant awake{};

  // Of a call. Under the lock.
  [[nodiscard]] Instant time() noexcept {
    if (!in_calls_) now_ = Clock::now();
    return now_;
  }
  template <class F>
  auto call_local(F& run);
  void settle();
  [[nodiscard]] Instant run(Instant now);
  void dispatch();
  void queue(ReadyHandler& h, u32 mask) noexcept;
  [[nodiscard]] ReadyHandler* take_ready(u32& mask) noexcept;
  void unqueue(ReadyHandler& h) noexcept;

  const Sharing sharing_;
  CombiningLock lock_;
  Sleeper& sleeper_;
  Driving* driving_ = nullptr;
  // -- under the lock
  Instant now_{};           // of the last call or turn
  bool unsettled_ = false;  // somebody has called since the shard was run
  bool in_calls_ = false;   // of the loop, and there is but one thread
  bool in_turn_ = false;
  bool canceled_ = false;
  Instant sleeping_until_ = awake;
  BasicPorts<S> ports_;
  WaiterTable waiters_;
  ReadyHandler *ready_first_ = nullptr, *ready_last_ = nullptr;
  std::atomic<ReadyHandler*> running_{nullptr};
  std::atomic<std::thread::id> handler_thread_{};
  S shard_;
};

template <class S>
template <class F>
auto BasicSharedShard<S>::call_local(F& run) {
  if constexpr (std::is_void_v<decltype(run())>) {
    run();
    settle();
  } else {
    auto result = run();
    settle();
    return result;
  }
}

// The shard's own work until nothing is left that can be done now. When there will be something again.
template <class S>
Instant BasicSharedShard<S>::run(Instant now) {
  constexpr u32 rounds = 4;
  for (u32 i = 0; i < rounds; ++i) {
    const Work work = shard_.run(now);
    const bool more_output = ports_.flush(shard_, now);
    dispatch();
    if (!work.more && !more_output) return std::min(work.next_deadline, ports_.deadline(shard_, now));
  }
  return now;
}

template <class S>
void BasicSharedShard<S>::settle() {
  if (!unsettled_ || in_calls_) return;
  unsettled_ = false;
  const Instant next = run(now_);
  if (next >= sleeping_until_) return;
  sleeping_until_ = awake;  // ring once
  sleeper_.doorbell().ring();
}

template <class S>
auto BasicSharedShard<S>::turn(std::span<const Event> events) -> Turned {
  now_ = Clock::now();
  in_turn_ = true;
  for (const Event& e : events) ports_.on_event(shard_, e, now_);
  ports_.receive(shard_, now_, [this] {
    if (sharing_ == Sharing::shared) lock_.drain();
    return now_;  // later if a call was let in
  });
  unsettled_ = false;
  const Instant due = run(now_);
  in_turn_ = false;
  return {now_, due};
}

template <class S>
void BasicSharedShard<S>::dispatch() {
  std::array<ReadyEvent, 64> events;
  for (u32 n; (n = shard_.poll_ready(events)) > 0;) {
    for (const ReadyEvent& e : std::span{events}.first(n)) {
      if (!waiters_.empty()) waiters_.wake(e.sock, e.mask);
      if (const u64 user = shard_.user(e.sock); user != 0) queue(*reinterpret_cast<ReadyHandler*>(user), e.mask);
    }
  }
}

template <class S>
void BasicSharedShard<S>::queue(ReadyHandler& h, u32 mask) noexcept {
  h.mask = mask;
  if (h.queued) return;
  h.queued = true;
  h.next = nullptr;
  if (ready_first_ == nullptr) {
    ready_first_ = &h;
    if (!in_turn_) sleeper_.doorbell().ring();  // else the loop looks at handlers next
  } else {
    ready_last_->next = &h;
  }
  ready_last_ = &h;
}

template <class S>
void BasicSharedShard<S>::unqueue(ReadyHandler& h) noexcept {
  if (!h.queued) return;
  h.queued = false;
  ReadyHandler* before = nullptr;
  for (ReadyHandler* i = ready_first_; i != &h; i = i->next) before = i;
  (before == nullptr ? ready_first_ : before->next) = h.next;
  if (ready_last_ == &h) ready_last_ = before;
}

template <class S>
ReadyHandler* BasicSharedShard<S>::take_ready(u32& mask) noexcept {
  ReadyHandler* const first = ready_first_;
  if (first == nullptr) return nullptr;
  mask = first->mask;
  unqueue(*first);
  return first;
}

template <class S>
bool BasicSharedShard<S>::call_one_handler() {
  u32 mask = 0;
  if (sharing_ == Sharing::local) {
    ReadyHandler* const h = take_ready(mask);
    if (h != nullptr) h->on_ready(h, mask);
    return h != nullptr;
  }
  ReadyHandler* const h = query([&](S&) {
    ReadyHandler* const first = take_ready(mask);
    if (first == nullptr) return first;
    handler_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    running_.store(first, std::memory_order_relaxed);
    return first;
  });
  if (h == nullptr) return false;
  h->on_ready(h, mask);
  running_.store(nullptr, std::memory_order_release);
  running_.notify_all();
  return true;
}

template <class S>
void BasicSharedShard<S>::forget(ReadyHandler& h) {
  query([&](S&) { unqueue(h); });
  if (running_.load(std::memory_order_acquire) != &h) return;
  if (handler_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
  running_.wait(&h, std::memory_order_acquire);
}

template <class S>
template <class F>
auto BasicSharedShard<S>::wait(Sock s, u32 mask, Instant deadline, F&& attempt) -> std::invoke_result_t<F&, S&, Instant> {
  using R = std::invoke_result_t<F&, S&, Instant>;
  Waiter w;
  bool is_over = false;
  const auto must_wait = [](const R& r) { return !r && (r.error() == Errc::would_block || r.error() == Errc::in_progress); };
  for (;;) {
    R r = call([&](S& shard, Instant now) -> R {
      waiters_.remove(w);
      R made = attempt(shard, now);
      if (!must_wait(made)) return made;
      if (canceled_) return fail(Errc::canceled);
      if (is_over) return fail(Errc::timed_out);
      waiters_.add(w, s, mask);
      return made;
    });
    if (!must_wait(r)) return r;
    if (driving_ != nullptr && driving_->is_this_thread()) {
      while (!w.is_woken() && Clock::now() < deadline) driving_->turn_once(deadline);
      is_over = !w.is_woken();
    } else {
      is_over = !w.sleep(deadline);
    }
  }
}

extern template class BasicSharedShard<Shard>;
using SharedShard = BasicSharedShard<Shard>;

}  // namespace weir::rt
