// UDP: RFC 768, RFC 1122 4.1. The checksum is checked by the caller (wire/transport_checksum.hpp) or the device.
#pragma once

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

struct UdpFields {
  u16 src_port = 0, dst_port = 0;
  u16 payload_len = 0;
  friend constexpr bool operator==(const UdpFields&, const UdpFields&) noexcept = default;
};

class UdpView {
 public:
  static constexpr usize header_len = 8, checksum_at = 6;

  // `head` holds at least the header and is the beginning of an IP payload of ip_payload_size bytes. Bytes beyond the
  // UDP length are not delivered (RFC 768 gives them no meaning).
  [[nodiscard]] static Result<UdpView, Drop> parse(Bytes head, usize ip_payload_size) noexcept {
    if (head.size() < header_len) return std::unexpected(Drop::udp_truncated);
    const usize len = load_be16(head.data() + 4);
    if (len < header_len || len > ip_payload_size) return std::unexpected(Drop::udp_bad_length);
    return UdpView(head.data(), std::min(len, head.size()));
  }
  [[nodiscard]] static Result<UdpView, Drop> parse(Bytes datagram) noexcept { return parse(datagram, datagram.size()); }

  [[nodiscard]] u16 src_port() const noexcept { return load_be16(p_); }
  [[nodiscard]] u16 dst_port() const noexcept { return load_be16(p_ + 2); }
  [[nodiscard]] u16 length() const noexcept { return load_be16(p_ + 4); }
  [[nodiscard]] u16 checksum_raw() const noexcept { return load_raw<u16>(p_ + checksum_at); }
  [[nodiscard]] bool has_checksum() const noexcept { return checksum_raw() != 0; }
  [[nodiscard]] Bytes datagram() const noexcept { return {p_, len_}; }  // header and payload: what is summed
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + header_len, len_ - header_len}; }
  [[nodiscard]] UdpFields fields() const noexcept { return {src_port(), dst_port(), static_cast<u16>(length() - header_len)}; }

 private:
  UdpView(const std::byte* p, usize len) noexcept : p_(p), len_(len) {}
  const std::byte* p_;
  usize len_;
};

// The checksum field is left 0; set_transport_checksum(.., UdpView::checksum_at, ..) or an offload fills it.
inline usize emit(const UdpFields& f, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= UdpView::header_len && f.payload_len <= 0xffff - UdpView::header_len);
  store_be16(out.data(), f.src_port);
  store_be16(out.data() + 2, f.dst_port);
  store_be16(out.data() + 4, static_cast<u16>(f.payload_len + UdpView::header_len));
  store_be16(out.data() + 6, 0);
  return UdpView::header_len;
}

}  // namespace weir::wire
