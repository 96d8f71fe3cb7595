// A slab: objects of one type named by a u32 index, in chunks that never move. Index 0 is never used: it means none.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace weir {

// At most `capacity` objects with the indices 1..capacity. Grows by one chunk of ChunkBytes when the free list is
// empty; memory that was never used is never touched, and nothing is kept beside the objects but a pointer per chunk.
// Freed slots are used again last in, first out, so that they are still in the cache. The slab destroys what is left in
// it.
//
//   Slab<Route> routes{1'000'000};
//   u32 r = routes.alloc(prefix, next_hop);            // 0: at capacity, or no memory
//   routes[r].metric = 100;  routes.release(r);
template <class T, usize ChunkBytes = 64 * 1024>
class Slab {
  static_assert(sizeof(T) >= sizeof(u32), "a free slot holds the index of the next one");
  static_assert(alignof(T) <= cache_line);

 public:
  static constexpr u32 chunk_objects = static_cast<u32>(std::bit_floor(std::max<usize>(ChunkBytes / sizeof(T), 1)));

  explicit Slab(u32 capacity) noexcept : capacity_(capacity) { WEIR_ASSERT(capacity < ~u32{0} - chunk_objects); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    if constexpr (!std::is_trivially_destructible_v<T>) for_each([this](u32 i) { std::destroy_at(slot(i)); });
    for (T* chunk : chunks_) piece_free(chunk, chunk_bytes());
  }

  template <class... Args>
  [[nodiscard]] u32 alloc(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    const u32 i = take();
    if (i == 0) return 0;
    std::construct_at(slot(i), std::forward<Args>(args)...);
    ++live_;
    mark(i, true);
    return i;
  }

  // The object's bytes are what the slot held before: for plain data that the caller fills himself.
  [[nodiscard]] u32 alloc_uninitialized() noexcept
    requires std::is_trivially_copyable_v<T>
  {
    const u32 i = take();
    if (i == 0) return 0;
    ++live_;
    mark(i, true);
    return i;
  }

  void release(u32 i) noexcept {
    check(i);
    T* const p = slot(i);
    std::destroy_at(p);
    std::memcpy(static_cast<void*>(p), &free_, sizeof free_);
    free_ = i;
    --live_;
    mark(i, false);
  }

  [[nodiscard]] T& operator[](u32 i) noexcept {
    check(i);
    return *slot(i);
  }
  [[nodiscard]] const T& operator[](u32 i) const noexcept {
    check(i);
    return *slot(i);
  }

  // Any slot below end_index(), live or not: for checking a handle. Of a free one the first four bytes are the slab's.
  [[nodiscard]] T& peek(u32 i) noexcept { return *slot(i); }

  [[nodiscard]] u32 live() const noexcept { return live_; }
  [[nodiscard]] u32 capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool full() const noexcept { return live_ == capacity_; }
  // All indices in use are below this.
  [[nodiscard]] u32 end_index() const noexcept { return fresh_; }
  [[nodiscard]] usize memory_bytes() const noexcept { return chunks_.size() * chunk_bytes() + chunks_.capacity() * sizeof(T*); }

  // Calls f(index) for each object in index order, for dumps and teardown: marks the free slots first. f may release
  // the object that it is called with.
  template <class F>
  void for_each(F&& f) const {
    std::vector<bool> is_free(fresh_);
    for (u32 i = free_; i != 0; i = next_free(i)) is_free[i] = true;
    for (u32 i = 1; i < is_free.size(); ++i)
      if (!is_free[i]) f(i);
  }

 private:
  static constexpr u32 shift = static_cast<u32>(std::countr_zero(chunk_objects));
  static constexpr u32 mask = chunk_objects - 1;
  // A slab that never fills a chunk takes less than one; a chunk of huge pages takes whole ones, so that it is mapped.
  [[nodiscard]] usize chunk_bytes() const noexcept {
    const usize bytes = std::min<usize>(chunk_objects, usize{capacity_} + 1) * sizeof(T);
    return bytes < huge_page ? bytes : (bytes + huge_page - 1) / huge_page * huge_page;
  }

  [[nodiscard]] T* slot(u32 i) const noexcept { return chunks_[i >> shift] + (i & mask); }
  [[nodiscard]] u32 next_free(u32 i) const noexcept {
    u32 next;
    std::memcpy(&next, static_cast<const void*>(slot(i)), sizeof next);
    return next;
  }

  [[nodiscard]] u32 take() noexcept {
    if (free_ != 0) {
      const u32 i = free_;
      free_ = next_free(i);
      return i;
    }
    if (fresh_ > capacity_) return 0;
    if ((fresh_ >> shift) >= chunks_.size() && !grow()) return 0;
    return fresh_++;
  }

  [[nodiscard]] bool grow() noexcept {
    void* const p = piece_alloc(chunk_bytes());
    if (p == nullptr) return false;
    chunks_.push_back(static_cast<T*>(p));
    return true;
  }

#ifdef NDEBUG
  void mark(u32, bool) noexcept {}
  void check(u32) const noexcept {}
#else
  void mark(u32 i, bool live) {
    if (live_marks_.size() <= i) live_marks_.resize(std::max<usize>(i + 1, live_marks_.size() * 2));
    live_marks_[i] = live;
  }
  void check(u32 i) const noexcept { WEIR_DASSERT(i != 0 && i < live_marks_.size() && live_marks_[i]); }
  std::vector<bool> live_marks_;
#endif

  std::vector<T*> chunks_;
  u32 free_ = 0;   // head of the list of released slots
  u32 fresh_ = 1;  // first index that was never used
  u32 live_ = 0;
  u32 capacity_;
};

}  // namespace weir
