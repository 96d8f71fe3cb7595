// ARP for IPv4 over Ethernet (RFC 826; probes and announcements: RFC 5227).
#pragma once

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

enum class ArpOp : u16 { request = 1, reply = 2 };

struct ArpFields {
  ArpOp op = ArpOp::request;
  MacAddr sender_mac{};
  Ip4Addr sender_ip{};
  MacAddr target_mac{};
  Ip4Addr target_ip{};
  friend constexpr bool operator==(const ArpFields&, const ArpFields&) noexcept = default;
};

class ArpView {
 public:
  static constexpr usize len = 28;

  // Only what weir can answer: Ethernet, IPv4, request or reply. RARP and the rest are not ours (RFC 826 "?Do I have").
  [[nodiscard]] static Result<ArpView, Drop> parse(Bytes packet) noexcept {
    if (packet.size() < 8) return std::unexpected(Drop::arp_truncated);
    const std::byte* p = packet.data();
    const bool ethernet_ip4 = load_be16(p) == 1 && load_be16(p + 2) == ethertype::ipv4 && load_be16(p + 4) == 0x0604;
    const u16 op = load_be16(p + 6);
    if (!ethernet_ip4 || (op != 1 && op != 2)) return std::unexpected(Drop::arp_bad_type);
    if (packet.size() < len) return std::unexpected(Drop::arp_truncated);
    return ArpView(p);
  }

  [[nodiscard]] ArpOp op() const noexcept { return static_cast<ArpOp>(load_be16(p_ + 6)); }
  [[nodiscard]] MacAddr sender_mac() const noexcept { return load_raw<MacAddr>(p_ + 8); }
  [[nodiscard]] Ip4Addr sender_ip() const noexcept { return Ip4Addr::load(p_ + 14); }
  [[nodiscard]] MacAddr target_mac() const noexcept { return load_raw<MacAddr>(p_ + 18); }
  [[nodiscard]] Ip4Addr target_ip() const noexcept { return Ip4Addr::load(p_ + 24); }
  // RFC 5227 1.1.
  [[nodiscard]] bool is_probe() const noexcept { return op() == ArpOp::request && sender_ip().is_any(); }
  [[nodiscard]] bool is_announcement() const noexcept { return sender_ip() == target_ip() && !sender_ip().is_any(); }
  [[nodiscard]] ArpFields fields() const noexcept { return {op(), sender_mac(), sender_ip(), target_mac(), target_ip()}; }

 private:
  explicit ArpView(const std::byte* p) noexcept : p_(p) {}
  const std::byte* p_;
};

inline usize emit(const ArpFields& f, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= ArpView::len);
  std::byte* p = out.data();
  store_be16(p, 1);
  store_be16(p + 2, ethertype::ipv4);
  store_be16(p + 4, 0x0604);
  store_be16(p + 6, static_cast<u16>(f.op));
  std::memcpy(p + 8, f.sender_mac.b.data(), 6);
  f.sender_ip.store(p + 14);
  std::memcpy(p + 18, f.target_mac.b.data(), 6);
  f.target_ip.store(p + 24);
  return ArpView::len;
}

}  // namespace weir::wire
