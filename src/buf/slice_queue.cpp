// buf/slice_queue.hpp
#include "buf/slice_queue.hpp"

namespace weir::buf {

Slice* SliceQueue::last(Pool& pool) noexcept {
  if (tail_ == 0) return nullptr;
  SliceBlock& block = pool.blocks()[tail_];
  return &block.slices[block.last - 1];
}

bool SliceQueue::push(Pool& pool, Slice s) noexcept {
  if (s.length == 0) {
    pool.unref(s.buffer);
    return true;
  }
  Slice* l = last(pool);
  const bool same_buffer = l != nullptr && l->buffer == s.buffer;
  if (same_buffer && l->offset + l->length == s.offset) {
    l->length = static_cast<u16>(l->length + s.length);
    pool.blocks()[tail_].bytes += s.length;
    bytes_ += s.length;
    pool.unref(s.buffer);
    return true;
  }
  if (tail_ == 0 || pool.blocks()[tail_].last == SliceBlock::capacity) {
    const u32 fresh = pool.blocks().alloc_uninitialized();
    if (fresh == 0) {
      pool.unref(s.buffer);
      return false;
    }
    pool.blocks()[fresh].clear();
    if (tail_ == 0) head_ = fresh;
    else pool.blocks()[tail_].next = fresh;
    tail_ = fresh;
  }
  SliceBlock& block = pool.blocks()[tail_];
  block.slices[block.last++] = s;
  block.bytes += s.length;
  bytes_ += s.length;
  if (!same_buffer) charged_ += pool.capacity(s.buffer);
  tail_is_ours_ = false;
  return true;
}

bool SliceQueue::append(Pool& pool, Slice s) noexcept {
  if (worth_holding(s.length) && s.length >= copy_below) return push(pool, s);
  const u32 n = append_copy(pool, pool.bytes(s));
  if (n == s.length) {
    pool.unref(s.buffer);
    return true;
  }
  return push(pool, {s.buffer, static_cast<u16>(s.offset + n), static_cast<u16>(s.length - n)});  // out of buffers
}

u32 SliceQueue::append_copy(Pool& pool, Bytes data, Purpose purpose) noexcept {
  u32 done = 0;
  if (Slice* l = last(pool); l != nullptr && tail_is_ours_) {
    const u32 end = u32{l->offset} + l->length;
    const u32 n = std::min<u32>(pool.capacity(l->buffer) - end, static_cast<u32>(data.size()));
    if (n != 0) {
      std::memcpy(pool.data(l->buffer) + end, data.data(), n);
      l->length = static_cast<u16>(l->length + n);
      pool.blocks()[tail_].bytes += n;
      bytes_ += n;
      done = n;
    }
  }
  while (done < data.size()) {
    const u32 left = static_cast<u32>(data.size()) - done;
    BufferId b = pool.alloc_for(bytes_ == 0 ? left : std::max(left, bytes_), purpose);
    if (b == BufferId::none) b = pool.alloc_for(Pool::small_stride, purpose);
    if (b == BufferId::none) b = pool.alloc_for(Pool::large_stride, purpose);
    if (b == BufferId::none) break;
    const u32 n = std::min(left, pool.capacity(b));
    std::memcpy(pool.data(b), data.data() + done, n);
    if (!push(pool, {b, 0, static_cast<u16>(n)})) break;
    tail_is_ours_ = true;
    done += n;
  }
  return done;
}

u32 SliceQueue::append_packet(Pool& pool, PacketId id, u32 skip, u32 length) noexcept {
  u32 done = 0;
  const Packet& p = pool[id];
  const u32 in_block = p.inline_end != 0 ? p.inline_end - p.head : 0u;
  const bool by_copy = length < copy_below || !worth_holding(length);
  if (by_copy || skip < in_block) {
    // Small, or (rare) partly in the header block: one copy.
    const u32 copy = by_copy ? length : std::min(length, in_block - skip);
    bool room = true;
    pool.for_each_run(id, skip, [&](Bytes run) {
      if (!room || done == copy) return;
      const u32 want = static_cast<u32>(std::min<usize>(run.size(), copy - done));
      const u32 n = append_copy(pool, run.first(want));
      room = n == want;
      done += n;
    });
    if (done < copy || done == length) return done;
    skip += done;
  }
  u32 offset = skip - in_block;  // in the slices
  bool ok = true;
  pool.for_each_slice(id, [&](Slice& s) {
    if (!ok || done == length) return;
    if (offset >= s.length) {
      offset -= s.length;
      return;
    }
    const u32 n = std::min<u32>(s.length - offset, length - done);
    pool.ref(s.buffer);
    ok = push(pool, {s.buffer, static_cast<u16>(s.offset + offset), static_cast<u16>(n)});
    if (ok) done += n;
    offset = 0;
  });
  return done;
}

void SliceQueue::pop(Pool& pool, u32 n) noexcept {
  WEIR_ASSERT(n <= bytes_);
  while (n != 0) {
    const u32 first = pool.blocks()[head_].slices[pool.blocks()[head_].first].length;
    const Slice gone = take(pool, std::min(n, first));
    n -= gone.length;
    pool.unref(gone.buffer);
  }
}

Slice SliceQueue::take(Pool& pool, u32 max) noexcept {
  WEIR_ASSERT(bytes_ != 0);
  SliceBlock& block = pool.blocks()[head_];
  Slice& s = block.slices[block.first];
  const u32 n = std::min<u32>(max, s.length);
  const Slice out{s.buffer, s.offset, static_cast<u16>(n)};
  bytes_ -= n;
  block.bytes -= n;
  if (n < s.length) {
    s.offset = static_cast<u16>(s.offset + n);
    s.length = static_cast<u16>(s.length - n);
    pool.ref(s.buffer);  // the queue keeps its own
    return out;
  }
  ++block.first;
  if (block.first == block.last) {
    const u32 next = block.next;
    pool.blocks().release(head_);
    head_ = next;
    if (head_ == 0) {
      tail_ = 0;
      tail_is_ours_ = false;
    }
  }
  const bool still_held = head_ != 0 && pool.blocks()[head_].slices[pool.blocks()[head_].first].buffer == out.buffer;
  if (!still_held) charged_ -= pool.capacity(out.buffer);
  return out;
}

u32 SliceQueue::peek(Pool& pool, u32 offset, MutBytes out) noexcept {
  u32 done = 0;
  for_range(pool, offset, static_cast<u32>(out.size()), [&](Slice s) {
    std::memcpy(out.data() + done, pool.data(s.buffer) + s.offset, s.length);
    done += s.length;
  });
  return done;
}

bool SliceQueue::reference(Pool& pool, PacketId packet, u32 offset, u32 length) noexcept {
  bool ok = true;
  for_range(pool, offset, length, [&](Slice s) {
    if (!ok) return;
    pool.ref(s.buffer);
    ok = pool.append(packet, s);
  });
  return ok;
}

}  // namespace weir::buf
