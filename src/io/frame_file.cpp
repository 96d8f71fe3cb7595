// io/frame_file.hpp
#include "io/frame_file.hpp"

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::io {
namespace {

using buf::BufferId;
using buf::PacketId;
using buf::Pool;

constexpr u32 small_room = Pool::small_stride - Pool::headroom;
constexpr u16 header_size = sizeof(VnetHeader);
static_assert(Pool::headroom >= header_size);
constexpr usize scratch_size = 2 * 65'536;

// The device cannot take it now, but will: everything else is about this frame or about the device.
bool is_full(int e) noexcept { return e == EAGAIN || e == ENOBUFS || e == ENOMEM; }
bool is_about_the_frame(int e) noexcept { return e == EINVAL || e == EMSGSIZE || e == E2BIG || e == EFAULT; }

}  // namespace

void FrameFile::release(Pool& pool) noexcept {
  if (small_ != BufferId::none) pool.unref(std::exchange(small_, BufferId::none));
  for (BufferId& b : large_)
    if (b != BufferId::none) pool.unref(std::exchange(b, BufferId::none));
}

// Refills what the last frame took. The virtio header goes right in front of the frame, which saves a piece. Where there
// is no buffer, the scratch memory stands in.
void FrameFile::post(Pool& pool) noexcept {
  if (small_ == BufferId::none) small_ = pool.alloc_small();
  bool short_of = small_ == BufferId::none;
  if (!short_of) in_[0] = {pool.data(small_) + Pool::headroom - header_size, header_size + small_room};
  for (u32 i = 0; i < large_n; ++i) {
    if (large_[i] == BufferId::none) large_[i] = pool.alloc_large();
    if (large_[i] == BufferId::none) short_of = true;
    else in_[1 + i] = {pool.data(large_[i]), Pool::large_stride};
  }
  if (!short_of) [[likely]]
    return;
  if (!scratch_) scratch_ = std::make_unique<std::byte[]>(scratch_size);
  if (small_ == BufferId::none) in_[0] = {scratch_.get(), header_size + small_room};
  for (u32 i = 0; i < large_n; ++i)
    if (large_[i] == BufferId::none) in_[1 + i] = {scratch_.get(), Pool::large_stride};
}

ssize_t FrameFile::read() noexcept { return kind_ == Kind::device ? ::readv(fd_.get(), in_, in_n) : read_socket(); }

// packet(7), PACKET_AUXDATA: the kernel takes VLAN tags off before a packet socket sees the frame.
ssize_t FrameFile::read_socket() noexcept {
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(tpacket_auxdata))];
  msghdr m{};
  m.msg_iov = in_;
  m.msg_iovlen = in_n;
  m.msg_control = control;
  m.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(fd_.get(), &m, 0);
  truncated_ = got >= 0 && (m.msg_flags & MSG_TRUNC) != 0;
  vlan_ = 0;
  const cmsghdr* const c = got >= 0 ? CMSG_FIRSTHDR(&m) : nullptr;
  if (c != nullptr && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
    const auto aux = load_raw<tpacket_auxdata>(CMSG_DATA(c));
    if ((aux.tp_status & TP_STATUS_VLAN_VALID) != 0) vlan_ = aux.tp_vlan_tci;
  }
  return got;
}

// A packet over the posted buffers that a frame of `bytes` has filled; none (and counted) if it may not be one.
PacketId FrameFile::take(Pool& pool, u32 bytes, DriverStats& stats) noexcept {
  const PacketId id = pool.alloc();
  const u32 larges = bytes > small_room ? (bytes - small_room + Pool::large_stride - 1) / Pool::large_stride : 0;
  bool whole = id != PacketId::none && small_ != BufferId::none;
  for (u32 i = 0; i < larges; ++i) whole = whole && large_[i] != BufferId::none;
  if (!whole) {
    if (id != PacketId::none) pool.release(id);
    ++stats.rx_dropped;
    return PacketId::none;
  }
  const auto header = load_raw<VnetHeader>(pool.data(small_) + Pool::headroom - header_size);
  u32 left = bytes - std::min(bytes, small_room);
  bool ok = pool.append(id, {std::exchange(small_, BufferId::none), Pool::headroom, static_cast<u16>(bytes - left)});
  for (u32 i = 0; i < larges; ++i) {
    const u16 n = static_cast<u16>(std::min(left, Pool::large_stride));
    ok = pool.append(id, {std::exchange(large_[i], BufferId::none), 0, n}) && ok;
    left -= n;
  }
  if (ok && apply_vnet(header, pool, id)) return id;
  ++(ok ? stats.rx_errors : stats.rx_dropped);
  pool.release(id);
  return PacketId::none;
}

