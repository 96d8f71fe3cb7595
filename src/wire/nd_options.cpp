#include "wire/nd_options.hpp"

namespace weir::wire {
namespace {

constexpr u8 max_prefix_len = 128;

void begin_option(u8 type, usize len, MutBytes out) noexcept {
  WEIR_ASSERT(len % 8 == 0 && len / 8 <= 255 && out.size() >= len);
  std::memset(out.data(), 0, len);
  store_u8(out.data(), type);
  store_u8(out.data() + 1, static_cast<u8>(len / 8));
}

}  // namespace

std::optional<NdOption> NdOptions::find(u8 type) const noexcept {
  for (const NdOption o : *this)
    if (o.type == type) return o;
  return std::nullopt;
}

std::optional<MacAddr> NdOptions::link_address(u8 type) const noexcept {
  const auto o = find(type);
  if (!o || o->whole.size() != 8) return std::nullopt;
  return load_raw<MacAddr>(o->whole.data() + 2);
}

std::optional<u32> NdOptions::mtu() const noexcept {
  const auto o = find(nd_option::mtu);
  if (!o || o->whole.size() != 8) return std::nullopt;
  return load_be32(o->whole.data() + 4);
}

std::optional<Bytes> NdOptions::nonce() const noexcept {
  const auto o = find(nd_option::nonce);
  return o ? std::optional{o->value()} : std::nullopt;
}

std::optional<Bytes> NdOptions::redirected_packet() const noexcept {
  const auto o = find(nd_option::redirected_header);
  return o ? std::optional{o->whole.subspan(8)} : std::nullopt;
}

std::optional<NdPrefixInfo> NdPrefixInfo::parse(const NdOption& o) noexcept {
  if (o.type != nd_option::prefix_info || o.whole.size() != option_len) return std::nullopt;
  const std::byte* p = o.whole.data();
  const u8 flags = load_u8(p + 3);
  if (load_u8(p + 2) > max_prefix_len) return std::nullopt;
  return NdPrefixInfo{load_u8(p + 2), (flags & 0x80) != 0, (flags & 0x40) != 0, load_be32(p + 4), load_be32(p + 8), Ip6Addr::load(p + 16)};
}

std::optional<NdRouteInfo> NdRouteInfo::parse(const NdOption& o) noexcept {
  const usize len = o.whole.size();
  if (o.type != nd_option::route_info || len > 24) return std::nullopt;
  const std::byte* p = o.whole.data();
  const u8 bits = load_u8(p + 2), preference = (load_u8(p + 3) >> 3) & 3;
  // RFC 4191 2.3: 3 units hold any prefix, 2 units up to /64, 1 unit only ::/0. The reserved preference: ignore the
  // option.
  if (bits > 128 || (bits > 64 && len < 24) || (bits > 0 && len < 16) || preference == 2) return std::nullopt;
  NdRouteInfo r{bits, nd_preference(preference), load_be32(p + 4), {}};
  std::memcpy(r.prefix.b.data(), p + 8, len - 8);
  return r;
}

std::optional<NdDnsServers> NdDnsServers::parse(const NdOption& o) noexcept {
  const usize len = o.whole.size();
  // RFC 8106 5.3.1: at least 3 units and odd. Reading addresses out of an even length is CVE-2020-16898.
  if (o.type != nd_option::rdnss || len < 24 || len % 16 != 8) return std::nullopt;
  return NdDnsServers{load_be32(o.whole.data() + 4), o.whole.subspan(8)};
}

std::optional<NdSearchList> NdSearchList::parse(const NdOption& o) noexcept {
  if (o.type != nd_option::dnssl || o.whole.size() < 16) return std::nullopt;
  return NdSearchList{load_be32(o.whole.data() + 4), o.whole.subspan(8)};
}

std::optional<usize> NdSearchList::next(Bytes& rest, std::span<char> out) noexcept {
  usize n = 0;
  while (!rest.empty()) {
    const usize label = load_u8(rest.data());
    rest = rest.subspan(1);
    if (label == 0) return n == 0 ? std::nullopt : std::optional{n};  // an empty name is the padding
    if (label > 63 || label > rest.size() || n + label + 1 > out.size() || n + label + 1 > 255) break;
    if (n > 0) out[n++] = '.';
    std::memcpy(out.data() + n, rest.data(), label);
    n += label;
    rest = rest.subspan(label);
  }
  rest = {};
  return std::nullopt;
}

usize emit_link_address(u8 type, const MacAddr& mac, MutBytes out) noexcept {
  begin_option(type, 8, out);
  std::memcpy(out.data() + 2, mac.b.data(), 6);
  return 8;
}

usize emit_mtu(u32 mtu, MutBytes out) noexcept {
  begin_option(nd_option::mtu, 8, out);
  store_be32(out.data() + 4, mtu);
  return 8;
}

usize emit_nonce(Bytes nonce6, MutBytes out) noexcept {
  WEIR_ASSERT(nonce6.size() == 6);
  begin_option(nd_option::nonce, 8, out);
  copy_bytes(out.subspan(2), nonce6);
  return 8;
}

usize emit(const NdPrefixInfo& o, MutBytes out) noexcept {
  begin_option(nd_option::prefix_info, NdPrefixInfo::option_len, out);
  std::byte* p = out.data();
  store_u8(p + 2, o.length);
  store_u8(p + 3, static_cast<u8>((o.on_link ? 0x80 : 0) | (o.autonomous ? 0x40 : 0)));
  store_be32(p + 4, o.valid_s);
  store_be32(p + 8, o.preferred_s);
  o.prefix.store(p + 16);
  return NdPrefixInfo::option_len;
}

usize emit(const NdRouteInfo& o, MutBytes out) noexcept {
  const usize len = o.length == 0 ? 8 : o.length <= 64 ? 16 : 24;
  begin_option(nd_option::route_info, len, out);
  std::byte* p = out.data();
  store_u8(p + 2, o.length);
  store_u8(p + 3, static_cast<u8>(nd_preference_bits(o.preference) << 3));
  store_be32(p + 4, o.lifetime_s);
  std::memcpy(p + 8, o.prefix.b.data(), len - 8);
  return len;
}

usize emit_dns_servers(u32 lifetime_s, std::span<const Ip6Addr> servers, MutBytes out) noexcept {
  const usize len = 8 + servers.size() * 16;
  begin_option(nd_option::rdnss, len, out);
  store_be32(out.data() + 4, lifetime_s);
  for (usize i = 0; i < servers.size(); ++i) servers[i].store(out.data() + 8 + i * 16);
  return len;
}

usize emit_redirected(Bytes packet, MutBytes out) noexcept {
  const usize room = std::min<usize>(out.size(), 255 * 8) & ~usize{7};
  WEIR_ASSERT(room >= 8);
  const usize quoted = std::min(packet.size(), room - 8) & ~usize{7};
  begin_option(nd_option::redirected_header, 8 + quoted, out);
  copy_bytes(out.subspan(8), packet.first(quoted));
  return 8 + quoted;
}

}  // namespace weir::wire
