// TCP header: RFC 9293 3.1; AE flag: draft AccECN, the bit that was NS (RFC 8311). Options: wire/tcp_options.hpp.
#pragma once

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "base/seq.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

struct TcpFlags {
  u16 bits = 0;
  static constexpr u16 fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20, ece = 0x40, cwr = 0x80, ae = 0x100,
                       all = 0x1ff;
  [[nodiscard]] constexpr bool any(u16 mask) const noexcept { return (bits & mask) != 0; }
  [[nodiscard]] constexpr bool has(u16 mask) const noexcept { return (bits & mask) == mask; }
  [[nodiscard]] constexpr bool only(u16 mask, u16 ignore = psh) const noexcept { return (bits & ~ignore) == mask; }
  friend constexpr bool operator==(const TcpFlags&, const TcpFlags&) noexcept = default;
};

struct TcpFields {
  u16 src_port = 0, dst_port = 0;
  SeqNum seq{}, ack{};
  TcpFlags flags{};
  u16 window = 0;  // unscaled, as on the wire
  u16 urgent = 0;
  Bytes options{};  // a multiple of 4 bytes, at most 40: what emit_options() made

  friend bool operator==(const TcpFields& a, const TcpFields& b) noexcept {
    return a.src_port == b.src_port && a.dst_port == b.dst_port && a.seq == b.seq && a.ack == b.ack && a.flags == b.flags &&
           a.window == b.window && a.urgent == b.urgent && same_bytes(a.options, b.options);
  }
};

class TcpView {
 public:
  static constexpr usize min_len = 20, max_len = 60, checksum_at = 16;

  // `segment` holds at least the header with its options contiguously; of a sliced packet it may be only the beginning.
  [[nodiscard]] static Result<TcpView, Drop> parse(Bytes segment) noexcept {
    if (segment.size() < min_len) return std::unexpected(Drop::tcp_truncated);
    const usize header_len = (load_u8(segment.data() + 12) >> 4) * 4u;  // Data Offset
    if (header_len < min_len || header_len > segment.size()) return std::unexpected(Drop::tcp_bad_doff);
    return TcpView(segment.data(), segment.size(), header_len);
  }

  [[nodiscard]] u16 src_port() const noexcept { return load_be16(p_); }
  [[nodiscard]] u16 dst_port() const noexcept { return load_be16(p_ + 2); }
  [[nodiscard]] SeqNum seq() const noexcept { return {load_be32(p_ + 4)}; }
  [[nodiscard]] SeqNum ack() const noexcept { return {load_be32(p_ + 8)}; }
  [[nodiscard]] TcpFlags flags() const noexcept { return {static_cast<u16>(load_be16(p_ + 12) & TcpFlags::all)}; }
  [[nodiscard]] u8 reserved() const noexcept { return (load_u8(p_ + 12) >> 1) & 7; }
  [[nodiscard]] u16 window() const noexcept { return load_be16(p_ + 14); }  // unscaled, as on the wire
  [[nodiscard]] u16 checksum_raw() const noexcept { return load_raw<u16>(p_ + checksum_at); }
  [[nodiscard]] u16 urgent() const noexcept { return load_be16(p_ + 18); }
  [[nodiscard]] usize header_len() const noexcept { return header_len_; }
  [[nodiscard]] Bytes header() const noexcept { return {p_, header_len_}; }
  [[nodiscard]] Bytes options() const noexcept { return {p_ + min_len, header_len_ - min_len}; }
  [[nodiscard]] Bytes payload() const noexcept { return {p_ + header_len_, static_cast<usize>(len_ - header_len_)}; }
  [[nodiscard]] Bytes segment() const noexcept { return {p_, len_}; }
  [[nodiscard]] TcpFields fields() const noexcept { return {src_port(), dst_port(), seq(), ack(), flags(), window(), urgent(), options()}; }

 private:
  TcpView(const std::byte* p, usize len, usize header_len) noexcept
      : p_(p), len_(static_cast<u32>(len)), header_len_(static_cast<u32>(header_len)) {}
  const std::byte* p_;
  u32 len_;
  u32 header_len_;
};

// The checksum field is left 0; set_transport_checksum(.., TcpView::checksum_at, ..) or an offload fills it.
inline usize emit(const TcpFields& f, MutBytes out) noexcept {
  const usize header_len = TcpView::min_len + f.options.size();
  WEIR_ASSERT(f.options.size() % 4 == 0 && header_len <= TcpView::max_len && out.size() >= header_len);
  std::byte* p = out.data();
  store_be16(p, f.src_port);
  store_be16(p + 2, f.dst_port);
  store_be32(p + 4, f.seq.raw);
  store_be32(p + 8, f.ack.raw);
  store_be16(p + 12, static_cast<u16>(header_len << 10 | (f.flags.bits & TcpFlags::all)));
  store_be16(p + 14, f.window);
  store_be16(p + 16, 0);
  store_be16(p + 18, f.urgent);
  copy_bytes(out.subspan(TcpView::min_len), f.options);
  return header_len;
}

}  // namespace weir::wire
