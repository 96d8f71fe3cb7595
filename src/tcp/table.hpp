// The connection table: open addressing in groups of one cache line, 12 entries each with a byte of hash (compared 16 at
// a time), grown a little with every insertion. Holds references; keys live with what is referred to.
#pragma once

#include <emmintrin.h>

#include <memory>
#include <utility>

#include "base/memory.hpp"
#include "base/types.hpp"

namespace weir::tcp {

enum class RefKind : u8 { tcb, half_open, time_wait4, time_wait6 };

struct Ref {
  u32 raw = 0;  // 0: none

  Ref() = default;
  constexpr Ref(RefKind kind, u32 index) noexcept : raw(static_cast<u32>(kind) << 30 | index) {}
  [[nodiscard]] constexpr RefKind kind() const noexcept { return static_cast<RefKind>(raw >> 30); }
  [[nodiscard]] constexpr u32 index() const noexcept { return raw & 0x3fff'ffff; }
  explicit constexpr operator bool() const noexcept { return raw != 0; }
  friend constexpr bool operator==(Ref, Ref) noexcept = default;
};

// Contract: one entry per key; `same(Ref)` says whether a candidate is the one looked for, `hash_of(Ref)` gives the hash
// that it was inserted with.
//   Ref r = table.find(hash, [&](Ref c) { return key_of(c) == key; });
//   table.insert(hash, r, hash_of);  table.erase(hash, r);
class ConnTable {
 public:
  ConnTable() { current_.reset(16); }

  [[nodiscard]] u32 size() const noexcept { return size_; }
  [[nodiscard]] usize memory_bytes() const noexcept { return (current_.groups() + old_.groups()) * sizeof(Group); }
  void prefetch(u32 hash) const noexcept { __builtin_prefetch(&current_.at(hash)); }

  template <class Same>
  [[nodiscard]] Ref find(u32 hash, Same&& same) const noexcept {
    const Ref r = current_.find(hash, same);
    if (r || old_.empty()) [[likely]]
      return r;
    return old_.find(hash, same);
  }

  template <class HashOf>
  void insert(u32 hash, Ref r, HashOf&& hash_of) {
    if (!old_.empty()) migrate(4, hash_of);
    else if (size_ >= current_.limit()) {
      old_ = std::move(current_);
      current_.reset(old_.groups() * 2);
      cursor_ = 0;
    }
    current_.insert(hash, r);
    ++size_;
  }

  void erase(u32 hash, Ref r) noexcept {
    if (current_.erase(hash, r) || (!old_.empty() && old_.erase(hash, r))) --size_;
  }
  // The entry of `was` now refers to `is` (the key is the same).
  void replace(u32 hash, Ref was, Ref is) noexcept {
    if (!current_.replace(hash, was, is) && !old_.empty()) old_.replace(hash, was, is);
  }

 private:
  static constexpr u32 slots = 12;
  static constexpr u8 empty_tag = 0x80;

  struct alignas(64) Group {
    u8 tag[slots];  // low 7 bits of the hash, or empty_tag
    u16 passed;     // entries that were put further along because this group was full
    u16 pad;
    u32 ref[slots];

    [[nodiscard]] u32 match(u8 t) const noexcept {
      const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(tag));
      return static_cast<u32>(_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(t))))) & 0xfffu;
    }
  };
  static_assert(sizeof(Group) == 64);

  class Array {
   public:
    Array() = default;
    Array(Array&& o) noexcept : groups_(std::exchange(o.groups_, nullptr)), n_(std::exchange(o.n_, 0)) {}
    Array& operator=(Array&& o) noexcept {
      std::swap(groups_, o.groups_);
      std::swap(n_, o.n_);
      return *this;
    }
    ~Array() { clear(); }
    void clear() noexcept {
      if (groups_ != nullptr) piece_free(groups_, n_ * sizeof(Group));
      groups_ = nullptr;
      n_ = 0;
    }
    void reset(usize n);
    [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
    [[nodiscard]] usize groups() const noexcept { return n_; }
    [[nodiscard]] u32 limit() const noexcept { return static_cast<u32>(n_ * slots * 7 / 8); }
    [[nodiscard]] Group& operator[](usize g) const noexcept { return groups_[g]; }
    [[nodiscard]] const Group& at(u32 hash) const noexcept { return groups_[(hash >> 7) & (n_ - 1)]; }

    template <class Same>
    [[nodiscard]] Ref find(u32 hash, Same&& same) const noexcept {
      const u8 tag = hash & 0x7f;
      for (usize g = hash >> 7, tries = 0; tries <= n_; g += 2u * tag + 1u, ++tries) {
        const Group& group = groups_[g & (n_ - 1)];
        for (u32 m = group.match(tag); m != 0; m &= m - 1) {
          Ref r;
          r.raw = group.ref[__builtin_ctz(m)];
          if (same(r)) return r;
        }
        if (group.passed == 0) return {};
      }
      return {};
    }
    void insert(u32 hash, Ref r) noexcept;
    bool erase(u32 hash, Ref r) noexcept;
    bool replace(u32 hash, Ref was, Ref is) noexcept;

   private:
    Group* groups_ = nullptr;
    usize n_ = 0;
  };

  template <class HashOf>
  void migrate(u32 groups, HashOf&& hash_of) {
    for (; groups != 0 && cursor_ < old_.groups(); --groups, ++cursor_) {
      Group& g = old_[cursor_];
      for (u32 i = 0; i < slots; ++i) {
        if (g.tag[i] == empty_tag) continue;
        Ref r;
        r.raw = g.ref[i];
        current_.insert(hash_of(r), r);
        g.tag[i] = empty_tag;  // `passed` stays: other probes still walk over this group
      }
    }
    if (cursor_ == old_.groups()) old_.clear();
  }

  Array current_, old_;
  usize cursor_ = 0;
  u32 size_ = 0;
};

}  // namespace weir::tcp
