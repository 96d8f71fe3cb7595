// Quantities as people write them: "1Gbit/s", "10ms", "0.1%", "64KiB". Nothing that cannot be read means anything: every
// parser takes the whole text or gives nothing.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace weir {

// A number and a unit: ns us ms s min h. "0" needs none.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text) noexcept;
// bit/s, kbit/s, Mbit/s, Gbit/s, or the same with B for bytes; powers of ten. Bits per second.
[[nodiscard]] std::optional<u64> parse_rate(std::string_view text) noexcept;
// Bytes: B, kB MB GB (powers of ten), KiB MiB GiB (powers of two); a bare number is bytes.
[[nodiscard]] std::optional<u64> parse_size(std::string_view text) noexcept;
// "0.1%" or "0.001": from 0 to 1.
[[nodiscard]] std::optional<double> parse_probability(std::string_view text) noexcept;

struct QueueLimit {
  u32 packets = 0;  // 0: no limit in packets
  u64 bytes = 0;    // 0: no limit in bytes
};
// "100pkt", or bytes as above.
[[nodiscard]] std::optional<QueueLimit> parse_queue(std::string_view text) noexcept;

}  // namespace weir
