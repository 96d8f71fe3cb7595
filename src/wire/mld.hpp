// Multicast listener discovery: MLDv1 (RFC 2710) and MLDv2 (RFC 3810 5). That the source is link-local, the hop limit 1
// and a router alert present is checked by the caller: they lie outside of the message.
#pragma once

#include "wire/group_records.hpp"
#include "wire/icmp6.hpp"

namespace weir::wire {

struct MldQuery {
  u8 version = 2;           // 1 when the message is 24 bytes long (RFC 3810 8.1)
  u32 max_response_ms = 0;  // decoded
  Ip6Addr group{};          // ::: general query
  bool suppress = false;    // S
  u8 robustness = 0;        // QRV
  u32 interval_s = 0;       // QQIC, decoded
  Bytes sources{};          // 16 bytes each
  [[nodiscard]] usize source_count() const noexcept { return sources.size() / 16; }
  [[nodiscard]] Ip6Addr source(usize i) const noexcept { return Ip6Addr::load(sources.subspan(i * 16, 16).data()); }
  [[nodiscard]] static Result<MldQuery, Drop> parse(const Icmp6View& m) noexcept;
};

// MLDv1 report or done.
struct Mld1Message {
  Ip6Addr group{};
  [[nodiscard]] static Result<Mld1Message, Drop> parse(const Icmp6View& m) noexcept;
};

// MLDv2 report. Once parsed, all records are whole.
struct MldReport {
  GroupRecords<Ip6Addr> records{};
  [[nodiscard]] static Result<MldReport, Drop> parse(const Icmp6View& m) noexcept;
};

// Messages with checksum 0, to be completed with set_transport_checksum(). Each returns its length.
usize emit(const MldQuery& f, MutBytes out) noexcept;
usize emit_mld1(u8 type, const Ip6Addr& group, MutBytes out) noexcept;  // icmp6::mld1_report or mld1_done
usize emit_mld2_report(std::span<const GroupRecordFields<Ip6Addr>> records, MutBytes out) noexcept;

}  // namespace weir::wire
