// buf/join.hpp
#include "buf/join.hpp"

namespace weir::buf {
namespace {

// Bytes in a header block belong to the descriptor: they need a buffer of their own.
bool append_copy(Pool& pool, PacketId to, Bytes bytes) noexcept {
  const BufferId b = pool.alloc_small();
  if (b == BufferId::none) return false;
  std::memcpy(pool.data(b), bytes.data(), bytes.size());
  return pool.append(to, {b, 0, static_cast<u16>(bytes.size())});
}

}  // namespace

bool join(Pool& pool, PacketId to, PacketId from) noexcept {
  const u32 before = pool[to].length;
  const Packet& p = pool[from];
  bool ok = true;
  if (p.inline_end > p.head) ok = append_copy(pool, to, {pool.header_block(from) + p.head, static_cast<usize>(p.inline_end - p.head)});
  pool.for_each_slice(from, [&](Slice& s) {
    if (!ok || s.length == 0) return;
    pool.ref(s.buffer);
    ok = pool.append(to, s);
  });
  if (!ok) pool.trim_to(to, before);
  else pool.release(from);
  return ok;
}

}  // namespace weir::buf
