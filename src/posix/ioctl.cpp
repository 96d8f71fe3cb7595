// ioctl(2) on a socket.
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "posix/file.hpp"
#include "sock/table.hpp"

namespace weir::posix {
namespace {

Outcome put(void* to, i64 value) noexcept {
  if (is_bad(to)) return failed(EFAULT);
  const int v = static_cast<int>(value);
  std::memcpy(to, &v, sizeof v);
  return {};
}

}  // namespace

Outcome Process::ioctl(int fd, unsigned long request, void* argument, Instant) {
  File* f = find(fd);
  if (f == nullptr) return failed(EBADF);
  const auto number = [&](Option o) { return shard_.get_option(f->sock, o).value_or(0); };
  switch (request) {
    case FIOCLEX: return fcntl(fd, F_SETFD, FD_CLOEXEC, last_);
    case FIONCLEX: return fcntl(fd, F_SETFD, 0, last_);
    case FIONBIO: {
      if (is_bad(argument)) return failed(EFAULT);
      const bool on = load_raw<int>(argument) != 0;
      return fcntl(fd, F_SETFL, on ? f->status | O_NONBLOCK : f->status & ~O_NONBLOCK, last_);
    }
    default: break;
  }
  if (f->kind != FileKind::socket) return failed(ENOTTY);
  const bool listening = f->stage == Stage::listening;
  switch (request) {
    case SIOCINQ:  // FIONREAD
      if (listening) return failed(EINVAL);
      return put(argument, number(Option::pending_input));
    case SIOCOUTQ:
      if (listening) return failed(EINVAL);
      return put(argument, number(Option::pending_output));
    case SIOCOUTQNSD: {
      if (!f->is_stream() || listening) return failed(EINVAL);
      const auto info = shard_.core().sockets->tcp_info(f->sock);
      return put(argument, info ? info->unsent : 0);
    }
    case SIOCATMARK:
      if (!f->is_stream()) return failed(ENOTTY);
      return put(argument, number(Option::at_mark));
    default: return failed(ENOTTY);
  }
}

}  // namespace weir::posix
