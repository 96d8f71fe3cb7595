// What drives a shard and those who use it: rt's loop in real time, or the simulator's world in virtual time. Sockets,
// coroutines and services know only this, so they are written once.
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "api/function_ref.hpp"
#include "api/timers.hpp"
#include "base/error.hpp"
#include "ip/socket_types.hpp"

namespace weir {

class Shard;
template <class T>
class Task;
namespace buf {
class Pool;
}
namespace rt {
struct ReadyHandler;
}

// Threads: what is said to be for any thread may be called from anywhere (of a LocalStack: from its thread only). All else,
// and every coroutine, handler and timer, belongs to the executor's thread.
class Executor : public std::enable_shared_from_this<Executor> {
 public:
  Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor();

  // -- any thread
  // Runs f alone with the shard. Not from within such a call.
  virtual void enter(FunctionRef<void(Shard&, Instant now)> f) = 0;
  // Calls attempt(shard, now) until it returns true, and waits between until `s` has one of the bits of `mask`.
  // timed_out at the deadline, canceled at the end of the stack.
  virtual Result<void> block(Sock s, u32 mask, Instant deadline, FunctionRef<bool(Shard&, Instant now)> attempt) = 0;
  // The pool of the shard: where a buffer lies never changes.
  [[nodiscard]] virtual buf::Pool& pool() noexcept = 0;
  // Those who block on the socket look again.
  virtual void wake(Sock s) = 0;
  // From within enter(): the user is about to close the socket. A simulator's monitor must know why a reset leaves.
  virtual void closing(Shard&, Sock, bool aborts) { (void)aborts; }
  // Runs f on the executor's thread, soon.
  virtual void post(std::function<void()> f) = 0;
  [[nodiscard]] virtual Instant now() const = 0;
  // The user word (Shard::set_user) of a socket whose readiness the handler is told, on the executor's thread; and that it
  // is told nothing any more.
  [[nodiscard]] virtual u64 attach(rt::ReadyHandler& handler) = 0;
  virtual void forget(rt::ReadyHandler& handler) = 0;
  // Starts a coroutine that nobody waits for, at once or (from another thread) soon; after the end it is only destroyed.
  void spawn(Task<void> task);

  // -- the executor's thread
  // Calls f(events) while the file has one of the poll events, until unwatch. False: it cannot be waited for (a regular
  // file), or there are no files here (virtual time).
  virtual bool watch(int fd, u32 events, std::function<void(u32)> f);
  virtual void unwatch(int fd);
  void arm(Timer& t, Instant at);
  void disarm(Timer& t) noexcept { timers_.disarm(t); }
  // Is this thread running a handler, coroutine or timer of this executor now?
  [[nodiscard]] bool is_current() const noexcept;

  // A coroutine started by spawn(): destroyed with the executor if it has not ended.
  struct Root {
    Root *next = nullptr, **link = nullptr;
    std::coroutine_handle<> frame;
    void unlink() noexcept;
  };

 protected:
  // Runs run_timers() at this time; several may be asked for.
  virtual void call_at(Instant at) = 0;
  void run_timers();
  // To be called by those who own it, before what derived classes need for it is gone.
  void destroy_tasks() noexcept;

  // While it lives, this thread runs what belongs to the executor.
  class Scope {
   public:
    explicit Scope(const Executor& e) noexcept;
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const Executor* before_;
  };
  friend class Watch;

 private:
  void call_for_timers();
  void adopt(Root& root) noexcept;
  void start_incoming();
  TimerHeap timers_;
  std::vector<Instant> calls_;  // the call_at() that are outstanding, latest first: only an earlier one is ever added
  Root* roots_ = nullptr;
  std::mutex mutex_;
  std::vector<Root*> incoming_;  // spawned by other threads, not started; guarded by mutex_
  std::atomic<bool> is_closed_ = false;  // by destroy_tasks(): nothing is started any more; changes under mutex_
};

}  // namespace weir
