// rt/waiter.hpp
#include "rt/waiter.hpp"

#include <sched.h>

#include <algorithm>

namespace weir::rt {

// The processor is left to whoever else wants it between two looks.
bool Waiter::look_until(Instant end) const noexcept {
  do {
    for (u32 i = 0; i < 8; ++i) {
      if (is_woken()) return true;
      relax();
    }
    ::sched_yield();
  } while (Clock::now() < end);
  return is_woken();
}

bool Waiter::sleep_until(Instant deadline) noexcept {
  u32 expected = waiting;
  if (!state_.compare_exchange_strong(expected, sleeping, std::memory_order_acquire)) return true;
  while (!is_woken()) {
    if (deadline != Instant::never() && Clock::now() >= deadline) return false;
    futex_wait(state_, sleeping, deadline);
  }
  return true;
}

bool Waiter::sleep(Instant deadline) noexcept {
  static thread_local Duration look{};  // as Sleeper: had we looked that long, would we have been woken?
  const Instant start = Clock::now();
  if (look.ns > 0 && look_until(std::min(start + look, deadline))) return true;
  const bool was_woken = sleep_until(deadline);
  const Duration waited = Clock::now() - start;
  if (waited <= longest_look) look = std::min(longest_look, std::max(least_look, look * 2));
  else look = look / 2 < least_look ? Duration{} : look / 2;
  return was_woken;
}

void WaiterTable::add(Waiter& w, Sock s, u32 mask) noexcept {
  w.sock_ = s;
  w.mask_ = mask | Ready::error | Ready::hangup;
  w.state_.store(Waiter::waiting, std::memory_order_relaxed);
  Waiter*& head = bucket(s);
  w.next_ = head;
  if (head != nullptr) head->link_ = &w.next_;
  w.link_ = &head;
  head = &w;
  ++n_;
}

void WaiterTable::remove(Waiter& w) noexcept {
  if (w.link_ == nullptr) return;
  *w.link_ = w.next_;
  if (w.next_ != nullptr) w.next_->link_ = w.link_;
  w.link_ = nullptr;
  --n_;
}

// The waiter may be gone as soon as its state has changed.
void WaiterTable::wake_one(Waiter& w) noexcept {
  remove(w);
  std::atomic<u32>* const word = &w.state_;
  if (word->exchange(Waiter::woken, std::memory_order_acq_rel) == Waiter::sleeping) futex_wake(word);
}

u32 WaiterTable::wake(Sock s, u32 mask) noexcept {
  u32 n = 0;
  for (Waiter* w = bucket(s); w != nullptr;) {
    Waiter* const next = w->next_;
    if (w->sock_ == s && (w->mask_ & mask) != 0) {
      wake_one(*w);
      ++n;
    }
    w = next;
  }
  return n;
}

void WaiterTable::wake_all() noexcept {
  for (Waiter*& head : buckets_)
    while (head != nullptr) wake_one(*head);
}

}  // namespace weir::rt
