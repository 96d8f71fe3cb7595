#include <algorithm>
#include <limits>
#include <utility>

#include "wire/pcap.hpp"
#include "wire/pcap_format.hpp"

namespace weir::wire {
namespace {

__extension__ using i128 = __int128;  // ticks of any resolution to nanoseconds, without losing either end

constexpr i64 ns_per_s = 1'000'000'000;

Instant to_instant(u64 ticks, u64 per_second, i64 offset_s) noexcept {
  const i128 ns = static_cast<i128>(ticks / per_second) * ns_per_s +
                  static_cast<i128>(ticks % per_second) * ns_per_s / static_cast<i128>(per_second) + static_cast<i128>(offset_s) * ns_per_s;
  const i128 most = std::numeric_limits<i64>::max(), least = std::numeric_limits<i64>::min();
  return {static_cast<i64>(std::clamp(ns, least, most))};
}

// if_tsresol: 10^-n, or 2^-n with the highest bit set. 0 for a resolution that does not fit.
u64 ticks_per_second(u8 resolution) noexcept {
  const unsigned n = resolution & 0x7fu;
  if ((resolution & 0x80) != 0) return n < 64 ? u64{1} << n : 0;
  if (n > 19) return 0;
  u64 v = 1;
  for (unsigned i = 0; i < n; ++i) v *= 10;
  return v;
}

std::string_view as_text(Bytes b) noexcept { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

constexpr auto malformed = [] { return std::unexpected(CaptureError::malformed); };

}  // namespace

std::string_view text(CaptureError e) noexcept {
  switch (e) {
    case CaptureError::not_a_capture: return "neither a pcap nor a pcapng file";
    case CaptureError::truncated: return "ends within a record";
    case CaptureError::malformed: return "has a record whose lengths contradict each other";
    case CaptureError::too_long: return "has a record that is too long";
  }
  return "unknown error";
}

CaptureSource memory_source(Bytes all) {
  return [all](MutBytes into) mutable {
    const usize n = std::min(all.size(), into.size());
    std::copy_n(all.begin(), n, into.begin());
    all = all.subspan(n);
    return n;
  };
}

CaptureReader::CaptureReader(CaptureSource source) : source_(std::move(source)) {}

u16 CaptureReader::u16_at(const std::byte* p) const noexcept {
  return big_endian_ ? load_be16(p) : static_cast<u16>(load_u8(p) | load_u8(p + 1) << 8);
}

u32 CaptureReader::u32_at(const std::byte* p) const noexcept {
  return big_endian_ ? load_be32(p) : u16_at(p) | static_cast<u32>(u16_at(p + 2)) << 16;
}

Result<bool, CaptureError> CaptureReader::fill(usize n) {
  constexpr usize step = 64u << 10;  // a length that lies costs no more memory than there are bytes
  const usize begin = block_.size();
  const usize end = begin + n;
  while (block_.size() < end) {
    const usize at = block_.size();
    const usize want = std::min(step, end - at);
    block_.resize(at + want);
    const usize got = source_({block_.data() + at, want});
    block_.resize(at + std::min(got, want));
    if (got != 0) continue;
    if (at == begin) return false;
    return std::unexpected(CaptureError::truncated);
  }
  return true;
}

CaptureReader::Next CaptureReader::next() {
  if (failed_) return std::unexpected(*failed_);
  if (format_ == Format::unknown) {
    if (const auto opened = open(); !opened) return std::unexpected(*(failed_ = opened.error()));
  }
  auto record = format_ == Format::pcap ? next_pcap() : next_pcapng();
  if (!record) failed_ = record.error();
  return record;
}

Result<bool, CaptureError> CaptureReader::open() {
  const auto got = fill(4);
  if (!got || !*got) return std::unexpected(CaptureError::not_a_capture);
  const u32 magic = load_be32(block_.data());
  if (magic == pcapng::section_header) {
    format_ = Format::pcapng;
    return open_section();
  }
  const auto is = [&](u32 m) { return magic == m || std::byteswap(magic) == m; };
  if (!is(pcap::magic_us) && !is(pcap::magic_ns)) return std::unexpected(CaptureError::not_a_capture);
  big_endian_ = magic == pcap::magic_us || magic == pcap::magic_ns;
  nanoseconds_ = is(pcap::magic_ns);
  const auto rest = fill(pcap::file_header_len - 4);
  if (!rest || !*rest) return std::unexpected(CaptureError::truncated);
  format_ = Format::pcap;
  Interface only;
  only.snap_len = u32_at(block_.data() + 16);
  only.link = static_cast<u16>(u32_at(block_.data() + 20));  // the upper bits tell of an FCS
  interfaces_.push_back(only);
  return true;
}

CaptureReader::Next CaptureReader::next_pcap() {
  block_.clear();
  const auto header = fill(pcap::record_header_len);
  if (!header) return std::unexpected(header.error());
  if (!*header) return std::nullopt;
  const u32 seconds = u32_at(block_.data()), fraction = u32_at(block_.data() + 4);
  const u32 captured = u32_at(block_.data() + 8), original = u32_at(block_.data() + 12);
  if (captured > max_block) return std::unexpected(CaptureError::too_long);
  if (captured > 0) {
    const auto data = fill(captured);
    if (!data || !*data) return std::unexpected(CaptureError::truncated);
  }
  CaptureRecord r;
  r.time = {static_cast<i64>(seconds) * ns_per_s + static_cast<i64>(fraction) * (nanoseconds_ ? 1 : 1'000)};
  r.data = Bytes(block_).subspan(pcap::record_header_len, captured);
  r.original_length = original;
  return r;
}

// The block type has been read into block_: reads the rest of a section header, which tells the byte order.
Result<bool, CaptureError> CaptureReader::open_section() {
  const auto head = fill(8);  // length and magic
  if (!head || !*head) return std::unexpected(CaptureError::truncated);
  const u32 magic = load_be32(block_.data() + 8);
  big_endian_ = magic == pcapng::byte_order_magic;
  if (!big_endian_ && std::byteswap(magic) != pcapng::byte_order_magic) return malformed();
  const u32 total = u32_at(block_.data() + 4);
  if (total > max_block) return std::unexpected(CaptureError::too_long);
  if (total < 28 || total % 4 != 0) return malformed();
  const auto rest = fill(total - 12);
  if (!rest || !*rest) return std::unexpected(CaptureError::truncated);
  if (u32_at(block_.data() + total - 4) != total) return malformed();
  if (u16_at(block_.data() + 12) != 1) return malformed();  // major version
  interfaces_.clear();
  return true;
}

// Reads the next block that is not a section header into block_; false at the end.
Result<bool, CaptureError> CaptureReader::read_block(u32& type) {
  for (;;) {
    block_.clear();
    const auto head = fill(4);
    if (!head || !*head) return head;
    type = u32_at(block_.data());
    if (type != pcapng::section_header) break;
    if (const auto section = open_section(); !section) return section;
  }
  if (const auto len = fill(4); !len || !*len) return std::unexpected(CaptureError::truncated);
  const u32 total = u32_at(block_.data() + 4);
  if (total > max_block) return std::unexpected(CaptureError::too_long);
  if (total < pcapng::block_overhead || total % 4 != 0) return malformed();
  const auto rest = fill(total - 8);
  if (!rest || !*rest) return std::unexpected(CaptureError::truncated);
  if (u32_at(block_.data() + total - 4) != total) return malformed();
  return true;
}

CaptureReader::Next CaptureReader::next_pcapng() {
  for (;;) {
    u32 type = 0;
    const auto more = read_block(type);
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::nullopt;
    const Bytes body = Bytes(block_).subspan(8, block_.size() - pcapng::block_overhead);
    if (type == pcapng::enhanced_packet) return on_enhanced(body);
    if (type == pcapng::simple_packet) return on_simple(body);
    if (type != pcapng::interface_description) continue;
    if (const auto known = on_interface(body); !known) return std::unexpected(known.error());
  }
}

// f(code, value) for each option; stops at the end of the list or where it does not fit.
template <class F>
bool CaptureReader::for_each_option(Bytes o, F&& f) const {
  while (o.size() >= 4) {
    const u16 code = u16_at(o.data());
    const usize len = u16_at(o.data() + 2), padded = (len + 3) & ~usize{3};
    if (code == pcapng::end_of_options) return true;
    if (padded > o.size() - 4) return false;
    f(code, o.subspan(4, len));
    o = o.subspan(4 + padded);
  }
  return o.empty();
}

Result<bool, CaptureError> CaptureReader::on_interface(Bytes body) {
  if (body.size() < 8 || interfaces_.size() >= max_interfaces) return malformed();
  Interface i;
  i.link = u16_at(body.data());
  i.snap_len = u32_at(body.data() + 4);
  const bool whole = for_each_option(body.subspan(8), [&](u16 code, Bytes v) {
    if (code == pcapng::if_name) i.name = as_text(v);
    if (code == pcapng::if_tsresol && v.size() == 1) i.ticks_per_second = ticks_per_second(load_u8(v.data()));
    if (code != pcapng::if_tsoffset || v.size() != 8) return;
    const u64 first = u32_at(v.data()), second = u32_at(v.data() + 4);
    i.offset_s = static_cast<i64>(big_endian_ ? first << 32 | second : second << 32 | first);
  });
  if (!whole || i.ticks_per_second == 0) return malformed();
  interfaces_.push_back(std::move(i));
  return true;
}

CaptureReader::Next CaptureReader::on_enhanced(Bytes body) {
  constexpr usize fixed = 20;
  if (body.size() < fixed) return malformed();
  CaptureRecord r;
  r.interface = u32_at(body.data());
  const u64 ticks = static_cast<u64>(u32_at(body.data() + 4)) << 32 | u32_at(body.data() + 8);
  const usize captured = u32_at(body.data() + 12), padded = (captured + 3) & ~usize{3};
  r.original_length = u32_at(body.data() + 16);
  if (r.interface >= interfaces_.size() || padded > body.size() - fixed) return malformed();
  r.data = body.subspan(fixed, captured);
  const Interface& i = interfaces_[r.interface];
  r.time = to_instant(ticks, i.ticks_per_second, i.offset_s);
  for_each_option(body.subspan(fixed + padded), [&](u16 code, Bytes v) {
    if (code == pcapng::comment && r.comment.empty()) r.comment = as_text(v);
    if (code != pcapng::packet_flags || v.size() != 4) return;
    const u32 direction = u32_at(v.data()) & pcapng::direction_mask;
    r.direction = direction == 1 ? Direction::in : direction == 2 ? Direction::out : Direction::unknown;
  });
  return r;
}

// Belongs to the first interface, has no time, and its length is the least of three.
CaptureReader::Next CaptureReader::on_simple(Bytes body) {
  if (body.size() < 4 || interfaces_.empty()) return malformed();
  CaptureRecord r;
  r.original_length = u32_at(body.data());
  const usize snap_len = interfaces_[0].snap_len == 0 ? max_block : interfaces_[0].snap_len;
  const usize captured = std::min<usize>(r.original_length, snap_len);
  if (captured > body.size() - 4) return malformed();
  r.data = body.subspan(4, captured);
  return r;
}

}  // namespace weir::wire
