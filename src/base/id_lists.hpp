// Many growing lists of ids in 128-byte chunks of one pool: an append touches the end of its list and nothing else, and
// a walk knows the ids of a chunk before it needs what they name. For the slots of the timer wheel.
#pragma once

#include <array>
#include <span>

#include "base/slab.hpp"

namespace weir {

struct IdList {
  u32 head = 0, tail = 0;  // chunks; 0: none
  u32 chunks = 0;
  u32 fill = ~u32{0};  // ids in the last chunk
  [[nodiscard]] bool empty() const noexcept { return head == 0; }
};

//   IdLists lists;  IdList l;
//   lists.append(l, 7);
//   lists.drain(l, [](std::span<const u32> ids) { ... });      // chunk by chunk; l is empty then
class IdLists {
 public:
  static constexpr u32 chunk_ids = 31;

  // Whether the next append takes a new chunk.
  [[nodiscard]] static bool at_end_of_chunk(const IdList& l) noexcept { return l.fill >= chunk_ids; }

  void append(IdList& l, u32 id) noexcept {
    if (at_end_of_chunk(l)) [[unlikely]]
      add_chunk(l);
    pool_[l.tail].ids[l.fill++] = id;
  }

  // Empties the list, then calls f with the ids of each chunk, in order. f may append to any list.
  template <class F>
  void drain(IdList& l, F&& f) {
    const IdList all = std::exchange(l, {});
    for (u32 i = all.head; i != 0;) {
      const Chunk& c = pool_[i];
      const u32 next = c.next;
      if (next != 0) __builtin_prefetch(&pool_[next]);
      f(ids_of(all, i));
      pool_.release(i);
      i = next;
    }
  }

  template <class F>
  void for_each_chunk(const IdList& l, F&& f) const {
    for (u32 i = l.head; i != 0; i = pool_[i].next) f(ids_of(l, i));
  }

  // Takes the first id that was not taken; `taken` counts those of the first chunk and begins at 0. False at the end:
  // the list is empty then.
  [[nodiscard]] bool pop(IdList& l, u32& taken, u32& id) noexcept {
    if (l.empty()) return false;
    if (taken == ids_of(l, l.head).size()) {
      drop_first_chunk(l);
      taken = 0;
      if (l.empty()) return false;
    }
    id = pool_[l.head].ids[taken++];
    return true;
  }

  [[nodiscard]] usize memory_bytes() const noexcept { return pool_.memory_bytes(); }

 private:
  struct alignas(cache_line) Chunk {
    u32 next;
    std::array<u32, chunk_ids> ids;
  };
  static_assert(sizeof(Chunk) == 128);

  [[nodiscard]] std::span<const u32> ids_of(const IdList& l, u32 chunk) const noexcept {
    return std::span{pool_[chunk].ids}.first(chunk == l.tail ? l.fill : chunk_ids);
  }

  void add_chunk(IdList& l) noexcept {
    const u32 i = pool_.alloc_uninitialized();
    WEIR_ASSERT(i != 0);
    pool_[i].next = 0;
    (l.tail != 0 ? pool_[l.tail].next : l.head) = i;
    l.tail = i;
    l.fill = 0;
    ++l.chunks;
  }

  void drop_first_chunk(IdList& l) noexcept {
    const u32 first = l.head;
    l.head = pool_[first].next;
    --l.chunks;
    pool_.release(first);
    if (l.head == 0) l = {};
  }

  Slab<Chunk> pool_{u32{1} << 30};
};

}  // namespace weir
