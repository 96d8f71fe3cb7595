// A set of numbers as disjoint half-open ranges in order, and bytes known at some of the positions of a stream.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace weir::sim {

class Intervals {
 public:
  void add(u64 from, u64 to) {
    if (from >= to) return;
    auto i = ranges_.upper_bound(from);
    if (i != ranges_.begin() && std::prev(i)->second >= from) --i;
    while (i != ranges_.end() && i->first <= to) {
      from = std::min(from, i->first);
      to = std::max(to, i->second);
      i = ranges_.erase(i);
    }
    ranges_.emplace(from, to);
  }
  // The end of the range that begins at or before `from` and holds it; `from` itself when it is not in the set.
  [[nodiscard]] u64 contiguous_from(u64 from) const {
    auto i = ranges_.upper_bound(from);
    if (i == ranges_.begin()) return from;
    --i;
    return std::max(from, i->second);
  }
  [[nodiscard]] bool contains(u64 from, u64 to) const { return contiguous_from(from) >= to; }
  [[nodiscard]] const std::map<u64, u64>& ranges() const noexcept { return ranges_; }

 private:
  std::map<u64, u64> ranges_;
};

// The bytes of a stream from a floor on, as far as they were seen.
class SeenBytes {
 public:
  // Compares with what is known and keeps the rest: the position of the first difference, if there is one.
  std::optional<u64> put(u64 at, Bytes bytes) {
    if (at < floor_) {
      const u64 skip = std::min<u64>(floor_ - at, bytes.size());
      bytes = bytes.subspan(skip);
      at += skip;
    }
    if (bytes.empty()) return {};
    const u64 end = at + bytes.size();
    if (floor_ + data_.size() < end) data_.resize(end - floor_);
    for (const auto& [from, to] : known_.ranges()) {
      for (u64 i = std::max(from, at); i < std::min(to, end); ++i)
        if (data_[i - floor_] != bytes[i - at]) return i;
      if (from >= end) break;
    }
    std::memcpy(data_.data() + (at - floor_), bytes.data(), bytes.size());
    known_.add(at, end);
    return {};
  }
  // Forgets what lies before: it will not be sent again, or need not be compared.
  void forget_before(u64 floor) {
    if (floor < floor_ + keep) return;  // seldom, so that memory is not moved for each ACK
    const u64 n = std::min<u64>(floor - floor_, data_.size());
    data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(n));
    floor_ = floor;
    Intervals left;
    for (const auto& [from, to] : known_.ranges()) left.add(std::max(from, floor), to);
    known_ = left;
  }

 private:
  static constexpr u64 keep = 64 * 1024;
  u64 floor_ = 0;
  std::vector<std::byte> data_;
  Intervals known_;
};

}  // namespace weir::sim
