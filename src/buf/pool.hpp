// One pool per shard: packet descriptors, header blocks, buffers, slice blocks. Never shared, never locked.
// Memory is reserved at once and touched only as it is used; free lists are LIFO so that hot memory is reused.
#pragma once

#include <algorithm>
#include <new>
#include <span>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/slab.hpp"
#include "buf/packet.hpp"

namespace weir::buf {

// Memory straight from the kernel: zero pages until touched, huge pages where they are allowed.
class Arena {
 public:
  explicit Arena(usize bytes) noexcept;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  [[nodiscard]] std::byte* data() const noexcept { return data_; }

 private:
  std::byte* data_;
  usize bytes_;
};

// Numbers 0..n-1 handed out fresh first, then last released first.
class IdStack {
 public:
  explicit IdStack(u32 n) noexcept : memory_(n * sizeof(u32)), ids_(reinterpret_cast<u32*>(memory_.data())), limit_(n) {}
  [[nodiscard]] u32 available() const noexcept { return free_ + (limit_ - fresh_); }
  [[nodiscard]] u32 in_use() const noexcept { return fresh_ - free_; }
  [[nodiscard]] u32 limit() const noexcept { return limit_; }
  [[nodiscard]] u32 beyond_reserve() const noexcept { return std::max(available(), limit_ / 8) - limit_ / 8; }
  [[nodiscard]] bool below(u32 part) const noexcept { return available() < limit_ / part; }  // of all
  [[nodiscard]] bool pop(u32& id) noexcept {
    if (free_ != 0) [[likely]] {
      id = ids_[--free_];
      return true;
    }
    if (fresh_ == limit_) return false;
    id = fresh_++;
    return true;
  }
  void push(u32 id) noexcept {
    WEIR_DASSERT(free_ < fresh_);
    ids_[free_++] = id;
  }

 private:
  Arena memory_;
  u32* ids_;
  u32 limit_, free_ = 0, fresh_ = 0;
};

struct SliceBlock {
  static constexpr u32 capacity = 14;
  Slice slices[capacity];
  u32 next;
  u32 bytes;        // of the live slices; kept by SliceQueue
  u16 first, last;  // live slices are [first, last)

  void clear() noexcept { next = bytes = first = last = 0; }  // of a fresh block, whose slices are whatever was there
};
static_assert(sizeof(SliceBlock) == 124);

struct PoolStats {
  u64 packet_hits = 0, packet_misses = 0;
  u64 buffer_hits = 0, buffer_misses = 0;
};

// Users may not have the last buffers: receiving, acknowledging and resolving addresses, which free the rest, go on without.
enum class Purpose : u8 { stack, user };

class Pool {
 public:
  // Small buffers: a stride of 2,176 spreads the first lines of neighbours over the cache sets.
  static constexpr u32 small_stride = 2'176, large_stride = 16'384, headroom = 128;

  struct Config {
    u32 packets = 65'536;
    u32 small_buffers = 32'768;
    u32 large_buffers = 8'192;
  };

  explicit Pool(const Config& config) noexcept;

  // -- packets
  [[nodiscard]] PacketId alloc() noexcept {             // none when the pool is empty
    u32 id;
    if (!packet_ids_.pop(id)) [[unlikely]] {
      ++stats_.packet_misses;
      return PacketId::none;
    }
    ++stats_.packet_hits;
    new (&packets_[id]) Packet{};
    return static_cast<PacketId>(id);
  }
  u32 alloc(std::span<PacketId> out) noexcept;          // how many it got
  void release(PacketId id) noexcept {                  // and the references of its slices
    Packet& p = (*this)[id];
    for (u32 i = 0; i < p.slices_n; ++i) unref(p.slices[i].buffer);
    if (p.overflow != 0) [[unlikely]]
      release_chain(p.overflow);
    packet_ids_.push(static_cast<u32>(id));
  }
  void release(std::span<const PacketId> ids) noexcept {
    for (PacketId id : ids) release(id);
  }
  // A new descriptor over the same bytes; headers in a header block are copied.
  [[nodiscard]] PacketId clone(PacketId id) noexcept;
  [[nodiscard]] Packet& operator[](PacketId id) noexcept { return packets_[static_cast<u32>(id)]; }
  [[nodiscard]] const Packet& operator[](PacketId id) const noexcept { return packets_[static_cast<u32>(id)]; }
  [[nodiscard]] std::byte* header_block(PacketId id) noexcept { return headers_ + static_cast<usize>(id) * header_block_size; }
  void prefetch(PacketId id) const noexcept {
    __builtin_prefetch(&packets_[static_cast<u32>(id)]);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(&packets_[static_cast<u32>(id)]) + 64);
  }

