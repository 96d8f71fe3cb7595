// Frames that null devices make.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"

namespace weir::bench {

struct UdpFrame {
  MacAddr src_mac, dst_mac;
  Ip4Addr src, dst;
  u16 src_port = 9, dst_port = 9;
  u16 frame_bytes = 60;  // without the 4 of the frame check sequence
};

// A UDP datagram over IPv4 and Ethernet, checksums in place.
[[nodiscard]] std::vector<std::byte> make_frame(const UdpFrame& f);

// Writes new IPv4 addresses into a frame made from a template, and the header checksum that goes with them.
class Readdresser {
 public:
  explicit Readdresser(Bytes frame) noexcept;
  void operator()(MutBytes frame, Ip4Addr src, Ip4Addr dst) const noexcept {
    src.store(frame.data() + 26);
    dst.store(frame.data() + 30);
    u64 sum = rest_ + (src.host >> 16) + (src.host & 0xffff) + (dst.host >> 16) + (dst.host & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(frame.data() + 24, static_cast<u16>(~sum));
  }

 private:
  u64 rest_ = 0;  // sum of the header's other words
};

}  // namespace weir::bench
