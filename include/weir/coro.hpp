// Coroutines: Task<T>, sleeping, time limits, waiting for two at once. They run on the thread of the executor that they were
// given to (Stack's own thread, LocalStack's caller, or the simulator in virtual time), one at a time, so they need no locks
// among themselves.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "api/executor.hpp"

namespace weir {

// A coroutine that starts when it is awaited, or given to spawn(). Move-only; owns its frame: to destroy a Task that waits
// is to cancel it, with everything it waits for.
//
//   Task<Result<usize>> pump(TcpStream& from, TcpStream& to) {
//     usize n = 0;
//     while (auto chunk = co_await from.read()) { if (chunk->empty()) break; n += chunk->size(); ... }
//     co_return n;
//   }
//
// An exception that leaves a Task is rethrown to who awaits it; one that leaves a spawned Task ends the program.
template <class T = void>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr thrown;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle frame) noexcept : frame_(frame) {}
  Task(Task&& o) noexcept : frame_(std::exchange(o.frame_, {})) {}
  Task& operator=(Task&& o) noexcept {
    if (this != &o) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(o.frame_, {});
    }
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }
  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

  struct Awaiter {
    Handle frame;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) noexcept {
      frame.promise().continuation = who;
      return frame;
    }
    T await_resume() { return frame.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return {frame_}; }
  [[nodiscard]] Handle frame() const noexcept { return frame_; }

 private:
  Handle frame_{};
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept { return Task<void>(Task<void>::Handle::from_promise(*this)); }

// co_await host.sleep_for(d): goes on after d, not before. Made by Host.
class [[nodiscard]] SleepOp : Timer {
 public:
  SleepOp(Executor& executor, Instant until) noexcept : executor_(executor), until_(until) {}
  SleepOp(const SleepOp&) = delete;
  SleepOp& operator=(const SleepOp&) = delete;
  ~SleepOp() { executor_.disarm(*this); }

  [[nodiscard]] bool await_ready() const { return executor_.now() >= until_; }
  void await_suspend(std::coroutine_handle<> who) {
    who_ = who;
    fire = [](Timer& t) { static_cast<SleepOp&>(t).who_.resume(); };
    executor_.arm(*this, until_);
  }
  void await_resume() const noexcept {}

 private:
  Executor& executor_;
  Instant until_;
  std::coroutine_handle<> who_;
};

// co_await host.timeout(5_s, task): what the task returns, or timed_out after 5 s; the task is destroyed then. T is a
// Result.
template <class T>
class [[nodiscard]] TimeoutOp : Timer {
 public:
  TimeoutOp(Executor& executor, Instant deadline, Task<T> task) noexcept
      : executor_(executor), deadline_(deadline), task_(std::move(task)) {}
  TimeoutOp(const TimeoutOp&) = delete;
  TimeoutOp& operator=(const TimeoutOp&) = delete;
  ~TimeoutOp() { executor_.disarm(*this); }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) {
    who_ = who;
    fire = [](Timer& t) { static_cast<TimeoutOp&>(t).expire(); };
    executor_.arm(*this, deadline_);
    task_.frame().promise().continuation = who;
    return task_.frame();
  }
  T await_resume() {
    executor_.disarm(*this);
    if (!task_) return fail(Errc::timed_out);
    return task_.frame().promise().take();
  }

 private:
  void expire() {
    task_ = Task<T>();
    who_.resume();
  }
  Executor& executor_;
  Instant deadline_;
  Task<T> task_;
  std::coroutine_handle<> who_;
};

namespace detail {

// One of the two of Both: tells it when it ends.
struct Branch {
  struct promise_type {
    u32* left = nullptr;
    std::coroutine_handle<> who;
    std::exception_ptr thrown;
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
        const promise_type& p = h.promise();
        return --*p.left == 0 ? p.who : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Branch get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
  };
  std::coroutine_handle<promise_type> frame;
};

inline Branch branch(Task<void> task) { co_await std::move(task); }

}  // namespace detail

// co_await both(a, b): runs both at once and goes on when both have ended.
class [[nodiscard]] Both {
 public:
  Both(Task<void> a, Task<void> b) : a_(detail::branch(std::move(a))), b_(detail::branch(std::move(b))) {}
  Both(const Both&) = delete;
  Both& operator=(const Both&) = delete;
  ~Both() {
    a_.frame.destroy();
    b_.frame.destroy();
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) {
    for (const auto& branch : {a_, b_}) {
      branch.frame.promise().left = &left_;
      branch.frame.promise().who = who;
    }
    a_.frame.resume();
    return b_.frame;
  }
  void await_resume() const {
    for (const auto& branch : {a_, b_})
      if (branch.frame.promise().thrown) std::rethrow_exception(branch.frame.promise().thrown);
  }

 private:
  u32 left_ = 2;
  detail::Branch a_, b_;
};

[[nodiscard]] inline Both both(Task<void> a, Task<void> b) { return {std::move(a), std::move(b)}; }

}  // namespace weir
