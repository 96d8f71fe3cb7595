// IPv6 extension headers: RFC 8200 4, RFC 5095 (RH0), RFC 8504 5.3 (limits), RFC 7112 (the whole chain is in the first
// fragment), RFC 2711 (router alert). The walk is bounded by the limits and by the packet.
#pragma once

#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/ipv6.hpp"

namespace weir::wire {

// Defaults of RFC 8504 5.3, settable per namespace.
struct Ip6Limits {
  u8 max_headers = 8;
  u8 max_options = 8;          // other than padding, in each options header
  u8 max_padding = 7;          // consecutive bytes of padding
  u16 max_options_len = 2048;  // of each options header
  bool allow_unknown = true;   // false: an unknown option is dropped silently whatever its action bits
};

struct Ip6FragmentFields {
  u8 next_header = 0;
  u16 offset = 0;  // in bytes, a multiple of 8
  bool more = false;
  u32 id = 0;
  static constexpr usize header_len = 8;
  [[nodiscard]] constexpr bool is_atomic() const noexcept { return offset == 0 && !more; }  // RFC 6946
  friend constexpr bool operator==(const Ip6FragmentFields&, const Ip6FragmentFields&) noexcept = default;

  [[nodiscard]] static Ip6FragmentFields load(const std::byte* p) noexcept {
    const u16 v = load_be16(p + 2);
    return {load_u8(p), static_cast<u16>(v & 0xfff8u), (v & 1) != 0, load_be32(p + 4)};
  }
};

inline usize emit(const Ip6FragmentFields& f, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= Ip6FragmentFields::header_len);
  store_be16(out.data(), static_cast<u16>(f.next_header << 8));
  store_be16(out.data() + 2, static_cast<u16>((f.offset & 0xfff8u) | (f.more ? 1u : 0u)));
  store_be32(out.data() + 4, f.id);
  return Ip6FragmentFields::header_len;
}

// Where the chain leads. Offsets count from the start of the IPv6 header.
struct Ip6Chain {
  u8 protocol = proto::none;  // the first header that is not walked: transport, ESP, none, or unknown
  u16 offset = 40;            // where that header begins; for a fragment that is not the first, where its data begins
  u16 protocol_at = 6;        // the Next Header byte that names it: what an "unrecognized next header" error points to
  u8 headers = 0;             // how many were walked
  bool has_hop_by_hop = false, has_destination = false, has_routing = false, has_ah = false;
  bool has_router_alert = false;
  u16 router_alert = 0;
  bool has_fragment = false;  // also set for an atomic fragment
  u16 fragment_at = 0;        // the fragment header
  u16 fragment_named_at = 0;  // the Next Header byte that names it: reassembly rewrites it
  Ip6FragmentFields fragment{};
  [[nodiscard]] bool needs_reassembly() const noexcept { return has_fragment && !fragment.is_atomic(); }
};

struct Ip6Problem {
  Drop drop = Drop::ip6_bad_extension;
  bool report = false;             // answer with ICMPv6 Parameter Problem {code, pointer}
  bool even_to_multicast = false;  // RFC 8200 4.2, action 10: also when the destination is multicast
  u8 code = 0;
  u16 pointer = 0;
};

// host: options are acted upon, AH is not skipped (no security association can exist, so it ends the walk as a protocol
// that nobody handles). router: only hop-by-hop options are acted upon; the rest is followed as far as it makes sense.
enum class Ip6Walk : u8 { host, router };

[[nodiscard]] Result<Ip6Chain, Ip6Problem> walk_extensions(const Ipv6View& packet, const Ip6Limits& limits = {},
                                                           Ip6Walk walk = Ip6Walk::host) noexcept;

// The same without options and limits but the header count: what a filter or a printer needs. Never fails; stops where
// the bytes do.
[[nodiscard]] Ip6Chain find_transport(const Ipv6View& packet, u8 max_headers = 8) noexcept;

}  // namespace weir::wire
