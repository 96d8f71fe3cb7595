// A double-ended queue of at most N elements in a ring that lives where it is declared: no heap.
#pragma once

#include <array>
#include <bit>
#include <type_traits>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace weir {

//   BoundedDeque<Sample, 16> window;
//   while (!window.empty() && window.back().rtt >= s.rtt) window.pop_back();
//   window.push_back(s);                               // false when full: nothing happened
template <class T, u32 N>
class BoundedDeque {
  static_assert(std::has_single_bit(N));
  static_assert(std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>, "elements are not destroyed one by one");

 public:
  bool push_back(const T& v) noexcept {
    if (full()) return false;
    at(n_++) = v;
    return true;
  }
  bool push_front(const T& v) noexcept {
    if (full()) return false;
    --first_;
    ++n_;
    at(0) = v;
    return true;
  }
  void pop_front() noexcept {
    WEIR_DASSERT(n_ > 0);
    ++first_;
    --n_;
  }
  void pop_back() noexcept {
    WEIR_DASSERT(n_ > 0);
    --n_;
  }
  void clear() noexcept { first_ = n_ = 0; }

  // Counted from the front.
  [[nodiscard]] T& operator[](u32 i) noexcept {
    WEIR_DASSERT(i < n_);
    return at(i);
  }
  [[nodiscard]] const T& operator[](u32 i) const noexcept {
    WEIR_DASSERT(i < n_);
    return v_[(first_ + i) & (N - 1)];
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[n_ - 1]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[n_ - 1]; }

  [[nodiscard]] u32 size() const noexcept { return n_; }
  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] bool full() const noexcept { return n_ == N; }
  [[nodiscard]] static constexpr u32 capacity() noexcept { return N; }

 private:
  [[nodiscard]] T& at(u32 i) noexcept { return v_[(first_ + i) & (N - 1)]; }

  std::array<T, N> v_;
  u32 first_ = 0, n_ = 0;
};

}  // namespace weir
