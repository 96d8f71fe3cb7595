// apps/file_io.hpp
#include "apps/file_io.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace weir::apps {
namespace {

// A pipe that is said to be writable takes so much without blocking, whatever its file status flags are (POSIX PIPE_BUF).
constexpr usize never_blocks = 4096;

// Regular files are always ready, and a non-blocking file says by itself when it is not.
bool may_block(int fd) noexcept {
  struct stat s{};
  if (::fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISBLK(s.st_mode))) return false;
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 || (flags & O_NONBLOCK) == 0;
}

bool is_writable_now(int fd) noexcept {
  pollfd p{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&p, 1, 0) == 1;
}

}  // namespace

bool FileReadyOp::await_suspend(std::coroutine_handle<> who) {
  watching_ = executor_.watch(fd_, events_, [this, who](u32 found) {
    found_ = found;
    stop();
    const auto resumed = who;  // stop() has destroyed nothing of this yet, but what is resumed may
    resumed.resume();
  });
  if (!watching_) found_ = events_;
  return watching_;
}

void FileReadyOp::stop() {
  if (std::exchange(watching_, false)) executor_.unwatch(fd_);
}

Task<Result<usize>> read_file(Host host, int fd, MutBytes out) {
  for (;;) {
    (void)co_await FileReadyOp(host, fd, EPOLLIN);
    const ssize_t n = ::read(fd, out.data(), out.size());
    if (n >= 0) co_return static_cast<usize>(n);
    if (errno != EINTR && errno != EAGAIN) co_return fail(from_errno(errno));
  }
}

Task<Result<void>> write_file(Host host, int fd, Bytes data) {
  const bool blocking = may_block(fd);
  const usize at_once = blocking ? never_blocks : data.size();
  while (!data.empty()) {
    if (blocking && !is_writable_now(fd)) (void)co_await FileReadyOp(host, fd, EPOLLOUT);
    const ssize_t n = ::write(fd, data.data(), std::min(data.size(), at_once));
    if (n > 0) data = data.subspan(static_cast<usize>(n));
    else if (n < 0 && errno == EAGAIN) (void)co_await FileReadyOp(host, fd, EPOLLOUT);
    else if (n < 0 && errno != EINTR) co_return fail(from_errno(errno));
  }
  co_return Result<void>{};
}

}  // namespace weir::apps
