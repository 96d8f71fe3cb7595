// A user's program in virtual time: a coroutine that waits for conditions. They are asked after every event of the
// world.
//
//   Script program(World& w) {
//     co_await Script::until([&] { return arrived; });
//   }
//   Script s = program(world);
//   world.run_until([&] { s.poll(); return s.done(); }, 10_s);
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <utility>

namespace weir::sim::test {

class Script {
 public:
  using Condition = std::function<bool()>;

  struct promise_type {
    Condition waits_for;
    Script get_return_object() { return Script(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  class Wait {
   public:
    explicit Wait(Condition condition) : condition_(std::move(condition)) {}
    bool await_ready() { return condition_(); }
    void await_suspend(std::coroutine_handle<promise_type> h) { h.promise().waits_for = std::move(condition_); }
    void await_resume() const noexcept {}

   private:
    Condition condition_;
  };
  static Wait until(Condition condition) { return Wait(std::move(condition)); }

  Script(Script&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Script& operator=(Script&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Script() {
    if (handle_) handle_.destroy();
  }

  [[nodiscard]] bool done() const { return handle_.done(); }
  // Goes on if what it waits for has come true.
  void poll() {
    if (handle_.done()) return;
    const Condition condition = handle_.promise().waits_for;
    if (!condition || condition()) handle_.resume();
  }

 private:
  explicit Script(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace weir::sim::test
