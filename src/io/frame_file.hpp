// A file that gives one frame per read and takes one per write, each behind a VnetHeader: TAP, TUN, AF_PACKET sockets.
// Reads scatter into one small buffer and then large ones, so that a 64-byte frame is cheap and a 64 KiB one takes 5
// pieces; writes gather from header block and slices. No byte is copied here.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <vector>

#include "io/driver.hpp"
#include "io/fd.hpp"
#include "io/vnet.hpp"

namespace weir::io {

class FrameFile {
 public:
  enum class Kind : u8 { device, socket };  // a socket tells VLAN tags and truncation beside the frame

  FrameFile(Fd fd, Kind kind) noexcept : fd_(std::move(fd)), kind_(kind) {}  // non-blocking
  FrameFile(const FrameFile&) = delete;
  FrameFile& operator=(const FrameFile&) = delete;

  // As Driver::receive and send. A negative errno in `error` when something but "not now" stopped it, else 0.
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, DriverStats& stats, int& error) noexcept;
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, DriverStats& stats, int& error) noexcept;
  void release(buf::Pool& pool) noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  static constexpr u32 large_n = 4;  // 2,048 + 4 x 16,384 is more than 65,535 and an Ethernet header
  static constexpr usize iov_max = 1024;

  void post(buf::Pool& pool) noexcept;
  [[nodiscard]] ssize_t read() noexcept;
  [[nodiscard]] ssize_t read_socket() noexcept;
  buf::PacketId take(buf::Pool& pool, u32 bytes, DriverStats& stats) noexcept;
  [[nodiscard]] std::span<const iovec> gather(buf::Pool& pool, buf::PacketId id) noexcept;
  [[nodiscard]] std::span<const iovec> gather_copy(buf::Pool& pool, buf::PacketId id, const VnetHeader& header) noexcept;
  [[nodiscard]] static std::byte* room_in_front(buf::Pool& pool, buf::PacketId id) noexcept;

  Fd fd_;
  Kind kind_;
  bool truncated_ = false;  // the frame just read
  u16 vlan_ = 0;            // and the tag that was taken off it
  VnetHeader header_;       // of a frame about to be sent that has no room in front
  buf::BufferId small_ = buf::BufferId::none,
                large_[large_n] = {buf::BufferId::none, buf::BufferId::none, buf::BufferId::none, buf::BufferId::none};
  static constexpr int in_n = 1 + large_n;
  iovec in_[in_n];
  std::vector<iovec> out_;
  std::unique_ptr<std::byte[]> scratch_;  // frames that find no buffer go here and are counted
};

}  // namespace weir::io
