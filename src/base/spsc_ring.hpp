// A lock-free ring between two threads: one pushes, one pops (Lamport 1983, with each side's copy of the other's
// index).
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace weir {

// Exactly one thread may call the push side and one the pop side; size() is for either and a snapshot to others.
// What was written before a push is visible after the pop that takes the element.
//
//   SpscRing<PacketId> strays{1024};
//   u32 taken = strays.push_batch(ids);                // a prefix: what fits
//   while (strays.try_pop(id)) ...
template <class T>
class SpscRing {
  static_assert(std::is_nothrow_move_assignable_v<T> && std::is_default_constructible_v<T>);

 public:
  // Rounded up to a power of two.
  explicit SpscRing(usize capacity) : mask_(std::bit_ceil(std::max<usize>(capacity, 2)) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  [[nodiscard]] bool try_push(T v) noexcept {
    const usize at = pushed_.load(std::memory_order_relaxed);
    if (room(at, 1) == 0) return false;
    slots_[at & mask_] = std::move(v);
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Copies a prefix of `in`; returns how many.
  [[nodiscard]] usize push_batch(std::span<const T> in) noexcept {
    const usize at = pushed_.load(std::memory_order_relaxed);
    const usize n = std::min(room(at, in.size()), in.size());
    if (n == 0) return 0;
    for (usize i = 0; i < n; ++i) slots_[(at + i) & mask_] = in[i];
    pushed_.store(at + n, std::memory_order_release);
    return n;
  }

  [[nodiscard]] bool try_pop(T& out) noexcept {
    const usize at = popped_.load(std::memory_order_relaxed);
    if (filled(at, 1) == 0) return false;
    out = std::move(slots_[at & mask_]);
    popped_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Fills a prefix of `out`; returns how many.
  [[nodiscard]] usize pop_batch(std::span<T> out) noexcept {
    const usize at = popped_.load(std::memory_order_relaxed);
    const usize n = std::min(filled(at, out.size()), out.size());
    if (n == 0) return 0;
    for (usize i = 0; i < n; ++i) out[i] = std::move(slots_[(at + i) & mask_]);
    popped_.store(at + n, std::memory_order_release);
    return n;
  }

  [[nodiscard]] usize size() const noexcept {
    // The popped index first: it cannot overtake a pushed index that is read later.
    const usize popped = popped_.load(std::memory_order_acquire);
    return std::min(pushed_.load(std::memory_order_acquire) - popped, capacity());
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] usize capacity() const noexcept { return mask_ + 1; }

 private:
  // Free slots as the pusher knows them. The other side's line is read only when its copy does not show `want`.
  [[nodiscard]] usize room(usize at, usize want) noexcept {
    usize n = capacity() - (at - popped_seen_);
    if (n >= want) return n;
    popped_seen_ = popped_.load(std::memory_order_acquire);
    return capacity() - (at - popped_seen_);
  }
  [[nodiscard]] usize filled(usize at, usize want) noexcept {
    usize n = pushed_seen_ - at;
    if (n >= want) return n;
    pushed_seen_ = pushed_.load(std::memory_order_acquire);
    return pushed_seen_ - at;
  }

  // Indices run freely and are masked at use; each side writes only its own line. Two lines apart, because prefetchers
  // fetch lines in pairs.
  alignas(2 * cache_line) std::atomic<usize> pushed_{0};
  usize popped_seen_ = 0;
  alignas(2 * cache_line) std::atomic<usize> popped_{0};
  usize pushed_seen_ = 0;
  alignas(2 * cache_line) usize mask_;
  std::unique_ptr<T[]> slots_;
};

}  // namespace weir
