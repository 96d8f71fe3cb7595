#include "wire/ipv6_ext.hpp"

#include <optional>

namespace weir::wire {
namespace {

constexpr u8 option_pad1 = 0, option_padn = 1, option_router_alert = 5;

using Problem = std::optional<Ip6Problem>;

Ip6Problem silent(Drop d) noexcept { return {d, false, false, 0, 0}; }
Ip6Problem report(Drop d, u8 code, usize pointer) noexcept { return {d, true, false, code, static_cast<u16>(pointer)}; }

constexpr u8 code_field = 0, code_option = 2, code_chain = 3;  // of Parameter Problem: RFC 4443 3.4, RFC 7112

// RFC 8200 4.2: the two highest bits of the type of an option that is not known say what to do.
Problem unknown_option(u8 type, usize at, const Ip6Limits& limits) noexcept {
  if (!limits.allow_unknown) return silent(Drop::ip6_unknown_option);  //= rfc8504#5.3 N24
  switch (type >> 6) {
    case 0: return std::nullopt;
    case 1: return silent(Drop::ip6_unknown_option);
    case 2: return Ip6Problem{Drop::ip6_unknown_option, true, true, code_option, static_cast<u16>(at)};
    default: return report(Drop::ip6_unknown_option, code_option, at);
  }
}

// The state of one walk. `packet` is all there is of it; offsets count from the IPv6 header.
class Walker {
 public:
  Walker(const Ipv6View& packet, const Ip6Limits& limits, Ip6Walk walk) noexcept : packet_(packet.packet()), limits_(limits), walk_(walk) {
    chain_.protocol = packet.next_header();
  }

  Result<Ip6Chain, Ip6Problem> run() noexcept {
    for (bool more = true; more;) {
      const auto step = this->step();
      // What a router does not act upon is not its business to refuse.
      if (!step && walk_ == Ip6Walk::router && chain_.protocol != proto::hop_by_hop) break;
      if (!step) return std::unexpected(step.error());
      more = *step;
    }
    return chain_;
  }

 private:
  // Takes one header off the chain; false when the next is not one that is walked.
  Result<bool, Ip6Problem> step() noexcept {
    switch (chain_.protocol) {
      // RFC 8200 4.1: only after the IPv6 header; elsewhere it is an unrecognized next header, like any that nobody
      // handles.
      case proto::hop_by_hop: return chain_.headers == 0 ? options(true) : Result<bool, Ip6Problem>{false};
      case proto::destination: return options(false);
      case proto::routing: return routing();
      case proto::fragment: return fragment();
      case proto::ah: return walk_ == Ip6Walk::host ? Result<bool, Ip6Problem>{false} : authentication();
      default: return false;
    }
  }

  // Goes past a header of `len` bytes, or says what is wrong. All extension headers begin with their Next Header.
  Result<bool, Ip6Problem> advance(usize len) noexcept {
    const bool is_far = chain_.offset + len > 0xffff;  // only if someone has raised the limits that much
    if (chain_.headers >= limits_.max_headers || is_far) return std::unexpected(silent(Drop::ip6_extension_limit));  // A23
    ++chain_.headers;
    chain_.protocol_at = chain_.offset;
    chain_.protocol = load_u8(packet_.data() + chain_.offset);
    chain_.offset = static_cast<u16>(chain_.offset + len);
    return true;
  }

  // The header is cut short. In a first fragment that is RFC 7112 5; elsewhere its length field lies.
  std::unexpected<Ip6Problem> cut_short() const noexcept {
    if (chain_.has_fragment && chain_.fragment.more) return std::unexpected(report(Drop::frag_tiny, code_chain, 0));
    if (left() < 2) return std::unexpected(silent(Drop::ip6_bad_extension));
    return std::unexpected(report(Drop::ip6_bad_extension, code_field, chain_.offset + 1u));
  }

  usize left() const noexcept { return packet_.size() - chain_.offset; }
  const std::byte* here() const noexcept { return packet_.data() + chain_.offset; }
  // Options and routing headers behind a fragment header belong to the reassembled packet.
  bool is_acted_upon() const noexcept { return !chain_.needs_reassembly(); }

  Result<bool, Ip6Problem> options(bool hop_by_hop) noexcept {
    if (left() < 8) return cut_short();
    const usize len = (load_u8(here() + 1) + 1u) * 8u;
    if (len > left()) return cut_short();
    (hop_by_hop ? chain_.has_hop_by_hop : chain_.has_destination) = true;
    if (hop_by_hop || (walk_ == Ip6Walk::host && is_acted_upon())) {
      if (len > limits_.max_options_len) return std::unexpected(silent(Drop::ip6_extension_limit));  //= rfc8504#5.3 N28
      if (const auto bad = each_option(chain_.offset + 2u, chain_.offset + len, hop_by_hop)) return std::unexpected(*bad);
    }
    return advance(len);
  }

