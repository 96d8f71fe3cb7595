// A FIFO of bytes held as slices of refcounted buffers: send queues, receive queues, datagram payloads.
// Empty it is 20 bytes and holds nothing; bytes go in and out without a copy, or with exactly one.
#pragma once

#include "buf/pool.hpp"

namespace weir::buf {

// Contract: every call takes the pool that the slices are of; the owner calls clear() before the queue goes away.
//   SliceQueue q;
//   q.append_copy(pool, data);            // one copy in
//   q.reference(pool, packet, 0, 1460);   // the packet now holds the first 1,460 bytes too: no copy
class SliceQueue {
 public:
  [[nodiscard]] u32 size() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  // True size: the buffers held, each counted once per run of neighbouring slices.
  [[nodiscard]] u32 charged() const noexcept { return charged_; }
  // Bytes that may be queued in addition. Frames of 1,500 bytes fill two thirds of the buffers that they come in.
  [[nodiscard]] u32 room(const Pool& pool) const noexcept {
    const u32 share = pool.share();
    return charged_ < share ? (share - charged_) / 3 * 2 : 0;
  }

  // Takes over one reference of s.buffer. False (and the reference dropped) when out of slice blocks.
  bool push(Pool& pool, Slice s) noexcept;
  // The same, but copies the bytes where holding their buffer would cost too much (see worth_holding).
  bool append(Pool& pool, Slice s) noexcept;
  // Copies as much of `data` as buffers can be had for; bytes copied. Fills the last buffer's tail first, where the
  // queue itself made that buffer.
  u32 append_copy(Pool& pool, Bytes data, Purpose purpose = Purpose::stack) noexcept;
  // Moves the packet's bytes from `skip` on into the queue: large runs by reference, small ones by copy, and all by copy
  // where the queue holds too much memory for its bytes already.
  u32 append_packet(Pool& pool, PacketId id, u32 skip, u32 length) noexcept;
  // Drops the first n bytes (n <= size()).
  void pop(Pool& pool, u32 n) noexcept;
  void clear(Pool& pool) noexcept { pop(pool, bytes_); }

  // Copies bytes [offset, offset + out.size()) without taking them; the number copied.
  u32 peek(Pool& pool, u32 offset, MutBytes out) noexcept;
  // Appends references to bytes [offset, offset + length) to a packet. False when blocks ran out.
  bool reference(Pool& pool, PacketId packet, u32 offset, u32 length) noexcept;
  // Takes the first slice out, at most `max` bytes of it; the reference goes to the caller. size() must not be 0.
  [[nodiscard]] Slice take(Pool& pool, u32 max) noexcept;
  // Calls f(Slice) over [offset, offset + length).
  template <class F>
  void for_range(Pool& pool, u32 offset, u32 length, F&& f) noexcept;

 private:
  // Payload below this is copied into the tail of the queue's last buffer rather than pinning a whole one.
  static constexpr u32 copy_below = 256;

  // True size is at most about twice the bytes, whatever a peer sends and in whatever buffers it came: else a window of
  // small segments would pin many times its size (A73, A74). One large buffer is free.
  [[nodiscard]] bool worth_holding(u32 more) const noexcept { return charged_ <= 2 * (bytes_ + more) + Pool::large_stride; }
  Slice* last(Pool& pool) noexcept;

  u32 head_ = 0, tail_ = 0;  // slice blocks
  u32 bytes_ = 0;
  u32 charged_ = 0;
  bool tail_is_ours_ = false;  // nobody else writes behind the last slice
};

template <class F>
void SliceQueue::for_range(Pool& pool, u32 offset, u32 length, F&& f) noexcept {
  u32 b = head_;
  while (b != 0 && offset >= pool.blocks()[b].bytes) {
    offset -= pool.blocks()[b].bytes;
    b = pool.blocks()[b].next;
  }
  for (; b != 0 && length != 0; b = pool.blocks()[b].next) {
    const SliceBlock& block = pool.blocks()[b];
    for (u32 i = block.first; i < block.last && length != 0; ++i) {
      const Slice s = block.slices[i];
      if (offset >= s.length) {
        offset -= s.length;
        continue;
      }
      const u32 n = std::min<u32>(s.length - offset, length);
      f(Slice{s.buffer, static_cast<u16>(s.offset + offset), static_cast<u16>(n)});
      length -= n;
      offset = 0;
    }
  }
}

}  // namespace weir::buf
