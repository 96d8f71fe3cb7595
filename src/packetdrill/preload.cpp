// The C library's names for what scripts do to a socket without asking the table: with the library in LD_PRELOAD too, code blocks
// read TCP_INFO, sendfile() sends, and the last close() closes. A descriptor that is none of ours goes on to the system.
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "packetdrill/current.hpp"

namespace weir::packetdrill {
namespace {

// -1: leave it to the system.
int own(const std::shared_ptr<Host>& host, int fd) { return host ? host->find(fd) : -1; }

ssize_t send_file(Host& host, int out, int in, off_t* offset, size_t count) {
  i64 done = 0;
  const auto so_far = [&](posix::Outcome o) { return o.error != 0 && done != 0 ? posix::Outcome{done, 0, false} : o; };
  const Attempt attempt = [&](posix::Process& p, Instant now) {
    posix::Outcome o = p.sendfile(out, in, offset, count - static_cast<size_t>(done), now);
    if (o.error != 0) return so_far(o);
    done += o.value;
    return posix::Outcome{o.wait ? 0 : done, 0, o.wait};
  };
  const posix::Outcome o = host.call(attempt, host.patience_of(out, true, [&] { return so_far(posix::failed(EAGAIN)); }));
  if (o.error == 0) return o.value;
  errno = o.error;
  return -1;
}

}  // namespace
}  // namespace weir::packetdrill

extern "C" {

[[gnu::visibility("default")]] int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept {
  const auto host = weir::packetdrill::current();
  const int own = weir::packetdrill::own(host, fd);
  if (own >= 0) return weir::packetdrill::get_socket_option(*host, own, level, name, value, length);
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, name, value, length));
}

[[gnu::visibility("default")]] int close(int fd) {
  const auto host = weir::packetdrill::current();
  if (weir::packetdrill::own(host, fd) >= 0) return weir::packetdrill::close_socket(*host, fd);
  return static_cast<int>(::syscall(SYS_close, fd));
}

[[gnu::visibility("default")]] ssize_t sendfile(int out, int in, off_t* offset, size_t count) noexcept {
  const auto host = weir::packetdrill::current();
  const int own = weir::packetdrill::own(host, out);
  if (own >= 0) return weir::packetdrill::send_file(*host, own, in, offset, count);
  return ::syscall(SYS_sendfile, out, in, offset, count);
}

[[gnu::visibility("default")]] ssize_t sendfile64(int out, int in, off64_t* offset, size_t count) noexcept {
  return sendfile(out, in, offset, count);
}
}
