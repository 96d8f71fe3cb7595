// futex(2): sleep on a word, wake who sleeps on it. Private to the process.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "rt/clock.hpp"

namespace weir::rt {

// Sleeps while the word is `expected`, at most until `deadline`. May return early for no reason: look again.
inline void futex_wait(std::atomic<u32>& word, u32 expected, Instant deadline = Instant::never()) noexcept {
  const timespec until = Clock::to_timespec(deadline - Instant{});  // absolute, CLOCK_MONOTONIC
  ::syscall(SYS_futex, reinterpret_cast<u32*>(&word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
            deadline == Instant::never() ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// The word's memory may be gone already: a wake-up that reaches nobody, or somebody who looks again, does no harm.
inline void futex_wake(const void* word, int sleepers = 1) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, sleepers, nullptr, nullptr, 0);
}

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace weir::rt
