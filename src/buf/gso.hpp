// Software segmentation of super-segments and completion of partial checksums: what a port that lacks the offload needs.
// RFC 9293 3.1 (checksum, sequence), RFC 3168 6.1.2 (CWR on the first segment only), RFC 6864 (IPv4 identification).
#pragma once

#include "buf/pool.hpp"

namespace weir::buf {

[[nodiscard]] inline bool is_super(const Packet& p) noexcept { return p.gso.segments > 1; }
// Length of its longest segment as an IP packet; of an ordinary packet, its own.
[[nodiscard]] inline u32 segment_ip_length(const Packet& p) noexcept {
  return is_super(p) ? static_cast<u32>(p.payload - p.l3) + p.gso.size : p.length - static_cast<u32>(p.l3 - p.head);
}

// Moves the headers [head, payload) into the packet's header block, so that they are its own. False when they do not
// fit there or the packet has more than the block could tell apart.
[[nodiscard]] bool headers_to_block(Pool& pool, PacketId id) noexcept;

// Takes segments off the front of a super-segment whose head, l3, l4 and payload are set. The new packets have copies of
// the headers and references to the payload. `finish`: checksums are computed; else they are left partial.
// Returns how many were made: as many as `out` and the pool have room for. The last one of all is the super-segment itself
// (its descriptor, with what it is charged to): it has been used up when out[n - 1] == super; else it is still there, a
// shorter super-segment or, when is_super() is false now, its own last segment, finished.
[[nodiscard]] u32 split(Pool& pool, PacketId super, std::span<PacketId> out, bool finish) noexcept;

// Stores the checksum of a packet whose checksum is partial. False when it cannot be written to.
[[nodiscard]] bool finish_checksum(Pool& pool, PacketId id) noexcept;

}  // namespace weir::buf
