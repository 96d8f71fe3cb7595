// weir/buffer.hpp
#include "weir/buffer.hpp"

#include <algorithm>

#include "api/executor.hpp"
#include "shard/shard.hpp"

namespace weir {

Chunk& Chunk::operator=(Chunk&& o) noexcept {
  if (this == &o) return *this;
  clear();
  executor_ = std::move(o.executor_);
  lent_ = std::exchange(o.lent_, {});
  return *this;
}

// Where a buffer lies never changes: no need to be alone with the shard to find it.
Bytes Chunk::piece(u32 i) const noexcept { return executor_->pool().bytes(lent_.slices[i]); }

u32 Chunk::copy_to(MutBytes out) const noexcept {
  usize n = 0;
  for (const Bytes piece : *this) {
    const usize part = std::min(piece.size(), out.size() - n);
    std::memcpy(out.data() + n, piece.data(), part);
    n += part;
    if (n == out.size()) break;
  }
  return static_cast<u32>(n);
}

void Chunk::give_back() noexcept {
  executor_->enter([&](Shard& shard, Instant) { shard.return_lent(lent_); });
  lent_ = {};
}

MutBytes Buffer::piece(u32 i) noexcept {
  const Bytes b = memory_.piece(i);
  return {const_cast<std::byte*>(b.data()), b.size()};  // nobody else holds it
}

Chunk Buffer::commit(usize n) && {
  Lent kept, rest;
  const Lent& all = memory_.lent();
  usize left = std::min<usize>(n, all.bytes);
  for (u32 i = 0; i < all.n; ++i) {
    buf::Slice s = all.slices[i];
    Lent& to = left != 0 ? kept : rest;
    s.length = static_cast<u16>(std::min<usize>(s.length, left));
    left -= s.length;
    to.slices[to.n++] = s;
    to.bytes += s.length;
  }
  const auto executor = memory_.executor();
  memory_.release();
  if (rest.n != 0) executor->enter([&](Shard& shard, Instant) { shard.return_lent(rest); });
  return {executor, kept};
}

}  // namespace weir
