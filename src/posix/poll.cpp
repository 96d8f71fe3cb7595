// poll(2), and what readiness of a socket means there.
#include "posix/file.hpp"

namespace weir::posix {
namespace {

u32 events_of_stream(Shard& shard, File& f) {
  const u32 ready = shard.ready(f.sock);
  const u32 error = (ready & Ready::error) != 0 || harvest(shard, f) ? u32{POLLERR} : 0u;
  if (f.stage == Stage::listening) return error | ((ready & Ready::in) != 0 ? u32{POLLIN | POLLRDNORM} : 0u);
  // Never connected: hung up, and nothing has ended.
  if (f.stage == Stage::fresh) return error | u32{POLLOUT | POLLWRNORM | POLLHUP};
  u32 events = error;
  if ((ready & Ready::peer_closed) != 0) events |= u32{POLLIN | POLLRDNORM | POLLRDHUP};
  else if ((ready & Ready::in) != 0) {
    const i64 here = shard.get_option(f.sock, Option::pending_input).value_or(0);
    if (here >= f.extras.receive_low_water) events |= u32{POLLIN | POLLRDNORM};
  }
  if ((ready & Ready::out) != 0) events |= u32{POLLOUT | POLLWRNORM};
  if ((ready & Ready::priority) != 0) events |= u32{POLLPRI};
  if ((ready & Ready::hangup) != 0) events |= u32{POLLHUP};
  return events;
}

}  // namespace

u32 events_of(Shard& shard, File& f) {
  switch (f.kind) {
    case FileKind::socket: break;
    case FileKind::epoll: return epoll_ready(shard, f, {}) != 0 ? u32{POLLIN | POLLRDNORM} : 0u;
    case FileKind::pipe_read: return (f.pipe->size() != 0 ? u32{POLLIN | POLLRDNORM} : 0u) | (f.pipe->writers == 0 ? u32{POLLHUP} : 0u);
    case FileKind::pipe_write:
      return (f.pipe->room() >= Pipe::page ? u32{POLLOUT | POLLWRNORM} : 0u) | (f.pipe->readers == 0 ? u32{POLLERR} : 0u);
  }
  if (f.is_stream()) return events_of_stream(shard, f);
  const u32 ready = shard.ready(f.sock);
  u32 events = 0;
  if ((ready & Ready::in) != 0) events |= u32{POLLIN | POLLRDNORM};
  if ((ready & Ready::out) != 0) events |= u32{POLLOUT | POLLWRNORM | POLLWRBAND};
  if ((ready & Ready::error) != 0 || harvest(shard, f)) events |= u32{POLLERR};
  if ((ready & Ready::hangup) != 0) events |= u32{POLLHUP | POLLRDHUP};
  return events;
}

Outcome Process::poll(pollfd* fds, nfds_t n, Instant now) {
  last_ = now;
  if (n > static_cast<nfds_t>(1 << 20)) return failed(EINVAL);
  if (n != 0 && is_bad(fds)) return failed(EFAULT);
  i64 count = 0;
  for (pollfd& p : std::span{fds, n}) {
    p.revents = 0;
    if (p.fd < 0) continue;
    File* f = find(p.fd);
    const u32 wanted = static_cast<u16>(p.events) | u32{POLLERR | POLLHUP};
    p.revents = static_cast<short>(f != nullptr ? events_of(shard_, *f) & wanted : u32{POLLNVAL});
    count += p.revents != 0;
  }
  return {count, 0, false};
}

}  // namespace weir::posix
