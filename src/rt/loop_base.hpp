// The part of a loop that does not know the shard: functions posted from anywhere, files watched, calls at times.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "rt/sleeper.hpp"

namespace weir::rt {

class LoopBase {
 public:
  explicit LoopBase(Duration spin) : sleeper_(spin) {}

  // Runs f on the loop's thread, soon. Any thread.
  void post(std::function<void()> f);
  // Wakes the loop if it sleeps. Any thread.
  void wake() noexcept { sleeper_.doorbell().ring(); }
  // Calls f(events) on the loop's thread while the file has one of `events` (EPOLLIN, ...; level-triggered), until
  // unwatch(). Both on the loop's thread, or before it runs.
  bool watch(int fd, u32 events, std::function<void(u32)> f);
  void unwatch(int fd);
  // Calls f at `at`, once; only on the loop's thread, or before it runs.
  void call_at(Instant at, std::function<void()> f);

 protected:
  // What was posted and is due; true if there was anything.
  bool run_posted(Instant now);
  // Calls the watches among `events`; true if there was anything.
  bool run_watches(std::span<const Event> events);
  [[nodiscard]] Instant next_call() const noexcept;

  Sleeper sleeper_;
  std::atomic<bool> stop_{false};

 private:
  static constexpr u64 watch_tag = u64{1} << 32;  // and the file's number; ports are below
  struct Timed {
    Instant at;
    u64 order;
    std::function<void()> f;
  };
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::atomic<bool> any_posted_{false};
  std::unordered_map<int, std::shared_ptr<std::function<void(u32)>>> watches_;
  std::vector<Timed> timed_;  // a heap, earliest first
  u64 timed_n_ = 0;
};

}  // namespace weir::rt
