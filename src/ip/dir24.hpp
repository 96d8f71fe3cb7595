// Longest prefix match for many IPv4 routes in one or two memory accesses: P. Gupta, S. Lin, N. McKeown, "Routing lookups
// in hardware at memory access speeds", 1998 (DIR-24-8). 64 MB, and 1 KB for each /24 that has longer prefixes in it.
#pragma once

#include <span>

#include "base/memory.hpp"
#include "base/slab.hpp"
#include "wire/address.hpp"

namespace weir::ip {

// Values are below 2^24; 0 is no route. Every entry remembers the length of the prefix it is of, so that a change touches
// the entries that it owns and no other.
class Dir24 {
 public:
  static constexpr u32 max_value = (1u << 24) - 1;

  Dir24() noexcept;
  ~Dir24();
  Dir24(const Dir24&) = delete;
  Dir24& operator=(const Dir24&) = delete;
  [[nodiscard]] bool ok() const noexcept { return table_ != nullptr; }  // false: there was no memory

  [[nodiscard]] u32 lookup(u32 addr) const noexcept {
    u32 e = table_[addr >> 8];
    if ((e & extended) != 0) [[unlikely]]
      e = groups_[e & max_value].entry[addr & 0xff];
    return e & max_value;
  }
  void lookup(std::span<const Ip4Addr> addrs, std::span<u32> values) const noexcept;

  // Adds the prefix or changes its value. False: no memory, and the table is of no use any more.
  [[nodiscard]] bool set(u32 addr, u8 len, u32 value);
  // Removes it; `cover` and `cover_len` are the value and length of the longest shorter prefix around it, 0 and 0 if none.
  void unset(u32 addr, u8 len, u32 cover, u8 cover_len) noexcept;

  [[nodiscard]] u32 groups() const noexcept { return groups_.live(); }
  [[nodiscard]] usize memory_bytes() const noexcept { return table_bytes + groups_.memory_bytes(); }

 private:
  static constexpr u32 extended = 1u << 31;
  static constexpr usize table_bytes = usize{1} << 26;
  struct alignas(cache_line) Group {
    u32 entry[256];
  };

  [[nodiscard]] static constexpr u32 entry_of(u32 value, u8 len) noexcept { return u32{len} << 24 | value; }
  [[nodiscard]] static constexpr u32 length_of(u32 e) noexcept { return e >> 24 & 0x3f; }
  [[nodiscard]] bool extend(u32 slot);
  void shrink(u32 slot) noexcept;
  template <class F>
  void for_each_entry(u32 addr, u8 len, F&& f) noexcept;

  u32* table_;
  Slab<Group> groups_{1u << 20};
};

}  // namespace weir::ip
