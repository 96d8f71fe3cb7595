#include "wire/nd.hpp"

namespace weir::wire {
namespace {

// The checks that all five messages share: type, code, length, options.
Result<NdOptions, Drop> check(const Icmp6View& m, u8 type, usize fixed_len) noexcept {
  if (m.type() != type) return std::unexpected(Drop::icmp_unknown_type);
  if (m.code() != 0) return std::unexpected(Drop::nd_bad_code);
  if (m.message().size() < fixed_len) return std::unexpected(Drop::icmp_truncated);
  return NdOptions::parse(m.message().subspan(fixed_len));
}

std::byte* begin_message(u8 type, usize len, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= len);
  std::memset(out.data(), 0, len);
  store_u8(out.data(), type);
  return out.data();
}

}  // namespace

Result<RouterSolicit, Drop> RouterSolicit::parse(const Icmp6View& m) noexcept {
  const auto options = check(m, icmp6::router_solicit, fixed_len);
  if (!options) return std::unexpected(options.error());
  return RouterSolicit{*options};
}

Result<RouterAdvert, Drop> RouterAdvert::parse(const Icmp6View& m) noexcept {
  const auto options = check(m, icmp6::router_advert, fixed_len);
  if (!options) return std::unexpected(options.error());
  const std::byte* p = m.message().data();
  const u8 flags = load_u8(p + 5);
  RouterAdvert a;
  a.hop_limit = load_u8(p + 4);
  a.managed = (flags & 0x80) != 0;
  a.other = (flags & 0x40) != 0;
  a.lifetime_s = load_be16(p + 6);
  // RFC 4191 2.2: no preference from a router that is no default router.
  a.preference = a.lifetime_s == 0 ? i8{0} : nd_preference((flags >> 3) & 3u);
  a.reachable_ms = load_be32(p + 8);
  a.retrans_ms = load_be32(p + 12);
  a.options = *options;
  return a;
}

Result<NeighborSolicit, Drop> NeighborSolicit::parse(const Icmp6View& m) noexcept {
  const auto options = check(m, icmp6::neighbor_solicit, fixed_len);
  if (!options) return std::unexpected(options.error());
  const Ip6Addr target = Ip6Addr::load(m.message().data() + 8);
  if (target.is_multicast()) return std::unexpected(Drop::nd_bad_target);  // RFC 4861 7.1.1
  return NeighborSolicit{target, *options};
}

Result<NeighborAdvert, Drop> NeighborAdvert::parse(const Icmp6View& m) noexcept {
  const auto options = check(m, icmp6::neighbor_advert, fixed_len);
  if (!options) return std::unexpected(options.error());
  const u8 flags = load_u8(m.message().data() + 4);
  const Ip6Addr target = Ip6Addr::load(m.message().data() + 8);
  if (target.is_multicast()) return std::unexpected(Drop::nd_bad_target);  // RFC 4861 7.1.2
  return NeighborAdvert{(flags & 0x80) != 0, (flags & 0x40) != 0, (flags & 0x20) != 0, target, *options};
}

Result<NdRedirect, Drop> NdRedirect::parse(const Icmp6View& m) noexcept {
  const auto options = check(m, icmp6::redirect, fixed_len);
  if (!options) return std::unexpected(options.error());
  const NdRedirect r{Ip6Addr::load(m.message().data() + 8), Ip6Addr::load(m.message().data() + 24), *options};
  // RFC 4861 8.1: to a router by its link-local address, or to the destination itself, which is no multicast address.
  const bool is_target_ok = r.target.is_link_local() || r.target == r.destination;
  if (r.destination.is_multicast() || !is_target_ok) return std::unexpected(Drop::icmp_bad_redirect);
  return r;
}

usize emit(const RouterSolicit&, MutBytes out) noexcept {
  begin_message(icmp6::router_solicit, RouterSolicit::fixed_len, out);
  return RouterSolicit::fixed_len;
}

usize emit(const RouterAdvert& f, MutBytes out) noexcept {
  std::byte* p = begin_message(icmp6::router_advert, RouterAdvert::fixed_len, out);
  store_u8(p + 4, f.hop_limit);
  store_u8(p + 5, static_cast<u8>((f.managed ? 0x80 : 0) | (f.other ? 0x40 : 0) | nd_preference_bits(f.preference) << 3));
  store_be16(p + 6, f.lifetime_s);
  store_be32(p + 8, f.reachable_ms);
  store_be32(p + 12, f.retrans_ms);
  return RouterAdvert::fixed_len;
}

usize emit(const NeighborSolicit& f, MutBytes out) noexcept {
  std::byte* p = begin_message(icmp6::neighbor_solicit, NeighborSolicit::fixed_len, out);
  f.target.store(p + 8);
  return NeighborSolicit::fixed_len;
}

usize emit(const NeighborAdvert& f, MutBytes out) noexcept {
  std::byte* p = begin_message(icmp6::neighbor_advert, NeighborAdvert::fixed_len, out);
  store_u8(p + 4, static_cast<u8>((f.router ? 0x80u : 0u) | (f.solicited ? 0x40u : 0u) | (f.override_ ? 0x20u : 0u)));
  f.target.store(p + 8);
  return NeighborAdvert::fixed_len;
}

usize emit(const NdRedirect& f, MutBytes out) noexcept {
  std::byte* p = begin_message(icmp6::redirect, NdRedirect::fixed_len, out);
  f.target.store(p + 8);
  f.destination.store(p + 24);
  return NdRedirect::fixed_len;
}

}  // namespace weir::wire
