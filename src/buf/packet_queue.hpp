// An intrusive FIFO of packets, linked through Packet::next. Holds nothing of its own.
#pragma once

#include "buf/pool.hpp"

namespace weir::buf {

class PacketQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] u32 size() const noexcept { return n_; }
  [[nodiscard]] u64 bytes() const noexcept { return bytes_; }
  [[nodiscard]] PacketId front() const noexcept { return n_ != 0 ? head_ : PacketId::none; }

  void push(Pool& pool, PacketId id) noexcept {
    if (n_ == 0) head_ = id;
    else pool[tail_].next = static_cast<u32>(id);
    tail_ = id;
    ++n_;
    bytes_ += pool[id].length;
  }
  void push_front(Pool& pool, PacketId id) noexcept {
    if (n_ == 0) tail_ = id;
    else pool[id].next = static_cast<u32>(head_);
    head_ = id;
    ++n_;
    bytes_ += pool[id].length;
  }
  // The queue must not be empty. A packet must not change its length while it is queued.
  [[nodiscard]] PacketId pop(Pool& pool) noexcept {
    WEIR_DASSERT(n_ != 0);
    const PacketId id = head_;
    head_ = static_cast<PacketId>(pool[id].next);
    pool[id].next = 0;
    --n_;
    bytes_ -= pool[id].length;
    return id;
  }
  // Up to out.size() packets; how many.
  u32 pop(Pool& pool, std::span<PacketId> out) noexcept {
    u32 n = 0;
    while (n < out.size() && !empty()) out[n++] = pop(pool);
    return n;
  }
  void clear(Pool& pool) noexcept {
    while (!empty()) pool.release(pop(pool));
  }

 private:
  PacketId head_ = PacketId::none, tail_ = PacketId::none;
  u32 n_ = 0;
  u64 bytes_ = 0;
};

}  // namespace weir::buf
