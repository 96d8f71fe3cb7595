// The driver's end of a port: packets are pulled, and finished in the moment they leave, as far as the port cannot.
#include "buf/gso.hpp"
#include "graph/core.hpp"
#include "graph/for_each.hpp"

namespace weir::graph {
namespace {

using buf::PacketId;

// Segments of the super-segment at hand into out; what is left of it goes back to the head of the queue.
u32 pull_segments(Core& core, Interface& port, PacketId id, std::span<PacketId> out) {
  const u32 n = buf::split(core.pool, id, out, !port.config.offload.tx_checksum);
  if (n == 0) {
    core.drop(id, Drop::no_buffer);
    return 0;
  }
  if (out[n - 1] != id) port.tx.push_front(core.pool, id);
  return n;
}

inline bool needs_finish(const buf::Packet& p) noexcept { return p.csum.kind == buf::CsumKind::partial || p.gso.segments > 1; }

}  // namespace

u32 pull(Core& core, Interface& port, std::span<PacketId> out, u32 max_bytes) {
  u32 n = 0;
  u64 bytes = 0;
  while (n < out.size() && bytes < max_bytes && !port.tx.empty()) {
    const PacketId id = port.tx.pop(core.pool);
    const buf::Packet& p = core.pool[id];
    u32 made = 1;
    if (needs_finish(p)) {
      if (buf::is_super(p) && !port.config.offload.tso) {
        made = pull_segments(core, port, id, out.subspan(n));
      } else {
        if (!port.config.offload.tx_checksum && !buf::finish_checksum(core.pool, id)) {
          core.drop(id, Drop::no_buffer);
          continue;
        }
        out[n] = id;
      }
    } else {
      out[n] = id;
    }
    for (u32 k = 0; k < made; ++k) bytes += core.pool[out[n + k]].length;
    n += made;
  }
  port.stats.tx_packets += n;
  port.stats.tx_bytes += bytes;
  const u32 seen = std::min(n, port.returned);
  port.returned -= seen;
  if (!core.taps.empty()) [[unlikely]]
    for (u32 i = seen; i < n; ++i) core.tap(port.index, true, out[i], Drop::none);
  return n;
}

}  // namespace weir::graph
