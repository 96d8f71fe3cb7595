// Control data of recvmsg and sendmsg (cmsg(3)).
#pragma once

#include <optional>

#include "posix/file.hpp"

namespace weir::posix {

// Writes into the caller's control buffer, and cuts there with MSG_CTRUNC.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& message) noexcept;
  void put(int level, int type, const void* data, usize size) noexcept;
  template <class T>
  void put(int level, int type, const T& value) noexcept {
    put(level, type, &value, sizeof value);
  }
  void finish() noexcept;  // msg_controllen becomes what was written

 private:
  msghdr& message_;
  usize room_, used_ = 0;
};

// What the socket was asked to tell about the datagram.
void put_control(const File& file, const Datagram& datagram, ControlWriter& out) noexcept;

// What one message asks for, instead of the socket's options.
struct SendControl {
  std::optional<u8> ttl, tos;
  std::optional<IfIndex> interface;
  std::optional<IpAddr> source;
};

// errno: EINVAL of what is malformed or not known.
[[nodiscard]] Result<SendControl, int> read_control(const File& file, const msghdr& message) noexcept;

}  // namespace weir::posix