u32 FrameFile::receive(Pool& pool, std::span<PacketId> out, u32 max_bytes, DriverStats& stats, int& error) noexcept {
  u32 n = 0, reads = 0, total = 0;
  error = 0;
  // Reads are bounded too: a flood of frames that are no use must not keep us here.
  while (n < out.size() && total < max_bytes && reads++ < 2 * out.size()) {
    post(pool);
    const ssize_t got = read();
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) error = errno;
      break;
    }
    if (got <= ssize_t{header_size} || truncated_) {
      ++stats.rx_errors;
      if (got == 0) break;
      continue;
    }
    const u32 bytes = static_cast<u32>(got) - header_size;
    const PacketId id = take(pool, bytes, stats);
    if (id == PacketId::none) continue;
    pool[id].vlan = vlan_;
    out[n++] = id;
    total += bytes;
  }
  stats.rx_packets += n;
  stats.rx_bytes += total;
  return n;
}

// Where the virtio header may be written right in front of the frame: nobody else holds those bytes.
std::byte* FrameFile::room_in_front(Pool& pool, PacketId id) noexcept {
  const buf::Packet& p = pool[id];
  if (p.head < header_size) return nullptr;
  if (p.inline_end == 0 && (p.slices_n == 0 || pool.refs(p.slices[0].buffer) != 1)) return nullptr;
  return pool.at(id, p.head) - header_size;
}

std::span<const iovec> FrameFile::gather(Pool& pool, PacketId id) noexcept {
  const VnetHeader header = vnet_of(pool, id);
  if (out_.empty()) out_.resize(iov_max);
  usize n = 1;
  pool.for_each_run(id, 0, [&](Bytes run) {
    if (n < iov_max) out_[n] = {const_cast<std::byte*>(run.data()), run.size()};
    ++n;
  });
  if (n > iov_max) return gather_copy(pool, id, header);
  if (std::byte* const front = room_in_front(pool, id); front != nullptr) {
    std::memcpy(front, &header, header_size);
    out_[1] = {front, header_size + out_[1].iov_len};
    return std::span{out_}.subspan(1, n - 1);
  }
  header_ = header;
  out_[0] = {&header_, header_size};
  return std::span{out_}.first(n);
}

// More pieces than the system call takes: a thousand of them fit in one copy.
std::span<const iovec> FrameFile::gather_copy(Pool& pool, PacketId id, const VnetHeader& header) noexcept {
  if (!scratch_) scratch_ = std::make_unique<std::byte[]>(scratch_size);
  std::memcpy(scratch_.get(), &header, header_size);
  out_[0] = {scratch_.get(), header_size + pool.copy_out(id, 0, {scratch_.get() + header_size, scratch_size - header_size})};
  return std::span{out_}.first(1);
}

u32 FrameFile::send(Pool& pool, std::span<const PacketId> packets, DriverStats& stats, int& error) noexcept {
  error = 0;
  u32 n = 0;
  while (n < packets.size()) {
    const PacketId id = packets[n];
    if (n + 1 < packets.size()) pool.prefetch(packets[n + 1]);
    const std::span<const iovec> pieces = gather(pool, id);
    const ssize_t put = pieces.size() == 1 ? ::write(fd_.get(), pieces[0].iov_base, pieces[0].iov_len)
                                           : ::writev(fd_.get(), pieces.data(), static_cast<int>(pieces.size()));
    if (put >= 0) [[likely]] {
      ++stats.tx_packets;
      stats.tx_bytes += pool[id].length;
    } else if (errno == EINTR) {
      continue;
    } else if (is_about_the_frame(errno)) {
      ++stats.tx_errors;  // it would be refused for ever: taken, and lost
    } else {
      if (!is_full(errno)) error = errno;
      break;
    }
    ++n;
  }
  return n;
}

}  // namespace weir::io
