// buf/pool.hpp
#include "buf/pool.hpp"

#include <sys/mman.h>

#include <new>

#include "base/checksum.hpp"

namespace weir::buf {

Arena::Arena(usize bytes) noexcept : bytes_(std::max<usize>(bytes, 1)) {
  void* p = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  WEIR_ASSERT(p != MAP_FAILED);
  data_ = static_cast<std::byte*>(p);
}

Arena::~Arena() { ::munmap(data_, bytes_); }

Pool::Pool(const Config& config) noexcept
    : small_count_(config.small_buffers),
      packet_ids_(config.packets),
      small_ids_(config.small_buffers),
      large_ids_(config.large_buffers),
      packet_memory_(usize{config.packets} * sizeof(Packet)),
      header_memory_(usize{config.packets} * header_block_size),
      small_memory_(usize{config.small_buffers} * small_stride),
      large_memory_(usize{config.large_buffers} * large_stride),
      ref_memory_((usize{config.small_buffers} + config.large_buffers) * sizeof(u16)),
      packets_(reinterpret_cast<Packet*>(packet_memory_.data())),
      headers_(header_memory_.data()),
      small_(small_memory_.data()),
      large_(large_memory_.data()),
      refs_(reinterpret_cast<u16*>(ref_memory_.data())),
      blocks_(1u << 24) {}

u32 Pool::alloc(std::span<PacketId> out) noexcept {
  u32 n = 0;
  for (; n < out.size(); ++n) {
    out[n] = alloc();
    if (out[n] == PacketId::none) break;
  }
  return n;
}

void Pool::release_chain(u32& link) noexcept {
  for (u32 b = link; b != 0;) {
    const SliceBlock block = blocks_[b];
    for (u32 i = block.first; i < block.last; ++i) unref(block.slices[i].buffer);
    blocks_.release(b);
    b = block.next;
  }
  link = 0;
}

PacketId Pool::clone(PacketId id) noexcept {
  const PacketId copy = alloc();
  if (copy == PacketId::none) return copy;
  const Packet& from = (*this)[id];
  Packet& to = (*this)[copy];
  to = from;
  to.slices_n = 0;
  to.overflow = 0;
  to.next = 0;
  to.owner = 0;
  to.charged = 0;
  if (from.inline_end != 0) std::memcpy(header_block(copy) + from.head, header_block(id) + from.head, from.inline_end - from.head);
  to.length = from.inline_end != 0 ? from.inline_end - from.head : 0u;
  bool ok = true;
  for_each_slice(id, [&](Slice& s) {
    if (!ok) return;
    ref(s.buffer);
    ok = append(copy, s);
  });
  if (ok) return copy;
  release(copy);
  return PacketId::none;
}

Bytes Pool::run_from(PacketId id, u16 position) noexcept {
  const Packet& p = (*this)[id];
  const Bytes run = first_run(id);
  const usize skip = static_cast<usize>(position - p.head);
  return skip <= run.size() ? run.subspan(skip) : Bytes{};
}

bool Pool::pull_up_slow(PacketId id, u32 n) noexcept {
  Packet& p = (*this)[id];
  if (n > p.length || n > small_stride - headroom) return false;
  const BufferId b = alloc_small();
  if (b == BufferId::none) return false;
  copy_out(id, 0, {data(b) + headroom, n});
  const u16 old_head = p.head;
  const Packet before = p;
  trim_front(id, n);
  // The rest goes behind the copied bytes: rebuild as [copy][old slices].
  Slice rest[3];
  const u32 rest_n = p.slices_n;
  std::copy_n(p.slices, rest_n, rest);
  const u32 rest_overflow = p.overflow;
  p.slices[0] = {b, headroom, static_cast<u16>(n)};
  p.slices_n = 1;
  p.overflow = 0;
  p.inline_end = 0;
  p.head = headroom;
  p.l3 = static_cast<u16>(before.l3 - old_head + headroom);
  p.l4 = static_cast<u16>(before.l4 - old_head + headroom);
  p.payload = static_cast<u16>(before.payload - old_head + headroom);
  p.csum.start = static_cast<u16>(before.csum.start - old_head + headroom);
  p.length = n;
  bool ok = true;
  for (u32 i = 0; i < rest_n; ++i) ok = append(id, rest[i]) && ok;
  for (u32 block = rest_overflow; block != 0;) {
    const SliceBlock copy = blocks_[block];
    for (u32 i = copy.first; i < copy.last; ++i) ok = append(id, copy.slices[i]) && ok;
    blocks_.release(block);
    block = copy.next;
  }
  return ok;
}

bool Pool::make_writable_slow(PacketId id) noexcept {
  Packet& p = (*this)[id];
  if (p.slices_n == 0) return false;
  Slice& s = p.slices[0];
  const BufferId b = s.length <= small_stride - headroom ? alloc_small() : alloc_large();
  if (b == BufferId::none) return false;
  const u16 at = s.length <= large_stride - headroom ? headroom : u16{0};
  std::memcpy(data(b) + at, data(s.buffer) + s.offset, s.length);
  const i32 shift = i32{at} - i32{p.head};
  const auto moved = [&](u16 position) { return static_cast<u16>(position + shift); };
  p.l3 = moved(p.l3);
  p.l4 = moved(p.l4);
  p.payload = moved(p.payload);
  p.csum.start = moved(p.csum.start);
  p.head = at;
  unref(s.buffer);
  s.buffer = b;
  s.offset = at;
  return true;
}

bool Pool::front_to_block(PacketId id, u32 n) noexcept {
  Packet& p = (*this)[id];
  if (n > p.length || n > header_block_size - l4_anchor) return false;
  u32 in_block = p.inline_end != 0 ? p.inline_end - p.head : 0u;
  if (in_block > header_block_size - l4_anchor) return false;
  if (in_block < n) in_block = n;  // what is in the block already stays together
  std::byte copy[header_block_size];
  copy_out(id, 0, {copy, in_block});
  trim_front(id, in_block);
  std::memcpy(header_block(id) + l4_anchor, copy, in_block);
  p.head = l4_anchor;
  p.inline_end = static_cast<u16>(l4_anchor + in_block);
  p.length += in_block;
  return true;
}

Slice Pool::pop_front_slice(Packet& p) noexcept {
  const Slice first = p.slices[0];
  p.slices[0] = p.slices[1];
  p.slices[1] = p.slices[2];
  --p.slices_n;
  if (p.overflow != 0) {  // keep slices[] full while there is a chain, so that order is simple
    SliceBlock& block = blocks_[p.overflow];
    p.slices[p.slices_n++] = block.slices[block.first++];
    if (block.first == block.last) {
      const u32 next = block.next;
      blocks_.release(p.overflow);
      p.overflow = next;
    }
  }
  return first;
}

void Pool::drop_front_slices(Packet& p, u32 n) noexcept {
  while (n > 0) {
    Slice& s = p.slices[0];
    if (n < s.length) {
      s.offset = static_cast<u16>(s.offset + n);
      s.length = static_cast<u16>(s.length - n);
      break;
    }
    n -= s.length;
    unref(pop_front_slice(p).buffer);
  }
}

void Pool::trim_front_slow(PacketId id, u32 n) noexcept {
  Packet& p = (*this)[id];
  WEIR_ASSERT(n <= p.length);
  p.length -= n;
  if (p.inline_end != 0) {
    const u32 from_inline = std::min<u32>(n, p.inline_end - p.head);
    p.head = static_cast<u16>(p.head + from_inline);
    n -= from_inline;
    if (p.head != p.inline_end) return;
    if (p.slices_n == 0) return;  // an empty packet keeps its (empty) header block
    p.inline_end = 0;
  }
  drop_front_slices(p, n);
  p.head = p.slices_n != 0 ? p.slices[0].offset : u16{0};
}

void Pool::trim_to_slow(PacketId id, u32 new_length) noexcept {
  Packet& p = (*this)[id];
  p.length = new_length;
  u32 left = new_length;
  if (p.inline_end != 0) {
    const u32 in_block = p.inline_end - p.head;
    if (left < in_block) p.inline_end = static_cast<u16>(p.head + left);
    left -= std::min(left, in_block);
  }
  // What is not needed gives its buffers back; the first slice stays, even empty, if it holds the headers.
  u32 kept = 0;
  for (; kept < p.slices_n && (left != 0 || (kept == 0 && p.inline_end == 0)); ++kept) {
    Slice& s = p.slices[kept];
    s.length = static_cast<u16>(std::min<u32>(s.length, left));
    left -= s.length;
  }
  u32* link = &p.overflow;
  while (left != 0) {
    SliceBlock& block = blocks_[*link];
    u32 i = block.first;
    for (; i < block.last && left != 0; ++i) {
      block.slices[i].length = static_cast<u16>(std::min<u32>(block.slices[i].length, left));
      left -= block.slices[i].length;
    }
    while (block.last > i) unref(block.slices[--block.last].buffer);
    link = &block.next;
  }
  release_chain(*link);
  while (p.slices_n > kept) unref(p.slices[--p.slices_n].buffer);
}

Slice Pool::take_front(PacketId id, u32 max) noexcept {
  Packet& p = (*this)[id];
  Slice& s = p.slices[0];
  WEIR_DASSERT(p.slices_n != 0 && max != 0);
  if (max >= s.length) {
    const Slice all = pop_front_slice(p);
    p.length -= all.length;
    if (p.inline_end == 0 && p.slices_n != 0) p.head = p.slices[0].offset;
    return all;
  }
  const Slice part{s.buffer, s.offset, static_cast<u16>(max)};
  ref(s.buffer);
  s.offset = static_cast<u16>(s.offset + max);
  s.length = static_cast<u16>(s.length - max);
  if (p.inline_end == 0) p.head = s.offset;
  p.length -= max;
  return part;
}

bool Pool::append(PacketId id, Slice s) noexcept {
  Packet& p = (*this)[id];
  if (p.overflow == 0) [[likely]] {
    if (p.slices_n != 0) {
      Slice& last = p.slices[p.slices_n - 1];
      if (last.buffer == s.buffer && last.offset + last.length == s.offset) {
        last.length = static_cast<u16>(last.length + s.length);
        p.length += s.length;
        unref(s.buffer);
        return true;
      }
    }
    if (p.slices_n < 3) {
      if (p.slices_n == 0 && p.inline_end == 0) p.head = s.offset;
      p.slices[p.slices_n++] = s;
      p.length += s.length;
      return true;
    }
  }
  if (append_overflow(p, s)) {
    p.length += s.length;
    return true;
  }
  unref(s.buffer);
  return false;
}

bool Pool::append_overflow(Packet& p, Slice s) noexcept {
  u32* link = &p.overflow;
  while (*link != 0) {
    SliceBlock& block = blocks_[*link];
    if (block.next == 0) {
      Slice& last = block.slices[block.last - 1];
      if (last.buffer == s.buffer && last.offset + last.length == s.offset) {
        last.length = static_cast<u16>(last.length + s.length);
        unref(s.buffer);
        return true;
      }
      if (block.last < SliceBlock::capacity) {
        block.slices[block.last++] = s;
        return true;
      }
    }
    link = &block.next;
  }
  const u32 fresh = blocks_.alloc_uninitialized();
  if (fresh == 0) return false;
  SliceBlock& block = blocks_[fresh];
  block.clear();
  block.slices[0] = s;
  block.last = 1;
  *link = fresh;
  return true;
}

usize Pool::copy_out(PacketId id, u32 skip, MutBytes out) noexcept {
  usize done = 0;
  for_each_run(id, skip, [&](Bytes run) {
    const usize n = std::min(run.size(), out.size() - done);
    if (n != 0) std::memcpy(out.data() + done, run.data(), n);
    done += n;
  });
  return done;
}

u64 Pool::sum_from(PacketId id, u32 skip) noexcept {
  u64 sum = 0;
  usize offset = 0;
  for_each_run(id, skip, [&](Bytes run) {
    sum = offset == 0 ? csum_add(run) : csum_combine(sum, csum_add(run), offset);
    offset += run.size();
  });
  return sum;
}

PacketId Pool::from_bytes(Bytes frame) noexcept {
  const PacketId id = alloc();
  if (id == PacketId::none) return id;
  (*this)[id].head = headroom;
  usize room = small_stride - headroom;
  u16 at = headroom;
  bool first = true;
  while (first || !frame.empty()) {
    const BufferId b = first || frame.size() <= small_stride ? alloc_small() : alloc_large();
    if (b == BufferId::none) break;
    if (!first) room = capacity(b);
    const usize n = std::min(frame.size(), room);
    if (n != 0) std::memcpy(data(b) + at, frame.data(), n);
    if (!append(id, {b, at, static_cast<u16>(n)})) break;
    frame = frame.subspan(n);
    at = 0;
    first = false;
  }
  if (!first && frame.empty()) return id;
  release(id);
  return PacketId::none;
}

}  // namespace weir::buf
