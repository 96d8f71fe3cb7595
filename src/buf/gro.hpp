// Receive offload in software: in-order TCP segments of one flow become one super-segment, so that TCP runs once for all.
#pragma once

#include "buf/pool.hpp"

namespace weir::buf {

// Appends the payload of `next` to `head` and releases `next`, if both are TCP segments of the same flow whose checksums
// are known to be good, `next` begins where `head` ends and differs from it in nothing but sequence number, length,
// checksum, IPv4 identification, and PSH or FIN, which end the run. At most 64 KiB. Needs head, l3, l4, family; keeps gso
// (size, segments), the PSH and FIN bits and the IP length of `head` up to date, but not its IP and TCP checksums.
// False: nothing has changed.
//   if (!gro_try_merge(pool, run, id)) { receive(run); run = id; }
[[nodiscard]] bool gro_try_merge(Pool& pool, PacketId head, PacketId next) noexcept;

}  // namespace weir::buf
