#include "wire/mld.hpp"

namespace weir::wire {
namespace {
constexpr usize v1_len = 24, v2_query_len = 28, report_len = 8;
constexpr u32 query_interval_bits = 8, response_bits = 16;
}  // namespace

Result<MldQuery, Drop> MldQuery::parse(const Icmp6View& m) noexcept {
  const Bytes b = m.message();
  if (m.type() != icmp6::mld_query) return std::unexpected(Drop::icmp_unknown_type);
  // RFC 3810 8.1: 24 bytes is version 1, 28 and more version 2, all else is silently dropped.
  if (b.size() != v1_len && b.size() < v2_query_len) return std::unexpected(Drop::icmp_truncated);
  MldQuery q;
  q.group = Ip6Addr::load(b.data() + 8);
  if (b.size() == v1_len) {
    q.version = 1;
    q.max_response_ms = load_be16(b.data() + 4);
    return q;
  }
  const usize sources = load_be16(b.data() + 26) * usize{16};
  if (sources > b.size() - v2_query_len) return std::unexpected(Drop::icmp_truncated);
  const u8 flags = load_u8(b.data() + 24);
  q.max_response_ms = decode_float<response_bits>(load_be16(b.data() + 4));
  q.suppress = (flags & 8) != 0;
  q.robustness = flags & 7;
  q.interval_s = decode_float<query_interval_bits>(load_u8(b.data() + 25));
  q.sources = b.subspan(v2_query_len, sources);
  return q;
}

Result<Mld1Message, Drop> Mld1Message::parse(const Icmp6View& m) noexcept {
  if (m.type() != icmp6::mld1_report && m.type() != icmp6::mld1_done) return std::unexpected(Drop::icmp_unknown_type);
  if (m.message().size() < v1_len) return std::unexpected(Drop::icmp_truncated);
  return Mld1Message{Ip6Addr::load(m.message().data() + 8)};
}

Result<MldReport, Drop> MldReport::parse(const Icmp6View& m) noexcept {
  if (m.type() != icmp6::mld2_report) return std::unexpected(Drop::icmp_unknown_type);
  const auto records = GroupRecords<Ip6Addr>::parse(load_be16(m.message().data() + 6), m.body());
  if (!records) return std::unexpected(records.error());
  return MldReport{*records};
}

usize emit(const MldQuery& f, MutBytes out) noexcept {
  const bool is_v1 = f.version == 1;
  const usize len = is_v1 ? v1_len : v2_query_len + f.sources.size();
  WEIR_ASSERT(out.size() >= len && f.sources.size() % 16 == 0);
  std::byte* p = out.data();
  std::memset(p, 0, is_v1 ? v1_len : v2_query_len);
  store_u8(p, icmp6::mld_query);
  const u32 v1_delay = std::min<u32>(f.max_response_ms, 0xffff);
  store_be16(p + 4, static_cast<u16>(is_v1 ? v1_delay : encode_float<response_bits>(f.max_response_ms)));
  f.group.store(p + 8);
  if (is_v1) return len;
  store_u8(p + 24, static_cast<u8>((f.suppress ? 8u : 0u) | (f.robustness & 7u)));
  store_u8(p + 25, static_cast<u8>(encode_float<query_interval_bits>(f.interval_s)));
  store_be16(p + 26, static_cast<u16>(f.source_count()));
  copy_bytes(out.subspan(v2_query_len), f.sources);
  return len;
}

usize emit_mld1(u8 type, const Ip6Addr& group, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= v1_len);
  std::memset(out.data(), 0, v1_len);
  store_u8(out.data(), type);
  group.store(out.data() + 8);
  return v1_len;
}

usize emit_mld2_report(std::span<const GroupRecordFields<Ip6Addr>> records, MutBytes out) noexcept {
  WEIR_ASSERT(out.size() >= report_len && records.size() <= 0xffff);
  std::memset(out.data(), 0, report_len);
  store_u8(out.data(), icmp6::mld2_report);
  store_be16(out.data() + 6, static_cast<u16>(records.size()));
  usize n = report_len;
  for (const auto& r : records) n += emit(r, out.subspan(n));
  return n;
}

}  // namespace weir::wire
