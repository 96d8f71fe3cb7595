// rt/sleeper.hpp
#include "rt/sleeper.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "rt/clock.hpp"

namespace weir::rt {

Sleeper::Sleeper(Duration spin) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), spin_max_(spin) {
  if (!epoll_ || doorbell_.fd() < 0) throw std::system_error(errno, std::generic_category(), "epoll and eventfd");
  if (!add(doorbell_.fd(), EPOLLIN, doorbell_tag)) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

bool Sleeper::add(int fd, u32 events, u64 tag) noexcept {
  epoll_event e{.events = events, .data = {.u64 = tag}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) == 0;
}

bool Sleeper::modify(int fd, u32 events, u64 tag) noexcept {
  epoll_event e{.events = events, .data = {.u64 = tag}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &e) == 0;
}

void Sleeper::remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const Event> Sleeper::collect(int n_ready) noexcept {
  usize n = 0;
  for (int i = 0; i < n_ready; ++i) {
    if (raw_[i].data.u64 == doorbell_tag) doorbell_.silence();
    else events_[n++] = {raw_[i].data.u64, raw_[i].events};
  }
  return {events_.data(), n};
}

std::span<const Event> Sleeper::look() noexcept {
  return collect(::epoll_wait(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()), 0));
}

std::span<const Event> Sleeper::wait(Duration timeout) noexcept {
  const int room = static_cast<int>(raw_.size());
  int n = -1;
  if (has_pwait2_) {
    const timespec t = Clock::to_timespec(timeout);
    n = ::epoll_pwait2(epoll_.get(), raw_.data(), room, timeout == Duration::max() ? nullptr : &t, nullptr);
    if (n >= 0 || errno != ENOSYS) return collect(n);
    has_pwait2_ = false;  // before Linux 5.11, or filtered: whole milliseconds then, rounded up
  }
  constexpr i64 longest_ms = 1 << 30;
  const i64 ms = timeout == Duration::max() ? -1 : std::min(longest_ms, (timeout.ns + 999'999) / 1'000'000);
  n = ::epoll_wait(epoll_.get(), raw_.data(), room, static_cast<int>(ms));
  return collect(n);
}

// The peer may want this very core: it gets it between two looks.
bool Sleeper::spin_until(Instant end, std::span<const Event>& found) noexcept {
  do {
    if (doorbell_.is_rung()) return true;
    found = look();
    if (!found.empty()) return true;
    ::sched_yield();
  } while (Clock::now() < end);
  return false;
}

// As the kernel's halt polling: had we looked that long, would there have been something?
void Sleeper::adapt(Duration slept, bool woken) noexcept {
  constexpr Duration least = Duration::micros(5);
  if (slept <= spin_max_) spin_ = std::min(spin_max_, std::max(least, spin_ * 2));
  else if (woken) spin_ = spin_ / 2 < least ? Duration{} : spin_ / 2;
}

std::span<const Event> Sleeper::sleep(Instant until) noexcept {
  const Instant start = Clock::now();
  std::span<const Event> found = {};
  if (until <= start) {
    found = look();
    doorbell_.wake_up();
    return found;
  }
  if (spin_.ns > 0 && spin_until(std::min(start + spin_, until), found)) {
    doorbell_.wake_up();
    return found;
  }
  if (!doorbell_.fall_asleep()) {
    found = look();
    doorbell_.wake_up();
    return found;
  }
  const Instant before = spin_.ns > 0 ? Clock::now() : start;
  if (until > before) {
    ++times_slept_;
    found = wait(until == Instant::never() ? Duration::max() : until - before);
  }
  doorbell_.wake_up();
  const Instant after = Clock::now();
  adapt(after - start, after < until);
  return found;
}

}  // namespace weir::rt
