// How a poll thread waits for devices, other threads and the next deadline: it looks again and again for a moment if that
// has paid lately, then sleeps in the kernel. With nothing to do it uses no CPU.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <span>

#include "base/time.hpp"
#include "rt/doorbell.hpp"

namespace weir::rt {

// A file that has something: its tag, and EPOLLIN and so on.
struct Event {
  u64 tag = 0;
  u32 events = 0;
};

class Sleeper {
 public:
  // spin: at most how long to look before sleeping; 0: never.
  explicit Sleeper(Duration spin);

  // Files to wake up for (any thread). Tag ~0 is taken.
  bool add(int fd, u32 events, u64 tag) noexcept;
  bool modify(int fd, u32 events, u64 tag) noexcept;
  void remove(int fd) noexcept;

  // Returns at `until`, when a file has something or when the doorbell was rung (before or now). What the files have.
  [[nodiscard]] std::span<const Event> sleep(Instant until) noexcept;
  // The same without waiting at all.
  [[nodiscard]] std::span<const Event> look() noexcept;
  [[nodiscard]] Doorbell& doorbell() noexcept { return doorbell_; }
  [[nodiscard]] u64 times_slept() const noexcept { return times_slept_; }
  [[nodiscard]] Duration spin() const noexcept { return spin_; }

 private:
  std::span<const Event> collect(int n_ready) noexcept;
  std::span<const Event> wait(Duration timeout) noexcept;
  [[nodiscard]] bool spin_until(Instant end, std::span<const Event>& found) noexcept;
  void adapt(Duration slept, bool woken) noexcept;

  static constexpr u64 doorbell_tag = ~u64{0};
  Doorbell doorbell_;
  io::Fd epoll_;
  Duration spin_max_, spin_{};
  bool has_pwait2_ = true;
  u64 times_slept_ = 0;
  std::array<epoll_event, 64> raw_;
  std::array<Event, 64> events_;
};

}  // namespace weir::rt
