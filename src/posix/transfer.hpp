// A blocking recvmsg or sendmsg over as many attempts as it takes: what is kept between them.
#pragma once

#include <sys/uio.h>

#include <vector>

#include "posix/process.hpp"

namespace weir::posix {

// Contract: the memory named by the message is the caller's and stays until the call is over; results (name, control data,
// msg_flags) are in message().
//   Transfer t(Transfer::receive, fd, message, flags);
//   Outcome o = t.attempt(process, now);
//   while (o.wait) { ...let time pass, at most process.timeout(fd, false)...; o = t.attempt(process, now); }
class Transfer {
 public:
  enum Direction : bool { receive, send };

  Transfer(Direction direction, int fd, const msghdr& message, int flags);
  Transfer(Direction direction, int fd, void* data, usize length, int flags);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Outcome attempt(Process& process, Instant now);
  // The time is over, or a signal came: what was done so far, else this error.
  [[nodiscard]] Outcome give_up(int error) const noexcept;
  [[nodiscard]] const msghdr& message() const noexcept { return message_; }

 private:
  void advance(usize n) noexcept;
  [[nodiscard]] bool may_go_on(Process& process, Instant now) const;

  Direction direction_;
  int fd_, flags_;
  msghdr message_;
  iovec single_{};
  std::vector<iovec> vectors_;
  i64 done_ = 0;
  bool stalled_ = false;
};

}  // namespace weir::posix
