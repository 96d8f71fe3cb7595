#include "ip/dir24.hpp"

#include "base/assert.hpp"

namespace weir::ip {

Dir24::Dir24() noexcept : table_(static_cast<u32*>(piece_alloc(table_bytes))) {
  static_assert(table_bytes % huge_page == 0, "such pieces come zeroed, and are touched only where there are routes");
}

Dir24::~Dir24() {
  if (table_ != nullptr) piece_free(table_, table_bytes);
}

// Two passes without a dependency inside either: the misses of many addresses are under way at once.
void Dir24::lookup(std::span<const Ip4Addr> addrs, std::span<u32> values) const noexcept {
  WEIR_DASSERT(values.size() >= addrs.size());
  const u32* const table = table_;
  u32 any = 0;
  for (usize i = 0; i < addrs.size(); ++i) {
    values[i] = table[addrs[i].host >> 8];
    any |= values[i];
  }
  if ((any & extended) != 0) {
    for (usize i = 0; i < addrs.size(); ++i)
      if ((values[i] & extended) != 0) values[i] = groups_[values[i] & max_value].entry[addrs[i].host & 0xff];
  }
  for (usize i = 0; i < addrs.size(); ++i) values[i] &= max_value;
}

bool Dir24::extend(u32 slot) {
  const u32 group = groups_.alloc();
  if (group == 0) return false;
  for (u32& e : groups_[group].entry) e = table_[slot];
  table_[slot] = extended | group;
  return true;
}

// Nothing longer than 24 bits is left in it: all entries are of the same prefix around it.
void Dir24::shrink(u32 slot) noexcept {
  const u32 group = table_[slot] & max_value;
  for (const u32 e : groups_[group].entry)
    if (length_of(e) > 24) return;
  table_[slot] = groups_[group].entry[0];
  groups_.release(group);
}

// f(u32& entry) for each entry that the prefix covers. The slot of a prefix longer than 24 bits is extended.
template <class F>
void Dir24::for_each_entry(u32 addr, u8 len, F&& f) noexcept {
  if (len > 24) {
    u32* const entry = groups_[table_[addr >> 8] & max_value].entry + (addr & 0xff);
    for (u32 i = 0; i < 1u << (32 - len); ++i) f(entry[i]);
    return;
  }
  u32* const entry = table_ + (addr >> 8);
  for (u32 i = 0; i < 1u << (24 - len); ++i) {
    if ((entry[i] & extended) != 0) {
      for (u32& e : groups_[entry[i] & max_value].entry) f(e);
    } else {
      f(entry[i]);
    }
  }
}

bool Dir24::set(u32 addr, u8 len, u32 value) {
  WEIR_DASSERT(value != 0 && value <= max_value);
  if (len > 24 && (table_[addr >> 8] & extended) == 0 && !extend(addr >> 8)) return false;
  const u32 fresh = entry_of(value, len);
  for_each_entry(addr, len, [&](u32& e) {
    if (length_of(e) <= len) e = fresh;
  });
  return true;
}

void Dir24::unset(u32 addr, u8 len, u32 cover, u8 cover_len) noexcept {
  if (len > 24 && (table_[addr >> 8] & extended) == 0) return;
  const u32 around = entry_of(cover, cover_len);
  for_each_entry(addr, len, [&](u32& e) {
    if (length_of(e) == len) e = around;
  });
  if (len > 24) shrink(addr >> 8);
}

}  // namespace weir::ip
