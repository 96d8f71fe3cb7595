// The only real clock. Everything else gets its time as an argument.
#pragma once

#include <ctime>

#include "base/time.hpp"

namespace weir::rt {

struct Clock {
  // CLOCK_MONOTONIC: about 20 ns, no system call.
  [[nodiscard]] static Instant now() noexcept { return read(CLOCK_MONOTONIC); }
  // What to add to an Instant to get the time since 1970, for captures and logs.
  [[nodiscard]] static Duration to_wall_clock() noexcept { return read(CLOCK_REALTIME) - now(); }

  [[nodiscard]] static timespec to_timespec(Duration d) noexcept {
    constexpr i64 second = 1'000'000'000;
    return {.tv_sec = d.ns / second, .tv_nsec = d.ns % second};
  }

 private:
  [[nodiscard]] static Instant read(clockid_t id) noexcept {
    timespec t{};
    ::clock_gettime(id, &t);
    return {i64{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
  }
};

}  // namespace weir::rt
