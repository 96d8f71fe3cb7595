// apps/file_io.hpp
#include "apps/file_io.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace weir::apps {
namespace {

// A pipe that is said to be writable takes so much without blocking, whatever its file status flags are (POSIX PIPE_BUF).
constexpr usize never_blocks = 4096;

bool is_regular(int fd) noexcept {
  struct stat s {};
  return ::fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISBLK(s.st_mode));
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
  const usize at_once = is_regular(fd) ? data.size() : never_blocks;
  while (!data.empty()) {
    if (at_once == never_blocks && !is_writable_now(fd)) (void)co_await FileReadyOp(host, fd, EPOLLOUT);
    const ssize_t n = ::write(fd, data.data(), std::min(data.size(), at_once));
    if (n > 0) data = data.subspan(static_cast<usize>(n));
    else if (n < 0 && errno != EINTR && errno != EAGAIN) co_return fail(from_errno(errno));
  }
  co_return Result<void>{};
}

}  // namespace weir::apps
