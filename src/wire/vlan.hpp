// IEEE 802.1Q tags: C-VLAN (0x8100) and S-VLAN (0x88a8). One tag per view, so a stack strips exactly as many as it
// means to.
#pragma once

#include "wire/ethernet.hpp"

namespace weir::wire {

[[nodiscard]] constexpr bool is_vlan_type(u16 type) noexcept { return type == ethertype::vlan || type == ethertype::qinq; }

struct VlanTag {
  u16 tpid = ethertype::vlan;
  u16 tci = 0;

  static constexpr VlanTag make(u16 vlan_id, u8 priority = 0, bool dei = false, u16 tpid = ethertype::vlan) noexcept {
    return {tpid, static_cast<u16>((priority & 7u) << 13 | (dei ? 0x1000u : 0u) | (vlan_id & 0x0fffu))};
  }
  [[nodiscard]] constexpr u16 vlan_id() const noexcept { return tci & 0x0fff; }  // 0: priority tag only; 4095: reserved
  [[nodiscard]] constexpr u8 priority() const noexcept { return static_cast<u8>(tci >> 13); }
  [[nodiscard]] constexpr bool dei() const noexcept { return (tci & 0x1000) != 0; }
  friend constexpr bool operator==(const VlanTag&, const VlanTag&) noexcept = default;
};

class VlanView {
 public:
  static constexpr usize tag_len = 4;

  // `tpid` is the type that announced the tag, `after` the payload of that header: TCI, then a type-or-length field.
  [[nodiscard]] static Result<VlanView, Drop> parse(u16 tpid, Bytes after) noexcept {
    if (after.size() < tag_len) return std::unexpected(Drop::vlan_truncated);
    const auto field = TypeField::parse(after.subspan(2));
    if (!field) return std::unexpected(field.error());
    return VlanView(after.data(), tpid, *field);
  }
  [[nodiscard]] static Result<VlanView, Drop> parse(const EthernetView& e) noexcept { return parse(e.type(), e.payload()); }

  [[nodiscard]] VlanTag tag() const noexcept { return {tpid_, load_be16(p_)}; }
  [[nodiscard]] u16 vlan_id() const noexcept { return tag().vlan_id(); }
  [[nodiscard]] u8 priority() const noexcept { return tag().priority(); }
  [[nodiscard]] bool dei() const noexcept { return tag().dei(); }
  [[nodiscard]] u16 type() const noexcept { return field_.type; }                         // of what the tag carries
  [[nodiscard]] usize payload_offset() const noexcept { return 2u + field_.header_len; }  // from the TCI
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + payload_offset(), field_.payload_len}; }

 private:
  VlanView(const std::byte* p, u16 tpid, TypeField field) noexcept : p_(p), tpid_(tpid), field_(field) {}
  const std::byte* p_;
  u16 tpid_;
  TypeField field_;
};

// TCI and inner type: what follows a type field that holds tag.tpid.
inline usize emit(const VlanTag& tag, u16 inner_type, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= VlanView::tag_len);
  store_be16(out.data(), tag.tci);
  store_be16(out.data() + 2, inner_type);
  return VlanView::tag_len;
}

}  // namespace weir::wire
