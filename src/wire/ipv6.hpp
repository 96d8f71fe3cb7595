// IPv6 fixed header: RFC 8200 3; traffic class: RFC 2474, RFC 3168; flow label: RFC 6437.
#pragma once

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

struct Ipv6Fields {
  u8 traffic_class = 0;
  u32 flow_label = 0;   // 20 bits
  u16 payload_len = 0;  // extension headers included
  u8 next_header = proto::none;
  u8 hop_limit = 64;
  Ip6Addr src{}, dst{};
  friend constexpr bool operator==(const Ipv6Fields&, const Ipv6Fields&) noexcept = default;
};

class Ipv6View {
 public:
  static constexpr usize header_len = 40;

  // `head` holds at least the header contiguously and is the beginning of a packet of packet_size bytes (with link
  // padding, if any). Jumbograms (RFC 2675) are not supported.
  [[nodiscard]] static Result<Ipv6View, Drop> parse(Bytes head, usize packet_size) noexcept {
    if (head.empty()) return std::unexpected(Drop::ip6_truncated);
    if (load_u8(head.data()) >> 4 != 6) return std::unexpected(Drop::ip6_bad_version);
    if (head.size() < header_len) return std::unexpected(Drop::ip6_truncated);
    const usize total = header_len + load_be16(head.data() + 4);
    if (total > packet_size) return std::unexpected(Drop::ip6_bad_payload_length);
    return Ipv6View(head.data(), std::min(total, head.size()));
  }
  [[nodiscard]] static Result<Ipv6View, Drop> parse(Bytes packet) noexcept { return parse(packet, packet.size()); }

  [[nodiscard]] u8 traffic_class() const noexcept { return static_cast<u8>(load_be16(p_) >> 4); }
  [[nodiscard]] u8 dscp() const noexcept { return traffic_class() >> 2; }
  [[nodiscard]] u8 ecn() const noexcept { return traffic_class() & 3; }
  [[nodiscard]] u32 flow_label() const noexcept { return load_be32(p_) & 0xf'ffff; }
  [[nodiscard]] u16 payload_len() const noexcept { return load_be16(p_ + 4); }  // as the header says
  [[nodiscard]] u8 next_header() const noexcept { return load_u8(p_ + 6); }
  [[nodiscard]] u8 hop_limit() const noexcept { return load_u8(p_ + 7); }
  [[nodiscard]] Ip6Addr src() const noexcept { return Ip6Addr::load(p_ + 8); }
  [[nodiscard]] Ip6Addr dst() const noexcept { return Ip6Addr::load(p_ + 24); }
  // What of the payload lies in `head`, without what came after the payload length.
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + header_len, len_ - header_len}; }
  [[nodiscard]] Bytes packet() const noexcept { return {p_, len_}; }
  [[nodiscard]] Ipv6Fields fields() const noexcept {
    return {traffic_class(), flow_label(), payload_len(), next_header(), hop_limit(), src(), dst()};
  }

 private:
  Ipv6View(const std::byte* p, usize len) noexcept : p_(p), len_(len) {}
  const std::byte* p_;
  usize len_;
};

inline usize emit(const Ipv6Fields& f, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= Ipv6View::header_len);
  std::byte* p = out.data();
  store_be32(p, 0x6000'0000u | static_cast<u32>(f.traffic_class) << 20 | (f.flow_label & 0xf'ffffu));
  store_be16(p + 4, f.payload_len);
  store_u8(p + 6, f.next_header);
  store_u8(p + 7, f.hop_limit);
  f.src.store(p + 8);
  f.dst.store(p + 24);
  return Ipv6View::header_len;
}

}  // namespace weir::wire