  // Start of the storage that head, l3, l4 of the packet are positions in.
  [[nodiscard]] std::byte* storage(PacketId id) noexcept {
    const Packet& p = (*this)[id];
    return p.inline_end != 0 ? header_block(id) : data(p.slices[0].buffer);
  }
  [[nodiscard]] std::byte* at(PacketId id, u16 position) noexcept { return storage(id) + position; }
  // The contiguous bytes at the front: all headers are in it.
  [[nodiscard]] Bytes first_run(PacketId id) noexcept {
    const Packet& p = (*this)[id];
    if (p.inline_end != 0) return {header_block(id) + p.head, static_cast<usize>(p.inline_end - p.head)};
    return p.slices_n != 0 ? bytes(p.slices[0]) : Bytes{};
  }
  // First run from `position` on.
  [[nodiscard]] Bytes run_from(PacketId id, u16 position) noexcept;
  // Makes the first n bytes from head contiguous (bounded by small_stride): false when that cannot be.
  [[nodiscard]] bool pull_up(PacketId id, u32 n) noexcept { return first_run_length((*this)[id]) >= n || pull_up_slow(id, n); }
  // Makes the first run safe to write to: nobody else holds its bytes afterwards. False when out of buffers.
  [[nodiscard]] bool make_writable(PacketId id) noexcept {
    const Packet& p = (*this)[id];
    return p.inline_end != 0 || (p.slices_n != 0 && refs(p.slices[0].buffer) == 1) || make_writable_slow(id);
  }

  // Moves the first n bytes (n <= 64) into the header block, so that they may be written to and have l4_anchor bytes of
  // room in front; head is the only position that is right afterwards. False when the packet is shorter.
  [[nodiscard]] bool front_to_block(PacketId id, u32 n) noexcept;

  // Moves the start. push: there must be room in front (headroom or header block).
  void push_front(PacketId id, u16 n) noexcept {
    Packet& p = (*this)[id];
    WEIR_ASSERT(p.head >= n);
    p.head = static_cast<u16>(p.head - n);
    p.length += n;
    if (p.inline_end == 0) {
      p.slices[0].offset = p.head;
      p.slices[0].length = static_cast<u16>(p.slices[0].length + n);
    }
  }
  void trim_front(PacketId id, u32 n) noexcept {  // n <= length
    Packet& p = (*this)[id];
    if (n >= first_run_length(p)) [[unlikely]]
      return trim_front_slow(id, n);
    p.length -= n;
    p.head = static_cast<u16>(p.head + n);
    if (p.inline_end != 0) return;
    p.slices[0].offset = p.head;
    p.slices[0].length = static_cast<u16>(p.slices[0].length - n);
  }
  void trim_to(PacketId id, u32 new_length) noexcept {
    Packet& p = (*this)[id];
    if (new_length >= p.length) return;
    if (p.slices_n != 1 || p.inline_end != 0) return trim_to_slow(id, new_length);
    p.slices[0].length = static_cast<u16>(new_length);  // a frame in one buffer
    p.length = new_length;
  }
  // Takes over one reference of the slice's buffer; joined to the last slice where the bytes adjoin.
  [[nodiscard]] bool append(PacketId id, Slice s) noexcept;
  // Takes at most `max` bytes of the first slice (not of the header block) out of the packet, which must have one; the
  // reference goes to the caller. Positions of headers that lie in that slice are void afterwards.
  [[nodiscard]] Slice take_front(PacketId id, u32 max) noexcept;
  // Calls f(Bytes) for each contiguous run from `skip` bytes after head on.
  template <class F>
  void for_each_run(PacketId id, u32 skip, F&& f) noexcept;
  // Calls f(Slice&) for each slice, in order (the header block's bytes are not a slice).
  template <class F>
  void for_each_slice(PacketId id, F&& f) noexcept;
  // Copies bytes [skip, skip + out.size()) of the packet; the number copied.
  usize copy_out(PacketId id, u32 skip, MutBytes out) noexcept;
  // Unfolded one's complement sum of the packet's bytes from skip to its end.
  [[nodiscard]] u64 sum_from(PacketId id, u32 skip) noexcept;
  // Fresh packet whose bytes are a copy of `bytes` (for frames that come from outside: devices, tests, raw sockets).
  [[nodiscard]] PacketId from_bytes(Bytes bytes) noexcept;

  // -- buffers; a fresh one has one reference
  [[nodiscard]] BufferId alloc_small() noexcept { return take_buffer(small_ids_, 0); }
  [[nodiscard]] BufferId alloc_large() noexcept { return take_buffer(large_ids_, small_count_); }
  [[nodiscard]] BufferId alloc_for(u32 bytes, Purpose purpose = Purpose::stack) noexcept {
    const bool small = bytes <= small_stride;
    if (purpose == Purpose::user && (small ? small_ids_ : large_ids_).beyond_reserve() == 0) [[unlikely]] {
      ++stats_.buffer_misses;
      return BufferId::none;
    }
    return small ? alloc_small() : alloc_large();
  }
  void ref(BufferId b) noexcept {
    auto& n = refs_[static_cast<u32>(b)];
    WEIR_ASSERT(n != 0xffff);
    ++n;
  }
  void unref(BufferId b) noexcept {
    WEIR_DASSERT(refs_[static_cast<u32>(b)] != 0);
    if (--refs_[static_cast<u32>(b)] == 0) free_buffer(b);
  }
  [[nodiscard]] u16 refs(BufferId b) const noexcept { return refs_[static_cast<u32>(b)]; }
  [[nodiscard]] bool is_small(BufferId b) const noexcept { return static_cast<u32>(b) < small_count_; }
  [[nodiscard]] std::byte* data(BufferId b) noexcept {
    const u32 i = static_cast<u32>(b);
    return i < small_count_ ? small_ + static_cast<usize>(i) * small_stride : large_ + static_cast<usize>(i - small_count_) * large_stride;
  }
  [[nodiscard]] u32 capacity(BufferId b) const noexcept { return is_small(b) ? small_stride : large_stride; }
  [[nodiscard]] Bytes bytes(Slice s) noexcept { return {data(s.buffer) + s.offset, s.length}; }

