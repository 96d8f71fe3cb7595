// bench/frames.hpp
#include "bench/frames.hpp"

#include "base/checksum.hpp"

namespace weir::bench {

std::vector<std::byte> make_frame(const UdpFrame& f) {
  std::vector<std::byte> frame(f.frame_bytes);
  std::byte* const p = frame.data();
  const u16 ip_length = static_cast<u16>(f.frame_bytes - 14), udp_length = static_cast<u16>(ip_length - 20);
  for (usize i = 42; i < frame.size(); ++i) p[i] = static_cast<std::byte>(i);
  std::memcpy(p, f.dst_mac.b.data(), 6);
  std::memcpy(p + 6, f.src_mac.b.data(), 6);
  store_be16(p + 12, 0x0800);
  store_be16(p + 14, 0x4500);
  store_be16(p + 16, ip_length);
  store_be16(p + 20, 0x4000);  // don't fragment
  store_u8(p + 22, 64);
  store_u8(p + 23, 17);
  f.src.store(p + 26);
  f.dst.store(p + 30);
  const u16 check = csum_finish(csum_add({p + 14, 20}));
  std::memcpy(p + 24, &check, 2);
  store_be16(p + 34, f.src_port);
  store_be16(p + 36, f.dst_port);
  store_be16(p + 38, udp_length);
  const u64 pseudo = csum_pseudo4(load_raw<u32>(p + 26), load_raw<u32>(p + 30), 17, udp_length);
  const u16 udp_check = csum_finish(csum_add({p + 34, udp_length}, pseudo));
  std::memcpy(p + 40, &udp_check, 2);
  return frame;
}

Readdresser::Readdresser(Bytes frame) noexcept {
  for (usize i = 14; i < 34; i += 2)
    if (i != 24 && i < 26) rest_ += load_be16(frame.data() + i);
}

}  // namespace weir::bench
