// posix/transfer.hpp
#include "posix/transfer.hpp"

#include "posix/vectors.hpp"

namespace weir::posix {

Transfer::Transfer(Direction direction, int fd, const msghdr& message, int flags)
    : direction_(direction), fd_(fd), flags_(flags), message_(message) {
  // Bad ones stay as they are, for the call to find.
  if (check_vectors(message) != 0 || message.msg_iovlen == 0) return;
  vectors_.assign(message.msg_iov, message.msg_iov + message.msg_iovlen);
  message_.msg_iov = vectors_.data();
}

Transfer::Transfer(Direction direction, int fd, void* data, usize length, int flags)
    : direction_(direction), fd_(fd), flags_(flags), message_{}, single_{data, length} {
  message_.msg_iov = &single_;
  message_.msg_iovlen = 1;
}

void Transfer::advance(usize n) noexcept {
  for (; n != 0; ++message_.msg_iov, --message_.msg_iovlen) {
    iovec& v = *message_.msg_iov;
    const usize part = std::min(n, v.iov_len);
    v = {static_cast<std::byte*>(v.iov_base) + part, v.iov_len - part};
    n -= part;
    if (v.iov_len != 0) return;
  }
}

// A writer that was blocked goes on when there is room worth waking it for, as poll() has it: not for every segment acknowledged.
bool Transfer::may_go_on(Process& process, Instant now) const {
  if (!stalled_ || direction_ == receive) return true;
  pollfd p{fd_, POLLOUT, 0};
  return process.poll(&p, 1, now).value != 0;
}

Outcome Transfer::attempt(Process& process, Instant now) {
  if (!may_go_on(process, now)) return waiting();
  const bool in = direction_ == receive;
  Outcome o = in ? process.recvmsg(fd_, &message_, flags_, now) : process.sendmsg(fd_, &message_, flags_, now);
  if (o.wait) {
    advance(static_cast<usize>(o.value));
    done_ += o.value;
    o.value = 0;
    stalled_ = true;
    return o;
  }
  if (o.error != 0) return give_up(o.error);
  o.value += done_;
  return o;
}

Outcome Transfer::give_up(int error) const noexcept { return done_ != 0 ? Outcome{done_, 0, false} : failed(error); }

}  // namespace weir::posix
