// A frame on a simulated wire: bytes that belong to no pool, and what has happened to them.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace weir::sim {

struct Frame {
  std::vector<std::byte> bytes;
  u64 number = 0;    // of its pipe, from 1, in the order in which the sender gave them
  Instant arrival;   // at the far end
  bool hurt = false; // a bit was changed on the way

  [[nodiscard]] Bytes view() const noexcept { return bytes; }
};

// Vectors whose memory is used again, so that a frame does not cost an allocation.
class FrameStore {
 public:
  [[nodiscard]] std::vector<std::byte> take() {
    if (free_.empty()) return {};
    std::vector<std::byte> v = std::move(free_.back());
    free_.pop_back();
    v.clear();
    return v;
  }
  void give(std::vector<std::byte>&& v) {
    if (free_.size() < limit) free_.push_back(std::move(v));
  }

 private:
  static constexpr usize limit = 4096;
  std::vector<std::vector<std::byte>> free_;
};

}  // namespace weir::sim
