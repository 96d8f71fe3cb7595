// Timers of coroutines: a heap by time that can be changed anywhere. One thread.
#pragma once

#include <vector>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace weir {

// Belongs to whoever waits, who disarms it before it goes away.
struct Timer {
  void (*fire)(Timer& self) = nullptr;
  Instant at = Instant::never();
  u32 place = 0;  // in the heap, from 1; 0: not armed

  [[nodiscard]] bool is_armed() const noexcept { return place != 0; }
};

class TimerHeap {
 public:
  void arm(Timer& t, Instant at);  // moves it if it is armed
  void disarm(Timer& t) noexcept;
  [[nodiscard]] Instant next() const noexcept { return heap_.empty() ? Instant::never() : heap_.front()->at; }
  // The earliest that is due, disarmed; nullptr: none.
  [[nodiscard]] Timer* pop_due(Instant now) noexcept;

 private:
  void put(u32 i, Timer* t) noexcept {
    heap_[i] = t;
    t->place = i + 1;
  }
  void sift_up(u32 i) noexcept;
  void sift_down(u32 i) noexcept;
  std::vector<Timer*> heap_;
};

}  // namespace weir
