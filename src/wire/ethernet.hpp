// Ethernet II (RFC 894) and IEEE 802.3 with LLC/SNAP (RFC 1042). Reading takes both, sending is RFC 894 by default.
#pragma once

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

// What the two bytes at a type-or-length field, and the LLC/SNAP header after them, say.
struct TypeField {
  u16 type = 0;  // the EtherType; below 0x600 for an 802.3 frame that carries none (its LLC header is the payload)
  u16 header_len = 0;   // bytes from the type field to the payload
  u32 payload_len = 0;  // an 802.3 length cuts off padding

  // `at` begins at the type-or-length field.
  [[nodiscard]] static Result<TypeField, Drop> parse(Bytes at) noexcept;
};

struct EthernetFields {
  MacAddr dst{}, src{};
  u16 type = 0;
  friend constexpr bool operator==(const EthernetFields&, const EthernetFields&) noexcept = default;
};

class EthernetView {
 public:
  static constexpr usize header_len = 14, snap_header_len = 22;

  [[nodiscard]] static Result<EthernetView, Drop> parse(Bytes frame) noexcept {
    if (frame.size() < header_len) return std::unexpected(Drop::eth_truncated);
    const auto field = TypeField::parse(frame.subspan(12));
    if (!field) return std::unexpected(field.error());
    return EthernetView(frame.data(), *field);
  }

  [[nodiscard]] MacAddr dst() const noexcept { return load_raw<MacAddr>(p_); }
  [[nodiscard]] MacAddr src() const noexcept { return load_raw<MacAddr>(p_ + 6); }
  [[nodiscard]] u16 type() const noexcept { return field_.type; }
  [[nodiscard]] bool has_ethertype() const noexcept { return field_.type >= ethertype::min; }
  [[nodiscard]] usize payload_offset() const noexcept { return 12u + field_.header_len; }
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + payload_offset(), field_.payload_len}; }
  [[nodiscard]] EthernetFields fields() const noexcept { return {dst(), src(), type()}; }

 private:
  EthernetView(const std::byte* p, TypeField field) noexcept : p_(p), field_(field) {}
  const std::byte* p_;
  TypeField field_;
};

inline Result<TypeField, Drop> TypeField::parse(Bytes at) noexcept {
  if (at.size() < 2) return std::unexpected(Drop::eth_truncated);
  const u16 value = load_be16(at.data());
  const auto rest = static_cast<u32>(at.size() - 2);
  if (value >= ethertype::min) [[likely]]
    return TypeField{value, 2, rest};
  // IEEE 802.3: the value is a length. It may be less than what came (padding), never more.
  constexpr u32 llc_len = 3, snap_len = 8;
  if (value > ethertype::max_length || value > rest || value < llc_len) return std::unexpected(Drop::eth_bad_length);
  const std::byte* llc = at.data() + 2;
  const bool is_snap = load_be16(llc) == 0xaaaa && load_u8(llc + 2) == 0x03;
  if (!is_snap) return TypeField{0, 2, value};
  if (value < snap_len) return std::unexpected(Drop::eth_bad_length);
  // RFC 1042: organisation code 0 means that an EtherType follows.
  if (load_be16(llc + 3) != 0 || load_u8(llc + 5) != 0) return TypeField{0, 2, value};
  const u16 type = load_be16(llc + 6);
  if (type < ethertype::min) return std::unexpected(Drop::eth_bad_length);
  return TypeField{type, 2 + snap_len, value - snap_len};  //= rfc1122#2.3.3 L08
}

inline usize emit(const EthernetFields& f, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= EthernetView::header_len);
  std::memcpy(out.data(), f.dst.b.data(), 6);
  std::memcpy(out.data() + 6, f.src.b.data(), 6);
  store_be16(out.data() + 12, f.type);
  return EthernetView::header_len;
}

// RFC 1042 encapsulation (RFC 1122 2.3.3 wants a switch for it); payload_len is what will follow, at most 1,492 bytes.
inline usize emit_snap(const EthernetFields& f, u16 payload_len, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= EthernetView::snap_header_len && payload_len <= ethertype::max_length - 8);
  emit({f.dst, f.src, static_cast<u16>(payload_len + 8)}, out);
  store_be32(out.data() + 14, 0xaaaa'0300);  //= rfc1122#2.3.3 L09
  store_be16(out.data() + 18, 0);
  store_be16(out.data() + 20, f.type);
  return EthernetView::snap_header_len;
}

}  // namespace weir::wire