  // -- chains of slices, for packets and queues
  [[nodiscard]] Slab<SliceBlock>& blocks() noexcept { return blocks_; }

  [[nodiscard]] u32 packets_in_use() const noexcept { return packet_ids_.in_use(); }
  [[nodiscard]] u32 packets_available() const noexcept { return packet_ids_.available(); }
  [[nodiscard]] u32 buffers_in_use() const noexcept { return small_ids_.in_use() + large_ids_.in_use(); }
  [[nodiscard]] u32 small_available() const noexcept { return small_ids_.available(); }
  [[nodiscard]] u32 large_available() const noexcept { return large_ids_.available(); }
  // True size that one queue may come to: a fixed part of what is free, so that of many queues that nobody takes from
  // none leaves the others nothing (Choudhury and Hahne, Dynamic queue length thresholds, 1998). When it is all gone, a
  // little from the reserve for each; of its second half one small buffer, so that who has nothing yet gets on; of its last
  // quarter nothing.
  [[nodiscard]] u32 share() const noexcept {
    const u64 small = u64{small_ids_.beyond_reserve()} * small_stride, large = u64{large_ids_.beyond_reserve()} * large_stride;
    const u64 part = std::min<u64>(std::min(small, large) / 4, 1u << 30);
    if (part >= large_stride) [[likely]]
      return static_cast<u32>(part);
    const auto below = [this](u32 of) { return small_ids_.below(of) || large_ids_.below(of); };
    return !below(16) ? large_stride : !below(32) ? small_stride : 0u;
  }
  [[nodiscard]] const PoolStats& stats() const noexcept { return stats_; }

 private:
  [[nodiscard]] BufferId take_buffer(IdStack& ids, u32 first) noexcept {
    u32 id;
    if (!ids.pop(id)) [[unlikely]] {
      ++stats_.buffer_misses;
      return BufferId::none;
    }
    ++stats_.buffer_hits;
    refs_[first + id] = 1;
    return static_cast<BufferId>(first + id);
  }
  void free_buffer(BufferId b) noexcept {
    const u32 i = static_cast<u32>(b);
    if (i < small_count_) small_ids_.push(i);
    else large_ids_.push(i - small_count_);
  }
  [[nodiscard]] static u32 first_run_length(const Packet& p) noexcept {
    if (p.inline_end != 0) return static_cast<u32>(p.inline_end - p.head);
    return p.slices_n != 0 ? p.slices[0].length : 0u;
  }
  [[nodiscard]] bool pull_up_slow(PacketId id, u32 n) noexcept;
  [[nodiscard]] bool make_writable_slow(PacketId id) noexcept;
  void trim_front_slow(PacketId id, u32 n) noexcept;
  void trim_to_slow(PacketId id, u32 new_length) noexcept;
  void release_chain(u32& link) noexcept;
  [[nodiscard]] bool append_overflow(Packet& p, Slice s) noexcept;
  void drop_front_slices(Packet& p, u32 n) noexcept;
  Slice pop_front_slice(Packet& p) noexcept;

  u32 small_count_;
  IdStack packet_ids_, small_ids_, large_ids_;
  Arena packet_memory_, header_memory_, small_memory_, large_memory_, ref_memory_;
  Packet* packets_;
  std::byte *headers_, *small_, *large_;
  u16* refs_;
  Slab<SliceBlock> blocks_;
  PoolStats stats_;
};

template <class F>
void Pool::for_each_slice(PacketId id, F&& f) noexcept {
  Packet& p = (*this)[id];
  for (u32 i = 0; i < p.slices_n; ++i) f(p.slices[i]);
  for (u32 b = p.overflow; b != 0;) {
    SliceBlock& block = blocks_[b];
    b = block.next;
    for (u32 i = block.first; i < block.last; ++i) f(block.slices[i]);
  }
}

template <class F>
void Pool::for_each_run(PacketId id, u32 skip, F&& f) noexcept {
  const auto give = [&](Bytes run) {
    if (skip >= run.size()) {
      skip -= static_cast<u32>(run.size());
      return;
    }
    f(run.subspan(skip));
    skip = 0;
  };
  const Packet& p = (*this)[id];
  if (p.inline_end != 0) give({header_block(id) + p.head, static_cast<usize>(p.inline_end - p.head)});
  for_each_slice(id, [&](Slice& s) { give(bytes(s)); });
}

}  // namespace weir::buf