  Problem each_option(usize at, usize end, bool hop_by_hop) noexcept {
    u32 options = 0, padding = 0;
    while (at < end) {
      const u8 type = load_u8(packet_.data() + at);
      usize len = 1;
      if (type != option_pad1) {
        if (end - at < 2) return report(Drop::ip6_bad_extension, code_field, at);
        len = 2u + load_u8(packet_.data() + at + 1);
        if (len > end - at) return report(Drop::ip6_bad_extension, code_field, at + 1);
      }
      if (type == option_pad1 || type == option_padn) {
        padding += static_cast<u32>(len);
        if (padding > limits_.max_padding) return silent(Drop::ip6_extension_limit);  //= rfc8504#5.3 N22
      } else {
        padding = 0;
        if (++options > limits_.max_options) return silent(Drop::ip6_extension_limit);  //= rfc8504#5.3 N26
        if (const auto bad = one_option(type, at, len, hop_by_hop)) return bad;
      }
      at += len;
    }
    return std::nullopt;
  }

  Problem one_option(u8 type, usize at, usize len, bool hop_by_hop) noexcept {
    if (type != option_router_alert || !hop_by_hop) return unknown_option(type, at, limits_);
    if (len != 4) return report(Drop::ip6_bad_extension, code_field, at + 1);  // RFC 2711 2.1
    chain_.has_router_alert = true;
    chain_.router_alert = load_be16(packet_.data() + at + 2);
    return std::nullopt;
  }

  // RFC 5095: type 0 is treated as unrecognized, and so is every other type, since none is implemented.
  Result<bool, Ip6Problem> routing() noexcept {
    if (left() < 8) return cut_short();
    const usize len = (load_u8(here() + 1) + 1u) * 8u;
    if (len > left()) return cut_short();
    chain_.has_routing = true;
    const u8 segments_left = load_u8(here() + 3);
    //= rfc8504#5.2 N15
    if (walk_ == Ip6Walk::host && is_acted_upon() && segments_left != 0)
      return std::unexpected(report(Drop::ip6_routing_header, code_field, chain_.offset + 2u));
    return advance(len);
  }

  Result<bool, Ip6Problem> fragment() noexcept {
    if (left() < Ip6FragmentFields::header_len) return cut_short();
    if (chain_.has_fragment) return std::unexpected(silent(Drop::frag_bad));  // a fragment of a fragment is never sent
    chain_.has_fragment = true;
    chain_.fragment_at = chain_.offset;
    chain_.fragment_named_at = chain_.protocol_at;
    chain_.fragment = Ip6FragmentFields::load(here());
    const auto more = advance(Ip6FragmentFields::header_len);
    if (!more) return more;
    return chain_.fragment.offset == 0;  // what follows in a later fragment is data, not a header
  }

  Result<bool, Ip6Problem> authentication() noexcept {
    if (left() < 12) return cut_short();
    const usize len = (load_u8(here() + 1) + 2u) * 4u;  // RFC 4302 2.2
    if (len < 12 || len > left()) return cut_short();
    chain_.has_ah = true;
    return advance(len);
  }

  Bytes packet_;
  const Ip6Limits& limits_;
  Ip6Walk walk_;
  Ip6Chain chain_;
};

// The shortest header of a transport, which RFC 7112 wants whole in a first fragment.
usize min_transport_len(u8 protocol) noexcept {
  switch (protocol) {
    case proto::tcp: return 20;
    case proto::udp:
    case proto::icmp6: return 8;
    default: return 0;
  }
}

}  // namespace

Result<Ip6Chain, Ip6Problem> walk_extensions(const Ipv6View& packet, const Ip6Limits& limits, Ip6Walk walk) noexcept {
  auto chain = Walker(packet, limits, walk).run();
  if (!chain || walk == Ip6Walk::router) return chain;
  const bool is_first_fragment = chain->has_fragment && chain->fragment.offset == 0 && chain->fragment.more;
  if (!is_first_fragment) return chain;
  if (packet.packet().size() - chain->offset < min_transport_len(chain->protocol))
    return std::unexpected(report(Drop::frag_tiny, code_chain, 0));  // A22
  return chain;
}

Ip6Chain find_transport(const Ipv6View& packet, u8 max_headers) noexcept {
  const Bytes p = packet.packet();
  Ip6Chain c;
  c.protocol = packet.next_header();
  for (; c.headers < max_headers; ++c.headers) {
    const usize left = p.size() - c.offset;
    const bool is_options = c.protocol == proto::hop_by_hop || c.protocol == proto::destination;
    const bool is_known = is_options || c.protocol == proto::routing || c.protocol == proto::fragment || c.protocol == proto::ah;
    if (!is_known || left < 8) return c;
    usize len = (load_u8(p.data() + c.offset + 1) + 1u) * 8u;
    if (c.protocol == proto::ah) len = (load_u8(p.data() + c.offset + 1) + 2u) * 4u;
    if (c.protocol == proto::fragment) len = Ip6FragmentFields::header_len;
    if (len > left || c.offset + len > 0xffff) return c;
    if (c.protocol == proto::fragment) {
      c.has_fragment = true;
      c.fragment_at = c.offset;
      c.fragment_named_at = c.protocol_at;
      c.fragment = Ip6FragmentFields::load(p.data() + c.offset);
    }
    c.protocol_at = c.offset;
    c.protocol = load_u8(p.data() + c.offset);
    c.offset = static_cast<u16>(c.offset + len);
    if (c.has_fragment && c.fragment.offset != 0) {
      ++c.headers;
      return c;
    }
  }
  return c;
}

}  // namespace weir::wire
