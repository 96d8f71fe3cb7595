// rt/waiter.hpp
#include "rt/waiter.hpp"

namespace weir::rt {

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
  word->store(Waiter::woken, std::memory_order_release);
  futex_wake(word);
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
