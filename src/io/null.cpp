// io/null.hpp
#include "io/null.hpp"

namespace weir::io {

using buf::PacketId;
using buf::Pool;

PacketId Null::make(Pool& pool) noexcept {
  const PacketId id = config_.ring ? config_.ring->pop() : PacketId::none;
  if (id == PacketId::none) return pool.from_bytes(config_.frame);
  // The same descriptor and buffer again, as if a device had just filled them.
  buf::Packet& p = pool[id];
  const buf::BufferId buffer = p.slices[0].buffer;
  const bool plain = p.inline_end == 0 && p.slices_n == 1 && p.overflow == 0 && pool.refs(buffer) == 1;
  if (!plain) {
    pool.release(id);
    return pool.from_bytes(config_.frame);
  }
  new (&p) buf::Packet{};
  const u16 n = static_cast<u16>(config_.frame.size());
  p.slices[0] = {buffer, Pool::headroom, n};
  p.slices_n = 1;
  p.head = Pool::headroom;
  p.length = n;
  std::memcpy(pool.data(buffer) + Pool::headroom, config_.frame.data(), n);
  return id;
}

u32 Null::receive(Pool& pool, std::span<PacketId> out, u32 max_bytes, Instant) noexcept {
  u32 n = 0, total = 0;
  for (; n < out.size() && total < max_bytes && !exhausted(); ++n) {
    out[n] = make(pool);
    if (out[n] == PacketId::none) {
      ++stats_.rx_dropped;
      break;
    }
    if (config_.touch != nullptr)
      config_.touch(config_.self, {pool.at(out[n], pool[out[n]].head), config_.frame.size()}, stats_.rx_packets);
    total += pool[out[n]].length;
    ++stats_.rx_packets;
  }
  stats_.rx_bytes += total;
  return n;
}

u32 Null::send(Pool& pool, std::span<const PacketId> packets, Instant) noexcept {
  for (PacketId id : packets) {
    stats_.tx_bytes += pool[id].length;
    if (config_.ring && !config_.ring->push(id)) pool.release(id);
  }
  stats_.tx_packets += packets.size();
  return static_cast<u32>(packets.size());
}

void Null::release(Pool& pool) noexcept {
  if (!config_.ring) return;
  for (PacketId id; (id = config_.ring->pop()) != PacketId::none;) pool.release(id);
}

}  // namespace weir::io
