// A vector of at most N elements that lives where it is declared: no heap.
#pragma once

#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace weir {
namespace detail {

// The elements of a FixedVector, and how they are copied: as bytes if they are trivial, one by one otherwise.
template <class T, u32 N>
struct FixedBytes {
  alignas(T) std::byte room[N * sizeof(T)];
  u32 n_ = 0;

  [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(room); }
  [[nodiscard]] const T* data() const noexcept { return reinterpret_cast<const T*>(room); }
  template <class... Args>
  void construct(Args&&... args) {
    std::construct_at(data() + n_, std::forward<Args>(args)...);
    ++n_;
  }
  void destroy() noexcept {
    std::destroy_n(data(), n_);
    n_ = 0;
  }
};

template <class T, u32 N, bool Trivial = std::is_trivially_copyable_v<T>>
struct FixedRoom : FixedBytes<T, N> {};

template <class T, u32 N>
struct FixedRoom<T, N, false> : FixedBytes<T, N> {
  FixedRoom() noexcept = default;
  FixedRoom(const FixedRoom& o) {
    for (u32 i = 0; i < o.n_; ++i) this->construct(o.data()[i]);
  }
  FixedRoom(FixedRoom&& o) noexcept {
    for (u32 i = 0; i < o.n_; ++i) this->construct(std::move(o.data()[i]));
  }
  FixedRoom& operator=(FixedRoom o) noexcept {
    this->destroy();
    for (u32 i = 0; i < o.n_; ++i) this->construct(std::move(o.data()[i]));
    return *this;
  }
  ~FixedRoom() { this->destroy(); }
};

}  // namespace detail

// As trivial to copy as its elements. Not for threads; nothing is thrown that the elements do not throw.
//
//   FixedVector<SackBlock, 4> blocks;
//   if (!blocks.push({left, right})) return Drop::tcp_bad_option;      // full: nothing happened
//   for (const SackBlock& b : blocks) ...
template <class T, u32 N>
class FixedVector : private detail::FixedRoom<T, N> {
  using Room = detail::FixedRoom<T, N>;
  using Room::n_;

 public:
  FixedVector() noexcept {}  // not defaulted: `{}` would clear the room first
  using Room::data;

  template <class... Args>
  bool emplace(Args&&... args) {
    if (n_ == N) return false;
    Room::construct(std::forward<Args>(args)...);
    return true;
  }
  bool push(const T& v) { return emplace(v); }
  bool push(T&& v) { return emplace(std::move(v)); }
  void pop() noexcept {
    WEIR_DASSERT(n_ > 0);
    std::destroy_at(data() + --n_);
  }

  // Removes in constant time: the last element takes the place.
  void erase_swap(u32 i) noexcept {
    WEIR_DASSERT(i < n_);
    if (i + 1 != n_) data()[i] = std::move(data()[n_ - 1]);
    pop();
  }
  // Removes and keeps the order.
  void erase(u32 i) noexcept {
    WEIR_DASSERT(i < n_);
    for (; i + 1 < n_; ++i) data()[i] = std::move(data()[i + 1]);
    pop();
  }
  // Inserts before element i and keeps the order; false when full.
  bool insert(u32 i, T v) {
    WEIR_DASSERT(i <= n_);
    if (i == n_) return emplace(std::move(v));
    if (!emplace(std::move(back()))) return false;
    for (u32 k = n_ - 2; k > i; --k) data()[k] = std::move(data()[k - 1]);
    data()[i] = std::move(v);
    return true;
  }
  void clear() noexcept { Room::destroy(); }

  [[nodiscard]] T& operator[](u32 i) noexcept {
    WEIR_DASSERT(i < n_);
    return data()[i];
  }
  [[nodiscard]] const T& operator[](u32 i) const noexcept {
    WEIR_DASSERT(i < n_);
    return data()[i];
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[n_ - 1]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[n_ - 1]; }

  [[nodiscard]] u32 size() const noexcept { return n_; }
  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] bool full() const noexcept { return n_ == N; }
  [[nodiscard]] static constexpr u32 capacity() noexcept { return N; }

  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + n_; }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + n_; }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), n_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data(), n_}; }
};

}  // namespace weir
