// api/timers.hpp
#include "api/timers.hpp"

namespace weir {

void TimerHeap::arm(Timer& t, Instant at) {
  disarm(t);
  t.at = at;
  heap_.push_back(&t);
  t.place = static_cast<u32>(heap_.size());
  sift_up(t.place - 1);
}

void TimerHeap::disarm(Timer& t) noexcept {
  if (!t.is_armed()) return;
  const u32 i = t.place - 1;
  t.place = 0;
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (last == &t) return;
  put(i, last);
  sift_up(i);
  sift_down(last->place - 1);
}

Timer* TimerHeap::pop_due(Instant now) noexcept {
  if (heap_.empty() || heap_.front()->at > now) return nullptr;
  Timer* const t = heap_.front();
  disarm(*t);
  return t;
}

void TimerHeap::sift_up(u32 i) noexcept {
  Timer* const t = heap_[i];
  for (u32 up; i > 0; i = up) {
    up = (i - 1) / 2;
    if (heap_[up]->at <= t->at) break;
    put(i, heap_[up]);
  }
  put(i, t);
}

void TimerHeap::sift_down(u32 i) noexcept {
  Timer* const t = heap_[i];
  const u32 n = static_cast<u32>(heap_.size());
  for (u32 down; (down = 2 * i + 1) < n; i = down) {
    if (down + 1 < n && heap_[down + 1]->at < heap_[down]->at) ++down;
    if (t->at <= heap_[down]->at) break;
    put(i, heap_[down]);
  }
  put(i, t);
}

}  // namespace weir
