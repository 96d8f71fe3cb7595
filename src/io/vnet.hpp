// The header that TAP and AF_PACKET put before each frame (virtio 1.2, 5.1.6; linux/virtio_net.h): checksums still to be
// made or already checked, and super-segments, to and from what a Packet says of them.
#pragma once

#include "buf/pool.hpp"

namespace weir::io {

struct VnetHeader {
  static constexpr u8 needs_csum = 1, data_valid = 2;                       // flags
  static constexpr u8 gso_none = 0, gso_tcp4 = 1, gso_tcp6 = 4, gso_udp_l4 = 5, gso_ecn = 0x80;  // gso_type
  u8 flags = 0;
  u8 gso_type = gso_none;
  u16 hdr_len = 0;   // of all headers of a super-segment; a hint in what we receive
  u16 gso_size = 0;
  u16 csum_start = 0;   // from the frame's first byte
  u16 csum_offset = 0;  // from csum_start
  friend constexpr bool operator==(const VnetHeader&, const VnetHeader&) noexcept = default;
};
static_assert(sizeof(VnetHeader) == 10);

// Of a packet about to be sent, from its Csum and Gso (Packet::head is the frame's first byte).
[[nodiscard]] VnetHeader vnet_of(buf::Pool& pool, buf::PacketId id) noexcept;

// Sets Csum and Gso of a received frame. A partial checksum came from this machine and needs no check, but must be
// completed before the packet leaves it. False: the header contradicts the frame.
[[nodiscard]] bool apply_vnet(const VnetHeader& h, buf::Pool& pool, buf::PacketId id) noexcept;

}  // namespace weir::io
