// Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). Formats only: bytes go to a sink
// and come from a source, so nothing here opens a file. Times are nanoseconds since the epoch the caller chooses.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

namespace weir::wire {

enum class LinkType : u16 { ethernet = 1, raw_ip = 101 };  // others are kept as numbers
enum class Direction : u8 { unknown = 0, in = 1, out = 2 };

// Gets whole blocks or records; false stops the writer (a full disk), which then reports false to every call.
using CaptureSink = std::function<bool(Bytes)>;
// Fills as much as it has; 0 is the end.
using CaptureSource = std::function<usize(MutBytes)>;
[[nodiscard]] CaptureSource memory_source(Bytes all);  // borrows `all`

// One packet, to write or as read. The spans are borrowed.
struct CaptureRecord {
  u32 interface = 0;
  Instant time{};
  Bytes data{};
  u32 original_length = 0;  // on the wire; 0 in a record to write means data.size()
  Direction direction = Direction::unknown;
  Drop drop = Drop::none;  // written as the comment "drop: NAME"; not read back
  std::string_view comment{};
};

class PcapWriter {  // the classic format, nanosecond resolution, one link type
 public:
  explicit PcapWriter(CaptureSink sink, LinkType link = LinkType::ethernet, u32 snap_len = 262'144);
  bool write(const CaptureRecord& r);
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  bool flush();
  CaptureSink sink_;
  std::vector<std::byte> block_;
  u32 snap_len_;
  bool ok_ = true;
};

class PcapngWriter {
 public:
  explicit PcapngWriter(CaptureSink sink, std::string_view application = "weir", u32 snap_len = 262'144);
  // Returns the number that CaptureRecord::interface names it by.
  u32 add_interface(std::string_view name, LinkType link, std::string_view description = {});
  bool write(const CaptureRecord& r);
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  bool finish_block();
  CaptureSink sink_;
  std::vector<std::byte> block_;
  u32 snap_len_;
  u32 interfaces_ = 0;
  bool ok_ = true;
};

enum class CaptureError : u8 { not_a_capture, truncated, malformed, too_long };
[[nodiscard]] std::string_view text(CaptureError e) noexcept;

// Reads either format, in either byte order, whole or streaming. Never trusts a length: a block over max_block bytes is
// CaptureError::too_long.
//   CaptureReader reader(memory_source(bytes));
//   while (auto record = reader.next()) { if (!*record) break; use(**record); }
class CaptureReader {
 public:
  struct Interface {
    u16 link = 1;
    u32 snap_len = 0;
    u64 ticks_per_second = 1'000'000;
    i64 offset_s = 0;
    std::string name;
  };
  static constexpr usize max_block = 16u << 20, max_interfaces = 65'536;

  explicit CaptureReader(CaptureSource source);
  // The next packet; nothing at the end. The record lives until the next call. After an error the reader stays there.
  [[nodiscard]] Result<std::optional<CaptureRecord>, CaptureError> next();
  // Known once next() has returned a record: pcap has one, pcapng as many as were described so far.
  [[nodiscard]] const std::vector<Interface>& interfaces() const noexcept { return interfaces_; }
  // What interfaces()[r.interface].link is.
  [[nodiscard]] u16 link_type(const CaptureRecord& r) const noexcept { return interfaces_[r.interface].link; }

 private:
  using Next = Result<std::optional<CaptureRecord>, CaptureError>;
  enum class Format : u8 { unknown, pcap, pcapng };
  [[nodiscard]] Result<bool, CaptureError> fill(usize n);  // block_ gets exactly n more bytes; false at a clean end
  [[nodiscard]] Result<bool, CaptureError> open();
  [[nodiscard]] Result<bool, CaptureError> open_section();
  [[nodiscard]] Result<bool, CaptureError> read_block(u32& type);
  [[nodiscard]] Result<bool, CaptureError> on_interface(Bytes body);
  [[nodiscard]] Next on_enhanced(Bytes body);
  [[nodiscard]] Next on_simple(Bytes body);
  [[nodiscard]] Next next_pcap();
  [[nodiscard]] Next next_pcapng();
  template <class F>
  bool for_each_option(Bytes options, F&& f) const;
  [[nodiscard]] u16 u16_at(const std::byte* p) const noexcept;
  [[nodiscard]] u32 u32_at(const std::byte* p) const noexcept;

  CaptureSource source_;
  std::vector<std::byte> block_;
  std::vector<Interface> interfaces_;
  std::optional<CaptureError> failed_;
  Format format_ = Format::unknown;
  bool big_endian_ = false;
  bool nanoseconds_ = false;
};

}  // namespace weir::wire
