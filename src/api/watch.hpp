// What the API keeps for a socket: its handle, who waits for it, and the callback. Belongs to one of the socket classes.
#pragma once

#include <functional>

#include "api/executor.hpp"
#include "rt/shared_shard.hpp"
#include "weir/operation.hpp"

namespace weir {

class Watch {
 public:
  Watch(std::shared_ptr<Executor> executor, Sock sock) noexcept;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();  // closes the socket; operations that wait for it are canceled

  [[nodiscard]] Executor& executor() const noexcept { return *executor_; }
  [[nodiscard]] const std::shared_ptr<Executor>& shared_executor() const noexcept { return executor_; }
  [[nodiscard]] Sock sock() const noexcept { return sock_; }
  // Runs f(shard, now) -> Result<T> alone with the shard.
  template <class F>
  auto call(F&& f) const -> std::invoke_result_t<F&, Shard&, Instant> {
    std::optional<std::invoke_result_t<F&, Shard&, Instant>> r;
    executor_->enter([&](Shard& shard, Instant now) { r.emplace(f(shard, now)); });
    return std::move(*r);
  }
  void close(bool abort) noexcept;
  // Called on the executor's thread with what the socket is ready for, when that has changed; an empty one ends it.
  void set_callback(std::function<void(u32)> f);

  Duration receive_timeout{}, send_timeout{};  // of operations that have no limit of their own; 0: none

 private:
  friend class Operation;
  bool attempt(Operation& op, bool attach);
  void add(Operation& op) noexcept;
  static void remove(Operation& op) noexcept;
  void dispatch(u32 mask);
  [[nodiscard]] Operation* next_waiting(u32 mask) const noexcept;
  void cancel_all() noexcept;

  struct Handler : rt::ReadyHandler {
    Watch* watch = nullptr;
  };

  std::shared_ptr<Executor> executor_;
  Sock sock_;
  Handler handler_;
  Operation* waiting_ = nullptr;
  std::shared_ptr<std::function<void(u32)>> callback_;
  bool attached_ = false;    // the handler is the socket's user word
  bool* is_gone_ = nullptr;  // set when this goes away while it is dispatching
  u32 round_ = 0;
};

}  // namespace weir
