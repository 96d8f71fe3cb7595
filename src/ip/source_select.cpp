#include "ip/source_select.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes.hpp"

namespace weir::ip {

namespace {

struct PolicyRow {
  std::array<u8, 16> prefix;
  u8 length;
  AddressPolicy policy;
};

// RFC 6724 2.1, the longest prefixes first.
constexpr std::array<PolicyRow, 9> policy_table{{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, {50, 0}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, {35, 4}},
    {{}, 96, {1, 3}},
    {{0x20, 0x01}, 32, {5, 5}},
    {{0x20, 0x02}, 16, {30, 2}},
    {{0x3f, 0xfe}, 16, {1, 12}},
    {{0xfe, 0xc0}, 10, {1, 11}},
    {{0xfc}, 7, {3, 13}},
    {{}, 0, {40, 1}},
}};

unsigned common_bits(const u8* a, const u8* b, unsigned bytes) noexcept {
  for (unsigned i = 0; i < bytes; ++i)
    if (a[i] != b[i]) return 8 * i + static_cast<unsigned>(std::countl_zero(static_cast<u8>(a[i] ^ b[i])));
  return 8 * bytes;
}

// Each rule: positive when `a` is better, negative when `b` is, 0 when it does not tell (RFC 6724 5).
constexpr int prefer(bool a, bool b) noexcept { return (a ? 1 : 0) - (b ? 1 : 0); }

int rule2_scope(const Ip6Addr& a, const Ip6Addr& b, const Ip6Addr& dst) noexcept {
  const u8 sa = address_scope(a), sb = address_scope(b), sd = address_scope(dst);
  if (sa == sb) return 0;
  if (sa < sb) return sa < sd ? -1 : 1;
  return sb < sd ? 1 : -1;
}

int rule8_prefix(const SourceCandidate& a, const SourceCandidate& b, const Ip6Addr& dst) noexcept {
  const auto common = [&](const SourceCandidate& c) {
    return std::min<int>(static_cast<int>(common_prefix_length(c.prefix.address, dst)), c.prefix.length);
  };
  return common(a) - common(b);
}

int compare6(const SourceCandidate& a, const SourceCandidate& b, const Ip6Addr& dst, IfIndex oif,
             const SourcePreference& preference) noexcept {
  const Ip6Addr &aa = a.prefix.address.v6(), &ba = b.prefix.address.v6();
  if (const int r = prefer(aa == dst, ba == dst)) return r;                                // 1: the same address
  if (const int r = rule2_scope(aa, ba, dst)) return r;                                    // 2: scope
  if (const int r = prefer(!a.deprecated, !b.deprecated)) return r;                        // 3: not deprecated
  if (const int r = prefer(a.home, b.home)) return r;                                      // 4: home address
  if (const int r = prefer(a.interface == oif, b.interface == oif)) return r;              // 5: outgoing interface
  const u8 label = address_policy(dst).label;
  if (const int r = prefer(address_policy(aa).label == label, address_policy(ba).label == label)) return r;  // 6: label
  const bool temporary = preference.prefer_temporary;
  if (const int r = prefer(a.temporary == temporary, b.temporary == temporary)) return r;  // 7: temporary
  return rule8_prefix(a, b, dst);                                                          // 8: longest prefix
}

// What a router may carry, and how far: loopback, link, everywhere.
int scope4(Ip4Addr a) noexcept {
  if (a.is_loopback()) return 0;
  return a.is_link_local() ? 1 : 2;
}

int compare4(const SourceCandidate& a, const SourceCandidate& b, Ip4Addr dst, Ip4Addr next_hop, IfIndex oif) noexcept {
  const Ip4Addr aa = a.prefix.address.v4(), ba = b.prefix.address.v4();
  if (const int r = prefer(aa == dst, ba == dst)) return r;
  if (const int r = prefer(scope4(aa) >= scope4(dst), scope4(ba) >= scope4(dst))) return r;
  if (const int r = prefer(a.interface == oif, b.interface == oif)) return r;
  if (const int r = prefer(a.prefix.contains(next_hop), b.prefix.contains(next_hop))) return r;
  if (const int r = prefer(scope4(aa) == scope4(dst), scope4(ba) == scope4(dst))) return r;
  if (const int r = prefer(!a.deprecated, !b.deprecated)) return r;
  return prefer(!a.secondary, !b.secondary);
}

}  // namespace

u8 address_scope(const Ip6Addr& a) noexcept {
  if (a.is_multicast()) return a.multicast_scope();
  if (a.is_link_local() || a.is_loopback()) return 2;
  if (a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0xc0) return 5;
  return 14;
}

AddressPolicy address_policy(const IpAddr& a) noexcept {
  const u8* const p = a.v6().b.data();
  for (const PolicyRow& row : policy_table)
    if (common_bits(p, row.prefix.data(), 16) >= row.length) return row.policy;
  return {40, 1};
}

unsigned common_prefix_length(const IpAddr& a, const IpAddr& b) noexcept {
  if (a.family() != b.family()) return 0;
  if (a.is_v4()) return common_bits(a.v6().b.data() + 12, b.v6().b.data() + 12, 4);
  return common_bits(a.v6().b.data(), b.v6().b.data(), 16);
}

const SourceCandidate* select_source6(const Ip6Addr& dst, IfIndex oif, std::span<const SourceCandidate> candidates,
                                      const SourcePreference& preference) noexcept {
  const bool on_link_only = dst.is_link_local() || dst.is_multicast();
  const SourceCandidate* best = nullptr;
  for (const SourceCandidate& c : candidates) {
    if (c.unusable || c.prefix.address.is_v4() || c.prefix.address.is_any() || c.prefix.address.is_multicast()) continue;
    if (on_link_only && c.interface != oif) continue;  // RFC 6724 4
    if (c.prefix.address.is_loopback() && !dst.is_loopback()) continue;  // RFC 4291 2.5.3
    if (best == nullptr || compare6(c, *best, dst, oif, preference) > 0) best = &c;
  }
  return best;
}

const SourceCandidate* select_source4(Ip4Addr dst, Ip4Addr next_hop, IfIndex oif, std::span<const SourceCandidate> candidates) noexcept {
  const SourceCandidate* best = nullptr;
  for (const SourceCandidate& c : candidates) {
    if (c.unusable || !c.prefix.address.is_v4() || c.prefix.address.is_any()) continue;
    // RFC 1122 3.2.1.3 (g), RFC 3927 2.7: neither leaves its host or link.
    const Ip4Addr a = c.prefix.address.v4();
    if (a.is_loopback() && !dst.is_loopback() && c.interface != oif) continue;
    if (a.is_link_local() && c.interface != oif && a != dst) continue;
    if (best == nullptr || compare4(c, *best, dst, next_hop, oif) > 0) best = &c;
  }
  return best;
}

}  // namespace weir::ip
