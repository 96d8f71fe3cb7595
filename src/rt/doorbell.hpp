// Wakes one sleeping thread, from any thread, and never in vain: no system call unless it sleeps, no lost wake-up.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>

#include "base/types.hpp"
#include "io/fd.hpp"

namespace weir::rt {

// One word: awake, asleep or rung. The sleeper goes from awake to asleep by compare-and-swap, which fails once it was
// rung; a ringer that finds it asleep writes to the eventfd, which stays readable.
class Doorbell {
 public:
  Doorbell() noexcept : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  void ring() noexcept {
    if (state_.exchange(rung, std::memory_order_acq_rel) != asleep) return;
    const u64 one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  [[nodiscard]] bool is_rung() const noexcept { return state_.load(std::memory_order_relaxed) == rung; }
  // The sleeper's. False: it was rung, do not sleep.
  [[nodiscard]] bool fall_asleep() noexcept {
    u32 expected = awake;
    return state_.compare_exchange_strong(expected, asleep, std::memory_order_acq_rel);
  }
  // The sleeper's, before it looks at what it may have been rung for.
  void wake_up() noexcept { state_.exchange(awake, std::memory_order_acq_rel); }
  void silence() noexcept {  // once fd() was readable
    u64 n;
    (void)!::read(fd_.get(), &n, sizeof n);
  }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  enum : u32 { awake, asleep, rung };
  std::atomic<u32> state_{awake};
  io::Fd fd_;
};

}  // namespace weir::rt
