// The index of a hash table whose entries lie in a slab: chains of u32 indices by a hash that the owner has computed with
// a key (base/siphash.hpp), so that a sender cannot choose a bucket. Grows by one bucket per insertion (W. Litwin, "Linear
// hashing", 1980): no insertion ever rehashes the whole table.
#pragma once

#include <bit>
#include <concepts>
#include <vector>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace weir::link {

struct HashLinks {
  u32 next = 0;
  u32 hash = 0;
};

template <class A>
concept HashAccessor = requires(A a, u32 i) {
  { a(i) } -> std::convertible_to<const HashLinks&>;
};

//   auto links = [&](u32 i) -> HashLinks& { return slab[i].hash; };
//   u32 i = index.find(links, hash, [&](u32 k) { return slab[k].key == key; });   // 0: none
//   index.insert(links, i, hash);  index.remove(links, i);
class HashIndex {
 public:
  explicit HashIndex(u32 min_buckets = 16) : heads_(std::bit_ceil(min_buckets)) { mask_ = static_cast<u32>(heads_.size()) - 1; }

  template <HashAccessor A, class Eq>
  [[nodiscard]] u32 find(A&& links, u32 hash, Eq&& equal) const noexcept {
    for (u32 i = heads_[bucket(hash)]; i != 0; i = links(i).next)
      if (links(i).hash == hash && equal(i)) return i;
    return 0;
  }

  template <HashAccessor A>
  void insert(A&& links, u32 i, u32 hash) {
    u32& head = heads_[bucket(hash)];
    links(i) = {.next = head, .hash = hash};
    head = i;
    if (++count_ > heads_.size()) split(links);
  }

  template <HashAccessor A>
  void remove(A&& links, u32 i) noexcept {
    u32* at = &heads_[bucket(links(i).hash)];
    while (*at != i) {
      WEIR_ASSERT(*at != 0);
      at = &links(*at).next;
    }
    *at = links(i).next;
    links(i).next = 0;
    --count_;
  }

  [[nodiscard]] u32 size() const noexcept { return count_; }
  [[nodiscard]] usize memory_bytes() const noexcept { return heads_.capacity() * sizeof(u32); }
  void prefetch(u32 hash) const noexcept { __builtin_prefetch(&heads_[bucket(hash)]); }

 private:
  // Buckets from heads_.size() on do not exist yet: their entries are still in the bucket that is to be split.
  [[nodiscard]] u32 bucket(u32 hash) const noexcept {
    const u32 b = hash & mask_;
    return b < heads_.size() ? b : hash & (mask_ >> 1);
  }

  template <HashAccessor A>
  void split(A&& links) {
    const u32 fresh = static_cast<u32>(heads_.size());
    if (fresh > mask_) mask_ = mask_ * 2 + 1;
    const u32 old = fresh & (mask_ >> 1);
    heads_.push_back(0);
    u32* keep = &heads_[old];
    u32* move = &heads_[fresh];
    for (u32 i = *keep; i != 0; i = links(i).next) {
      u32*& end = (links(i).hash & mask_) == fresh ? move : keep;
      *end = i;
      end = &links(i).next;
    }
    *keep = 0;
    *move = 0;
  }

  std::vector<u32> heads_;
  u32 mask_;
  u32 count_ = 0;
};

}  // namespace weir::link
