// The events of a simulation, ordered by (time, sequence): what was asked for first happens first among equals.
#pragma once

#include <algorithm>
#include <vector>

#include "base/time.hpp"

namespace weir::sim {

// arrival: a frame reaches the end of a pipe. wire_free: a pipe can take the next one. deadline: a shard wants to run.
// call: a function of the user's. The index says which pipe, shard or function.
enum class EventKind : u8 { arrival, wire_free, deadline, call };

struct Event {
  Instant time;
  u64 sequence = 0;
  EventKind kind{};
  u32 index = 0;
};

class EventQueue {
 public:
  void push(Instant time, EventKind kind, u32 index) {
    heap_.push_back({time, next_++, kind, index});
    std::ranges::push_heap(heap_, later);
  }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] const Event& top() const noexcept { return heap_.front(); }
  Event pop() {
    std::ranges::pop_heap(heap_, later);
    const Event e = heap_.back();
    heap_.pop_back();
    return e;
  }

 private:
  static bool later(const Event& a, const Event& b) noexcept { return a.time != b.time ? a.time > b.time : a.sequence > b.sequence; }
  std::vector<Event> heap_;
  u64 next_ = 0;
};

}  // namespace weir::sim
