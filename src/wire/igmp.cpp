#include "wire/igmp.hpp"

namespace weir::wire {
namespace {

constexpr usize v3_query_len = 12;
constexpr u32 code_bits = 8;
constexpr u32 ms_per_tenth = 100;       // Max Resp Time counts tenths of a second
constexpr u32 v1_response_ms = 10'000;  // RFC 3376 7.2.1

void set_checksum(MutBytes message) noexcept {
  store_be16(message.data() + IgmpView::checksum_at, 0);
  const u16 sum = csum_finish(csum_add(message));
  std::memcpy(message.data() + IgmpView::checksum_at, &sum, 2);
}

}  // namespace

Result<IgmpQuery, Drop> IgmpQuery::parse(const IgmpView& m) noexcept {
  const Bytes b = m.message();
  if (m.type() != igmp::query) return std::unexpected(Drop::icmp_unknown_type);
  // RFC 3376 7.1: 8 bytes is version 1 or 2, 12 and more version 3, all else is silently ignored.
  if (b.size() != IgmpView::min_len && b.size() < v3_query_len) return std::unexpected(Drop::icmp_truncated);
  const u8 code = load_u8(b.data() + 1);
  IgmpQuery q;
  q.group = m.group();
  if (b.size() == IgmpView::min_len) {
    q.version = code == 0 ? 1 : 2;
    q.max_response_ms = code == 0 ? v1_response_ms : code * ms_per_tenth;
    return q;
  }
  const usize sources = load_be16(b.data() + 10) * usize{4};
  if (sources > b.size() - v3_query_len) return std::unexpected(Drop::icmp_truncated);
  const u8 flags = load_u8(b.data() + 8);
  q.max_response_ms = decode_float<code_bits>(code) * ms_per_tenth;
  q.suppress = (flags & 8) != 0;
  q.robustness = flags & 7;
  q.interval_s = decode_float<code_bits>(load_u8(b.data() + 9));
  q.sources = b.subspan(v3_query_len, sources);
  return q;
}

Result<IgmpReport, Drop> IgmpReport::parse(const IgmpView& m) noexcept {
  if (m.type() != igmp::v3_report) return std::unexpected(Drop::icmp_unknown_type);
  const Bytes b = m.message();
  const auto records = GroupRecords<Ip4Addr>::parse(load_be16(b.data() + 6), b.subspan(IgmpView::min_len));
  if (!records) return std::unexpected(records.error());
  return IgmpReport{*records};
}

usize emit(const IgmpQuery& f, MutBytes out) noexcept {
  const bool is_v3 = f.version == 3;
  const usize len = is_v3 ? v3_query_len + f.sources.size() : IgmpView::min_len;
  WEIR_ASSERT(out.size() >= len && f.sources.size() % 4 == 0);
  const u32 tenths = f.max_response_ms / ms_per_tenth;
  const u32 code = is_v3 ? encode_float<code_bits>(tenths) : f.version == 1 ? 0u : std::min<u32>(tenths, 255);
  std::byte* p = out.data();
  store_u8(p, igmp::query);
  store_u8(p + 1, static_cast<u8>(code));
  f.group.store(p + 4);
  if (is_v3) {
    store_u8(p + 8, static_cast<u8>((f.suppress ? 8u : 0u) | (f.robustness & 7u)));
    store_u8(p + 9, static_cast<u8>(encode_float<code_bits>(f.interval_s)));
    store_be16(p + 10, static_cast<u16>(f.source_count()));
    copy_bytes(out.subspan(v3_query_len), f.sources);
  }
  set_checksum(out.first(len));
  return len;
}

usize emit_igmp(u8 type, Ip4Addr group, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= IgmpView::min_len);
  store_be16(out.data(), static_cast<u16>(type << 8));
  group.store(out.data() + 4);
  set_checksum(out.first(IgmpView::min_len));
  return IgmpView::min_len;
}

usize emit_igmp3_report(std::span<const GroupRecordFields<Ip4Addr>> records, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= IgmpView::min_len && records.size() <= 0xffff);
  std::memset(out.data(), 0, IgmpView::min_len);
  store_u8(out.data(), igmp::v3_report);
  store_be16(out.data() + 6, static_cast<u16>(records.size()));
  usize n = IgmpView::min_len;
  for (const auto& r : records) n += emit(r, out.subspan(n));
  set_checksum(out.first(n));
  return n;
}

}  // namespace weir::wire
