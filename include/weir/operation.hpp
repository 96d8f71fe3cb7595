// An operation on a socket that may have to wait, and the three ways to wait for it.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "api/timers.hpp"
#include "base/error.hpp"

namespace weir {

class Executor;
class Shard;
class Watch;

// Calls such as TcpStream::read return one of these and do nothing yet. Then
//
//   auto n = stream.read(buffer).wait();                  // blocks this thread; any thread
//   auto n = stream.read(buffer).now();                   // would_block if it cannot be done at once; any thread
//   auto n = co_await stream.read(buffer);                // in a coroutine; nothing is allocated
//   auto n = co_await stream.read(buffer).within(5_s);    // timed_out after 5 s; for wait() likewise
//
// What was passed to the call (buffers, the stream) must stay where it is until then. An operation is done once. On one socket
// any number of threads may block at once, and one coroutine for each direction.
// Errors of its own, besides those of the call: timed_out, canceled (the socket was closed or the stack ended meanwhile),
// bad_handle (the socket was closed before).
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

 protected:
  Operation(Watch* watch, u32 mask) noexcept : watch_(watch), mask_(mask) {}
  virtual ~Operation();
  // Does it; false: it has to wait until the socket is ready for one of the bits of the mask.
  virtual bool attempt(Shard& shard, Instant now) = 0;
  virtual void refuse(Errc error) noexcept = 0;  // the result is this error

  void run_blocking();
  void run_now();
  [[nodiscard]] bool start();  // true: done
  void suspend(std::coroutine_handle<> who);
  [[nodiscard]] Watch& watch() const noexcept { return *watch_; }
  Duration limit_ = Duration::max();

 private:
  friend class Watch;
  struct Deadline : Timer {
    Operation* operation = nullptr;
    Executor* executor = nullptr;
  };
  void on_deadline();
  [[nodiscard]] Duration own_limit() const noexcept;

  Watch* watch_;
  u32 mask_;
  u32 round_ = 0;
  std::coroutine_handle<> who_;
  Deadline deadline_;
  bool waiting_ = false;
  Operation *next_ = nullptr, **link_ = nullptr;  // in the list of those that wait for the socket
};

template <class T>
class [[nodiscard]] Op : public Operation {
 public:
  // At most so long; the error is timed_out then.
  Op&& within(Duration d) && noexcept {
    limit_ = d;
    return std::move(*this);
  }
  Result<T> wait() && {
    run_blocking();
    return std::move(*result_);
  }
  Result<T> now() && {
    run_now();
    return std::move(*result_);
  }
  struct Awaiter {
    Op& op;
    [[nodiscard]] bool await_ready() { return op.start(); }
    void await_suspend(std::coroutine_handle<> who) { op.suspend(who); }
    Result<T> await_resume() { return std::move(*op.result_); }
  };
  Awaiter operator co_await() && noexcept { return {*this}; }

 protected:
  using Operation::Operation;
  bool done(Result<T> r) {
    result_.emplace(std::move(r));
    return true;
  }
  // Not yet, if that is what the error says.
  template <class U>
  static bool must_wait(const Result<U>& r) noexcept {
    return !r && r.error() == Errc::would_block;
  }
  void refuse(Errc error) noexcept override { result_.emplace(fail(error)); }
  std::optional<Result<T>> result_;
};

}  // namespace weir
