// IPv4 header: RFC 791 3.1, RFC 1122 3.2.1; DS field and ECN: RFC 2474, RFC 3168. Options: wire/ipv4_options.hpp.
#pragma once

#include "base/assert.hpp"
#include "base/checksum.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

struct Ipv4Fields {
  u8 tos = 0;           // DSCP and ECN
  u16 payload_len = 0;  // bytes after the header
  u16 id = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  u16 fragment_offset = 0;  // in bytes, a multiple of 8
  u8 ttl = 64;
  u8 protocol = 0;
  Ip4Addr src{}, dst{};
  Bytes options{};  // emitted padded with zeros to a multiple of 4; at most 40 bytes

  [[nodiscard]] usize header_len() const noexcept { return 20 + ((options.size() + 3) & ~usize{3}); }
  friend bool operator==(const Ipv4Fields& a, const Ipv4Fields& b) noexcept {
    return a.tos == b.tos && a.payload_len == b.payload_len && a.id == b.id && a.dont_fragment == b.dont_fragment &&
           a.more_fragments == b.more_fragments && a.fragment_offset == b.fragment_offset && a.ttl == b.ttl && a.protocol == b.protocol &&
           a.src == b.src && a.dst == b.dst && same_bytes(a.options, b.options);
  }
};

class Ipv4View {
 public:
  static constexpr usize min_len = 20, max_len = 60;

  // `head` holds at least the header contiguously and is the beginning of a packet of packet_size bytes (with link
  // padding, if any). The checksum is not looked at: it may be known good already.
  [[nodiscard]] static Result<Ipv4View, Drop> parse(Bytes head, usize packet_size) noexcept {
    if (head.size() < min_len) return std::unexpected(Drop::ip4_truncated);
    const u8 first = load_u8(head.data());
    if (first >> 4 != 4) return std::unexpected(Drop::ip4_bad_version);  //= rfc1122#3.2.1.1 I10
    const usize header_len = (first & 0x0fu) * 4u;
    if (header_len < min_len || header_len > head.size()) return std::unexpected(Drop::ip4_bad_header_length);
    const usize total = load_be16(head.data() + 2);
    if (total < header_len || total > packet_size) return std::unexpected(Drop::ip4_bad_total_length);
    return Ipv4View(head.data(), std::min(total, head.size()), header_len);
  }
  [[nodiscard]] static Result<Ipv4View, Drop> parse(Bytes packet) noexcept { return parse(packet, packet.size()); }

  [[nodiscard]] bool checksum_ok() const noexcept { return csum_finish(csum_add(header())) == 0; }

  [[nodiscard]] u8 tos() const noexcept { return load_u8(p_ + 1); }
  [[nodiscard]] u8 dscp() const noexcept { return tos() >> 2; }
  [[nodiscard]] u8 ecn() const noexcept { return tos() & 3; }
  [[nodiscard]] u16 total_length() const noexcept { return load_be16(p_ + 2); }
  [[nodiscard]] u16 id() const noexcept { return load_be16(p_ + 4); }
  [[nodiscard]] bool reserved_flag() const noexcept { return (load_be16(p_ + 6) & 0x8000) != 0; }
  [[nodiscard]] bool dont_fragment() const noexcept { return (load_be16(p_ + 6) & 0x4000) != 0; }
  [[nodiscard]] bool more_fragments() const noexcept { return (load_be16(p_ + 6) & 0x2000) != 0; }
  [[nodiscard]] u16 fragment_offset() const noexcept {  // in bytes
    return static_cast<u16>((load_be16(p_ + 6) & 0x1fffu) * 8u);
  }
  [[nodiscard]] bool is_fragment() const noexcept { return (load_be16(p_ + 6) & 0x3fff) != 0; }
  [[nodiscard]] u8 ttl() const noexcept { return load_u8(p_ + 8); }
  [[nodiscard]] u8 protocol() const noexcept { return load_u8(p_ + 9); }
  [[nodiscard]] u16 checksum_raw() const noexcept { return load_raw<u16>(p_ + 10); }
  [[nodiscard]] Ip4Addr src() const noexcept { return Ip4Addr::load(p_ + 12); }
  [[nodiscard]] Ip4Addr dst() const noexcept { return Ip4Addr::load(p_ + 16); }
  [[nodiscard]] usize header_len() const noexcept { return header_len_; }
  [[nodiscard]] usize payload_len() const noexcept { return total_length() - header_len_; }  // as the header says
  [[nodiscard]] Bytes header() const noexcept { return {p_, header_len_}; }
  [[nodiscard]] Bytes options() const noexcept { return {p_ + min_len, header_len_ - min_len}; }
  // What of the payload lies in `head`, without what came after the total length.
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + header_len_, static_cast<usize>(len_ - header_len_)}; }
  [[nodiscard]] Bytes packet() const noexcept { return {p_, len_}; }

  [[nodiscard]] Ipv4Fields fields() const noexcept {
    return {tos(),
            static_cast<u16>(payload_len()),
            id(),
            dont_fragment(),
            more_fragments(),
            fragment_offset(),
            ttl(),
            protocol(),
            src(),
            dst(),
            options()};
  }

 private:
  Ipv4View(const std::byte* p, usize len, usize header_len) noexcept
      : p_(p), len_(static_cast<u32>(len)), header_len_(static_cast<u32>(header_len)) {}
  const std::byte* p_;
  u32 len_;
  u32 header_len_;
};

// Writes the header with its checksum; returns its length. header_len() + payload_len must fit in 65,535.
inline usize emit(const Ipv4Fields& f, MutBytes out) noexcept {
  const usize header_len = f.header_len();
  WEIR_ASSERT(header_len <= Ipv4View::max_len && out.size() >= header_len && header_len + f.payload_len <= 0xffff);
  WEIR_DASSERT(f.fragment_offset % 8 == 0);
  std::byte* p = out.data();
  store_u8(p, static_cast<u8>(0x40 | header_len / 4));
  store_u8(p + 1, f.tos);
  store_be16(p + 2, static_cast<u16>(header_len + f.payload_len));
  store_be16(p + 4, f.id);
  store_be16(p + 6, static_cast<u16>((f.dont_fragment ? 0x4000 : 0) | (f.more_fragments ? 0x2000 : 0) | f.fragment_offset / 8));
  store_u8(p + 8, f.ttl);
  store_u8(p + 9, f.protocol);
  store_be16(p + 10, 0);
  f.src.store(p + 12);
  f.dst.store(p + 16);
  copy_bytes(out.subspan(Ipv4View::min_len), f.options);
  std::memset(p + Ipv4View::min_len + f.options.size(), 0, header_len - Ipv4View::min_len - f.options.size());
  const u16 sum = csum_finish(csum_add(Bytes{p, header_len}));
  std::memcpy(p + 10, &sum, 2);
  return header_len;
}

}  // namespace weir::wire
