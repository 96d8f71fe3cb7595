// Both formats are written little-endian, whatever the machine, so that equal runs give equal files.
#include <algorithm>
#include <limits>
#include <utility>

#include "wire/pcap.hpp"
#include "wire/pcap_format.hpp"

namespace weir::wire {
namespace {

using Block = std::vector<std::byte>;

template <class T>
void put(Block& b, T v) {
  for (usize i = 0; i < sizeof(T); ++i) b.push_back(static_cast<std::byte>((v >> (8 * i)) & 0xff));
}

void put_bytes(Block& b, Bytes v) { b.insert(b.end(), v.begin(), v.end()); }
void put_padding(Block& b) { b.resize((b.size() + 3) & ~usize{3}); }

void put_option(Block& b, u16 code, Bytes value) {
  put<u16>(b, code);
  put<u16>(b, static_cast<u16>(value.size()));
  put_bytes(b, value);
  put_padding(b);
}

void put_text(Block& b, u16 code, std::string_view text) {
  if (!text.empty()) put_option(b, code, std::as_bytes(std::span(text.substr(0, 0xffff))));
}

void begin_block(Block& b, u32 type) {
  b.clear();
  put<u32>(b, type);
  put<u32>(b, 0);  // total length, known at the end
}

u32 original_length(const CaptureRecord& r) { return r.original_length != 0 ? r.original_length : static_cast<u32>(r.data.size()); }

constexpr i64 ns_per_s = 1'000'000'000;

}  // namespace

PcapWriter::PcapWriter(CaptureSink sink, LinkType link, u32 snap_len) : sink_(std::move(sink)), snap_len_(snap_len) {
  put<u32>(block_, pcap::magic_ns);
  put<u16>(block_, 2);  // version 2.4
  put<u16>(block_, 4);
  put<u32>(block_, 0);
  put<u32>(block_, 0);
  put<u32>(block_, snap_len);
  put<u32>(block_, static_cast<u32>(link));
  flush();
}

bool PcapWriter::flush() {
  ok_ = ok_ && sink_(block_);
  return ok_;
}

bool PcapWriter::write(const CaptureRecord& r) {
  if (!ok_) return false;
  const Bytes data = r.data.first(std::min<usize>(r.data.size(), snap_len_));
  const i64 ns = std::max<i64>(r.time.ns, 0);
  block_.clear();
  put<u32>(block_, static_cast<u32>(std::min<i64>(ns / ns_per_s, std::numeric_limits<u32>::max())));
  put<u32>(block_, static_cast<u32>(ns % ns_per_s));
  put<u32>(block_, static_cast<u32>(data.size()));
  put<u32>(block_, original_length(r));
  put_bytes(block_, data);
  return flush();
}

PcapngWriter::PcapngWriter(CaptureSink sink, std::string_view application, u32 snap_len) : sink_(std::move(sink)), snap_len_(snap_len) {
  begin_block(block_, pcapng::section_header);
  put<u32>(block_, pcapng::byte_order_magic);
  put<u16>(block_, 1);  // version 1.0
  put<u16>(block_, 0);
  put<u64>(block_, ~u64{0});  // the section's length is not known
  put_text(block_, pcapng::section_application, application);
  put_option(block_, pcapng::end_of_options, {});
  finish_block();
}

bool PcapngWriter::finish_block() {
  const u32 total = static_cast<u32>(block_.size() + 4);
  for (usize i = 0; i < 4; ++i) block_[4 + i] = static_cast<std::byte>((total >> (8 * i)) & 0xff);
  put<u32>(block_, total);
  ok_ = ok_ && sink_(block_);
  return ok_;
}

u32 PcapngWriter::add_interface(std::string_view name, LinkType link, std::string_view description) {
  constexpr std::byte nanoseconds{9};
  begin_block(block_, pcapng::interface_description);
  put<u16>(block_, static_cast<u16>(link));
  put<u16>(block_, 0);
  put<u32>(block_, snap_len_);
  put_text(block_, pcapng::if_name, name);
  put_text(block_, pcapng::if_description, description);
  put_option(block_, pcapng::if_tsresol, {&nanoseconds, 1});
  put_option(block_, pcapng::end_of_options, {});
  finish_block();
  return interfaces_++;
}

bool PcapngWriter::write(const CaptureRecord& r) {
  if (!ok_ || r.interface >= interfaces_) return false;
  const Bytes data = r.data.first(std::min<usize>(r.data.size(), snap_len_));
  const auto ns = static_cast<u64>(std::max<i64>(r.time.ns, 0));
  begin_block(block_, pcapng::enhanced_packet);
  put<u32>(block_, r.interface);
  put<u32>(block_, static_cast<u32>(ns >> 32));
  put<u32>(block_, static_cast<u32>(ns));
  put<u32>(block_, static_cast<u32>(data.size()));
  put<u32>(block_, original_length(r));
  put_bytes(block_, data);
  put_padding(block_);
  put_text(block_, pcapng::comment, r.comment);
  if (r.drop != Drop::none) put_text(block_, pcapng::comment, "drop: " + std::string(name(r.drop)));
  if (r.direction != Direction::unknown) {
    const std::byte flags[4] = {static_cast<std::byte>(r.direction), {}, {}, {}};
    put_option(block_, pcapng::packet_flags, flags);
  }
  put_option(block_, pcapng::end_of_options, {});
  return finish_block();
}

}  // namespace weir::wire
