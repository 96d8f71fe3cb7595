// IGMP: v1 (RFC 1112 App. I), v2 (RFC 2236), v3 (RFC 3376). TTL 1 and the router alert are checked by the caller.
#pragma once

#include "base/checksum.hpp"
#include "wire/group_records.hpp"

namespace weir::wire {

namespace igmp {
inline constexpr u8 query = 0x11, v1_report = 0x12, v2_report = 0x16, v2_leave = 0x17, v3_report = 0x22;
}  // namespace igmp

class IgmpView {
 public:
  static constexpr usize min_len = 8, checksum_at = 2;

  [[nodiscard]] static Result<IgmpView, Drop> parse(Bytes message) noexcept {
    if (message.size() < min_len) return std::unexpected(Drop::icmp_truncated);
    return IgmpView(message);
  }
  [[nodiscard]] bool checksum_ok() const noexcept { return csum_finish(csum_add(m_)) == 0; }
  [[nodiscard]] u8 type() const noexcept { return load_u8(m_.data()); }
  [[nodiscard]] Ip4Addr group() const noexcept { return Ip4Addr::load(m_.data() + 4); }  // not of a v3 report
  [[nodiscard]] Bytes message() const noexcept { return m_; }

 private:
  explicit IgmpView(Bytes m) noexcept : m_(m) {}
  Bytes m_;
};

struct IgmpQuery {
  u8 version = 3;           // RFC 3376 7.1: by length and Max Resp Code
  u32 max_response_ms = 0;  // decoded; of v1, 10 s
  Ip4Addr group{};          // 0.0.0.0: general query
  bool suppress = false;    // S
  u8 robustness = 0;        // QRV
  u32 interval_s = 0;       // QQIC, decoded
  Bytes sources{};          // 4 bytes each
  [[nodiscard]] usize source_count() const noexcept { return sources.size() / 4; }
  [[nodiscard]] Ip4Addr source(usize i) const noexcept { return Ip4Addr::load(sources.subspan(i * 4, 4).data()); }
  [[nodiscard]] static Result<IgmpQuery, Drop> parse(const IgmpView& m) noexcept;
};

// IGMPv3 report. Once parsed, all records are whole.
struct IgmpReport {
  GroupRecords<Ip4Addr> records{};
  [[nodiscard]] static Result<IgmpReport, Drop> parse(const IgmpView& m) noexcept;
};

// Whole messages with checksum. Each returns its length.
usize emit(const IgmpQuery& f, MutBytes out) noexcept;
usize emit_igmp(u8 type, Ip4Addr group, MutBytes out) noexcept;  // v1_report, v2_report, v2_leave
usize emit_igmp3_report(std::span<const GroupRecordFields<Ip4Addr>> records, MutBytes out) noexcept;

}  // namespace weir::wire
