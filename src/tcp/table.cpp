// tcp/table.hpp
#include "tcp/table.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace weir::tcp {

void ConnTable::Array::reset(usize n) {
  clear();
  groups_ = static_cast<Group*>(piece_alloc(n * sizeof(Group)));
  WEIR_ASSERT(groups_ != nullptr);
  n_ = n;
  for (usize g = 0; g < n; ++g) {
    std::memset(groups_[g].tag, empty_tag, slots);
    groups_[g].passed = 0;
    groups_[g].pad = 0;
  }
}

void ConnTable::Array::insert(u32 hash, Ref r) noexcept {
  const u8 tag = hash & 0x7f;
  for (usize g = hash >> 7;; g += 2u * tag + 1u) {
    Group& group = groups_[g & (n_ - 1)];
    const u32 free = group.match(empty_tag);
    if (free == 0) {
      if (group.passed != 0xffff) ++group.passed;
      continue;
    }
    const u32 i = static_cast<u32>(__builtin_ctz(free));
    group.tag[i] = tag;
    group.ref[i] = r.raw;
    return;
  }
}

bool ConnTable::Array::erase(u32 hash, Ref r) noexcept {
  const u8 tag = hash & 0x7f;
  usize steps = 0;
  for (usize g = hash >> 7; steps <= n_; g += 2u * tag + 1u, ++steps) {
    Group& group = groups_[g & (n_ - 1)];
    for (u32 m = group.match(tag); m != 0; m &= m - 1) {
      const u32 i = static_cast<u32>(__builtin_ctz(m));
      if (group.ref[i] != r.raw) continue;
      group.tag[i] = empty_tag;
      g = hash >> 7;
      for (; steps != 0; --steps, g += 2u * tag + 1u) {
        Group& before = groups_[g & (n_ - 1)];
        if (before.passed != 0xffff) --before.passed;  // saturated: stays, finds only walk further
      }
      return true;
    }
    if (group.passed == 0) return false;
  }
  return false;
}

bool ConnTable::Array::replace(u32 hash, Ref was, Ref is) noexcept {
  const u8 tag = hash & 0x7f;
  usize steps = 0;
  for (usize g = hash >> 7; steps <= n_; g += 2u * tag + 1u, ++steps) {
    Group& group = groups_[g & (n_ - 1)];
    for (u32 m = group.match(tag); m != 0; m &= m - 1) {
      const u32 i = static_cast<u32>(__builtin_ctz(m));
      if (group.ref[i] != was.raw) continue;
      group.ref[i] = is.raw;
      return true;
    }
    if (group.passed == 0) return false;
  }
  return false;
}

}  // namespace weir::tcp
