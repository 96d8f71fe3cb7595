// What IGMPv3 (RFC 3376 4.2) and MLDv2 (RFC 3810 5.2) reports have in common: group records and the 8-bit float of
// times.
#pragma once

#include <span>

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

enum class GroupRecordType : u8 {
  mode_is_include = 1,
  mode_is_exclude = 2,
  change_to_include = 3,
  change_to_exclude = 4,
  allow_new = 5,
  block_old = 6
};

template <class Addr>
struct GroupRecordFields {
  GroupRecordType type = GroupRecordType::mode_is_include;
  Addr group{};
  std::span<const Addr> sources{};
};

template <class Addr>
struct GroupRecord {
  u8 type = 0;  // a GroupRecordType, or unknown: to be ignored
  Addr group{};
  Bytes sources{};
  usize len = 0;  // of the whole record, auxiliary data included
  [[nodiscard]] usize source_count() const noexcept { return sources.size() / sizeof(Addr); }
  [[nodiscard]] Addr source(usize i) const noexcept { return Addr::load(sources.subspan(i * sizeof(Addr), sizeof(Addr)).data()); }
};

// The records of a report; parse() has seen that each is whole.
template <class Addr>
class GroupRecords {
 public:
  static constexpr usize fixed_len = 4 + sizeof(Addr);

  constexpr GroupRecords() noexcept = default;
  [[nodiscard]] static Result<GroupRecords, Drop> parse(u16 count, Bytes area) noexcept {
    Bytes rest = area;
    for (u32 i = 0; i < count; ++i) {
      if (rest.size() < fixed_len) return std::unexpected(Drop::icmp_truncated);
      const usize len = record_len(rest);
      if (len > rest.size()) return std::unexpected(Drop::icmp_truncated);
      rest = rest.subspan(len);
    }
    return GroupRecords(count, area);
  }

  [[nodiscard]] u16 count() const noexcept { return count_; }
  // f(const GroupRecord<Addr>&) for each.
  template <class F>
  void for_each(F&& f) const {
    Bytes rest = area_;
    for (u32 i = 0; i < count_; ++i) {
      const usize n = load_be16(rest.data() + 2) * sizeof(Addr);
      const usize len = record_len(rest);
      f(GroupRecord<Addr>{load_u8(rest.data()), Addr::load(rest.data() + 4), rest.subspan(fixed_len, n), len});
      rest = rest.subspan(len);
    }
  }

 private:
  GroupRecords(u16 count, Bytes area) noexcept : area_(area), count_(count) {}
  [[nodiscard]] static usize record_len(Bytes r) noexcept {
    return fixed_len + load_be16(r.data() + 2) * sizeof(Addr) + load_u8(r.data() + 1) * usize{4};
  }
  Bytes area_{};
  u16 count_ = 0;
};

template <class Addr>
[[nodiscard]] usize group_record_len(const GroupRecordFields<Addr>& r) noexcept {
  return GroupRecords<Addr>::fixed_len + r.sources.size() * sizeof(Addr);
}

// Writes one record without auxiliary data; returns its length.
template <class Addr>
usize emit(const GroupRecordFields<Addr>& r, MutBytes out) noexcept {
  WEIR_ASSERT(r.sources.size() <= 0xffff && out.size() >= group_record_len(r));
  store_u8(out.data(), static_cast<u8>(r.type));
  store_u8(out.data() + 1, 0);
  store_be16(out.data() + 2, static_cast<u16>(r.sources.size()));
  r.group.store(out.data() + 4);
  std::byte* p = out.data() + GroupRecords<Addr>::fixed_len;
  for (const Addr& s : r.sources) {
    s.store(p);
    p += sizeof(Addr);
  }
  return group_record_len(r);
}

// RFC 3376 4.1.1, RFC 3810 5.1.3: values of 2^Bits/2 and more are a float of 3 bits of exponent, and the rest mantissa.
template <unsigned Bits>
[[nodiscard]] constexpr u32 decode_float(u32 v) noexcept {
  constexpr unsigned mantissa = Bits - 4;
  if (v < (1u << (Bits - 1))) return v;
  const u32 exponent = (v >> mantissa) & 7u;
  return ((v & ((1u << mantissa) - 1u)) | (1u << mantissa)) << (exponent + 3u);
}

// The largest code whose value is not above `value`.
template <unsigned Bits>
[[nodiscard]] constexpr u32 encode_float(u32 value) noexcept {
  constexpr unsigned mantissa = Bits - 4;
  if (value < (1u << (Bits - 1))) return value;
  for (u32 exponent = 0; exponent < 8; ++exponent)
    if (value >> (exponent + 3) < (2u << mantissa))
      return 1u << (Bits - 1) | exponent << mantissa | ((value >> (exponent + 3)) & ((1u << mantissa) - 1u));
  return (1u << Bits) - 1u;
}

}  // namespace weir::wire
