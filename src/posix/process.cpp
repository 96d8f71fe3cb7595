// posix/process.hpp: descriptors, and the calls that open, name and close sockets.
#include "posix/process.hpp"

#include <fcntl.h>
#include <netinet/in.h>

#include <algorithm>

#include "posix/address.hpp"
#include "posix/file.hpp"
#include "sock/table.hpp"
#include "tcp/engine.hpp"

namespace weir::posix {
namespace {

constexpr int most_fds = 1 << 20;
constexpr int somaxconn = 4096;

Outcome of(Errc e) noexcept { return failed(to_errno(e)); }
template <class T>
Outcome of(const Result<T>& r) noexcept {
  return r ? Outcome{} : of(r.error());
}

struct Kind {
  SocketType type;
  u8 protocol;
};

Result<Kind, int> kind_of(int type, int protocol) noexcept {
  if (protocol < 0 || protocol > 255) return std::unexpected(EINVAL);
  const auto is = [&](int own) { return protocol == 0 || protocol == own; };
  switch (type) {
    case SOCK_STREAM:
      if (!is(IPPROTO_TCP)) return std::unexpected(EPROTONOSUPPORT);
      return Kind{SocketType::stream, IPPROTO_TCP};
    case SOCK_DGRAM:
      if (!is(IPPROTO_UDP)) return std::unexpected(EPROTONOSUPPORT);
      return Kind{SocketType::datagram, IPPROTO_UDP};
    case SOCK_RAW:
      if (protocol == 0) return std::unexpected(EPROTONOSUPPORT);
      return Kind{SocketType::raw, static_cast<u8>(protocol == IPPROTO_RAW ? 255 : protocol)};
    default: return std::unexpected(ESOCKTNOSUPPORT);
  }
}

}  // namespace

bool File::blocking(int flags) const noexcept { return (status & O_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0; }

Process::Process(Shard& shard, NetnsId netns) : shard_(shard), netns_(netns), last_(shard.core().now) {}

Process::~Process() {
  last_ = std::max(last_, shard_.core().now);
  for (Slot& s : slots_)
    if (s.file) release(s, last_);
}

File* Process::find(int fd) const noexcept {
  const usize i = static_cast<usize>(fd) - first_fd;
  if (fd < first_fd || i >= slots_.size() || slots_[i].closing) return nullptr;
  return slots_[i].file.get();
}

File* Process::find_socket(int fd, int& error) const noexcept {
  File* f = find(fd);
  if (f == nullptr) error = EBADF;
  else if (f->kind != FileKind::socket) error = ENOTSOCK;
  return error == 0 ? f : nullptr;
}

Sock Process::sock_of(int fd) const {
  const File* f = find(fd);
  return f != nullptr && f->kind == FileKind::socket ? f->sock : Sock{};
}

Outcome Process::install(std::shared_ptr<File> file, bool close_on_exec, int least) {
  usize i = static_cast<usize>(std::max(least - first_fd, 0));
  while (i < slots_.size() && slots_[i].file) ++i;
  if (i >= static_cast<usize>(most_fds)) return failed(EMFILE);
  if (i >= slots_.size()) slots_.resize(i + 1);
  slots_[i] = {std::move(file), close_on_exec, false, {}};
  return {static_cast<i64>(i) + first_fd, 0, false};
}

void Process::release(Slot& slot, Instant now) {
  const std::shared_ptr<File> file = std::move(slot.file);
  slot = {};
  if (file.use_count() != 1) return;
  switch (file->kind) {
    case FileKind::socket:
      for (const auto& [interface, group] : file->memberships) (void)shard_.leave_group(interface, group, now);
      (void)shard_.close(file->sock, now);
      break;
    case FileKind::pipe_read: --file->pipe->readers, ++file->pipe->edges.in, ++file->pipe->edges.out; break;
    case FileKind::pipe_write: --file->pipe->writers, ++file->pipe->edges.in; break;
    case FileKind::epoll: break;
  }
}

Outcome Process::socket(int domain, int type, int protocol, Instant now) {
  last_ = now;
  const int flags = type & ~0xf;
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return failed(EINVAL);
  if (domain != AF_INET && domain != AF_INET6) return failed(EAFNOSUPPORT);
  const auto kind = kind_of(type & 0xf, protocol);
  if (!kind) return failed(kind.error());
  const auto s = shard_.socket(netns_, domain == AF_INET ? Family::v4 : Family::v6, kind->type, kind->protocol, now);
  if (!s) return of(s.error());
  auto file = std::make_shared<File>();
  file->status = O_RDWR | ((flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0);
  file->sock = *s;
  file->netns = netns_;
  file->domain = domain;
  file->type = type & 0xf;
  file->protocol = kind->protocol;
  file->extras.wall_clock = wall_clock_;
  if (type == SOCK_RAW && protocol == IPPROTO_RAW) (void)shard_.set_option(*s, Option::header_included, 1, now);
  const Outcome o = install(std::move(file), (flags & SOCK_CLOEXEC) != 0);
  if (o.error != 0) (void)shard_.close(*s, now);
  return o;
}

bool Process::is_local(const IpAddr& address) const noexcept {
  if (address.is_any() || address.is_loopback()) return true;
  graph::Core& core = shard_.core();
  const graph::Netns* ns = core.find_netns(netns_);
  return ns != nullptr && std::ranges::any_of(ns->interfaces, [&](IfIndex i) { return core.interface(i).owns(address); });
}

Outcome Process::bind(int fd, const sockaddr* address, socklen_t length, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  const auto at = from_sockaddr(f->domain, address, length, Use::bind);
  if (!at) return failed(at.error());
  if (f->is_stream()) {
    if (f->extras.free_bind == 0 && !is_local(at->addr)) return failed(EADDRNOTAVAIL);
    if (f->bound || f->stage != Stage::fresh) return failed(EINVAL);
  }
  const auto r = shard_.bind(f->sock, *at, now);
  if (r) f->bound = true;
  return of(r);
}

Outcome Process::listen(int fd, int backlog, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (!f->is_stream()) return failed(EOPNOTSUPP);
  if (f->stage != Stage::fresh && f->stage != Stage::listening) return failed(EINVAL);
  // A negative backlog is a very large one.
  const u32 n = std::min(static_cast<u32>(backlog), static_cast<u32>(somaxconn));
  const auto r = shard_.listen(f->sock, n, now);
  if (r) f->stage = Stage::listening;
  return of(r);
}

Outcome Process::accept(int fd, sockaddr* address, socklen_t* length, int flags, Instant now) {
  last_ = now;
  int error = 0;
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return failed(EINVAL);
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (!f->is_stream()) return failed(EOPNOTSUPP);
  if (f->stage != Stage::listening) return failed(EINVAL);
  if (address != nullptr && (is_bad(address) || is_bad(length))) return failed(EFAULT);
  if (address != nullptr && static_cast<i32>(*length) < 0) return failed(EINVAL);
  const auto s = shard_.accept(f->sock, now);
  if (!s && s.error() == Errc::would_block) return f->blocking(0) ? waiting() : failed(EAGAIN);
  if (!s) return of(s.error());
  auto file = std::make_shared<File>();
  file->status = O_RDWR | ((flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0);
  file->sock = *s;
  file->netns = netns_;
  file->domain = f->domain;
  file->type = f->type;
  file->protocol = f->protocol;
  file->stage = Stage::connected;
  file->extras = f->extras;
  const Endpoint peer = shard_.remote(*s).value_or(Endpoint{});
  const Outcome o = install(std::move(file), (flags & SOCK_CLOEXEC) != 0);
  if (o.error != 0) {
    (void)shard_.close(*s, now);
    return o;
  }
  (void)to_sockaddr(find(static_cast<int>(o.value))->domain, peer, address, length);  // checked above
  return o;
}

Outcome Process::connect(int fd, const sockaddr* address, socklen_t length, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (length > sizeof(sockaddr_storage)) return failed(EINVAL);
  if (length != 0 && is_bad(address)) return failed(EFAULT);
  if (length < sizeof(sa_family_t)) return failed(EINVAL);
  if (is_unspecified(address, length)) return disconnect(*f, now);
  if (!f->is_stream()) {
    const auto to = from_sockaddr(f->domain, address, length, Use::connect);
    if (!to) return failed(to.error());
    const auto r = shard_.connect(f->sock, *to, now);
    if (r) f->stage = Stage::connected;
    return of(r);
  }
  const bool again = f->stage == Stage::connecting;
  if (f->stage == Stage::connected || f->stage == Stage::listening) return failed(EISCONN);
  if (!again) {
    const auto to = from_sockaddr(f->domain, address, length, Use::connect);
    if (!to) return failed(to.error());
    const auto r = shard_.connect(f->sock, *to, now);
    if (r || r.error() != Errc::in_progress) return of(r);
    f->stage = Stage::connecting;
  }
  const u32 ready = shard_.ready(f->sock);
  if ((ready & Ready::error) != 0) {
    f->stage = Stage::fresh;
    return failed(static_cast<int>(shard_.get_option(f->sock, Option::error).value_or(ECONNABORTED)));
  }
  if ((ready & Ready::out) != 0) {
    // Closed without an error that somebody has not fetched: it was told by SO_ERROR.
    const bool ended = (ready & Ready::hangup) != 0 && (ready & Ready::in) != 0;
    f->stage = ended ? Stage::fresh : Stage::connected;
    return ended ? failed(ECONNABORTED) : Outcome{};
  }
  if (f->blocking(0)) return waiting();
  return failed(again ? EALREADY : EINPROGRESS);
}

// connect() to AF_UNSPEC. Of a stream socket the connection is reset, and it is as new, its options and address kept.
Outcome Process::disconnect(File& f, Instant now) {
  if (!f.is_stream()) {
    const auto r = shard_.connect(f.sock, {IpAddr::any(f.domain == AF_INET ? Family::v4 : Family::v6), 0, 0}, now);
    if (r) f.stage = Stage::fresh;
    return of(r);
  }
  const auto s = shard_.socket(netns_, f.domain == AF_INET ? Family::v4 : Family::v6, SocketType::stream, IPPROTO_TCP, now);
  if (!s) return of(s.error());
  for (u8 o = 0; o < static_cast<u8>(Option::error); ++o) {
    const auto had = shard_.get_option(f.sock, Option{o}), has = shard_.get_option(*s, Option{o});
    if (had && has && *had != *has) (void)shard_.set_option(*s, Option{o}, *had, now);
  }
  const Endpoint local = shard_.local(f.sock).value_or(Endpoint{});
  (void)shard_.abort(f.sock, now);
  f.sock = *s;
  f.zero_copy = {};
  f.stage = Stage::fresh;
  return f.bound ? of(shard_.bind(f.sock, local, now)) : Outcome{};
}

Outcome Process::shutdown(int fd, int how, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (how < SHUT_RD || how > SHUT_RDWR) return failed(EINVAL);
  constexpr Shutdown hows[] = {Shutdown::read, Shutdown::write, Shutdown::both};
  if (f->stage == Stage::listening) {
    // Linux ends the listening: whoever waits in accept() is woken. Its address stays bound.
    return how == SHUT_WR ? Outcome{} : disconnect(*f, now);
  }
  return of(shard_.shutdown(f->sock, hows[how], now));
}

Outcome Process::close(int fd, Instant now) {
  last_ = now;
  const usize i = static_cast<usize>(fd) - first_fd;
  if (fd < first_fd || i >= slots_.size() || !slots_[i].file) return failed(EBADF);
  return linger(slots_[i], now);
}

// SO_LINGER: until what was sent is acknowledged, FIN included, or the time is over. O_NONBLOCK makes no difference.
Outcome Process::linger(Slot& slot, Instant now) {
  File& f = *slot.file;
  const bool may_be_connected = f.kind == FileKind::socket && f.is_stream() && f.stage != Stage::fresh && f.stage != Stage::listening;
  if (slot.file.use_count() > 1 || !may_be_connected) {
    release(slot, now);
    return {};
  }
  const i64 time = shard_.get_option(f.sock, Option::linger).value_or(-1);
  if (!slot.closing && time > 0 && shard_.get_option(f.sock, Option::pending_input).value_or(0) == 0) {
    slot.closing = true;
    slot.close_by = now + Duration{time};
    (void)shard_.shutdown(f.sock, Shutdown::write, now);
  }
  if (slot.closing && now < slot.close_by) {
    const auto info = shard_.core().sockets->tcp_info(f.sock);
    const tcp::State state = info ? info->state : tcp::State::closed;
    if (state == tcp::State::fin_wait_1 || state == tcp::State::closing || state == tcp::State::last_ack) return waiting();
  }
  release(slot, now);
  return {};
}

Outcome Process::getsockname(int fd, sockaddr* address, socklen_t* length, Instant) {
  int error = 0;
  const File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  const auto local = shard_.local(f->sock);
  if (!local) return of(local.error());
  if (address == nullptr) return failed(EFAULT);
  error = to_sockaddr(f->domain, *local, address, length);
  return error != 0 ? failed(error) : Outcome{};
}

Outcome Process::getpeername(int fd, sockaddr* address, socklen_t* length, Instant) {
  int error = 0;
  const File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  const auto remote = shard_.remote(f->sock);
  if (!remote || (f->is_stream() && f->stage != Stage::connected && (shard_.ready(f->sock) & Ready::out) == 0)) return failed(ENOTCONN);
  if (address == nullptr) return failed(EFAULT);
  error = to_sockaddr(f->domain, *remote, address, length);
  return error != 0 ? failed(error) : Outcome{};
}

Outcome Process::fcntl(int fd, int command, long argument, Instant) {
  File* f = find(fd);
  if (f == nullptr) return failed(EBADF);
  Slot& slot = slots_[static_cast<usize>(fd - first_fd)];
  constexpr int settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;
  switch (command) {
    case F_GETFL: return {f->status, 0, false};
    case F_SETFL: f->status = (f->status & ~settable) | (static_cast<int>(argument) & settable); return {};
    case F_GETFD: return {slot.close_on_exec ? FD_CLOEXEC : 0, 0, false};
    case F_SETFD: slot.close_on_exec = (argument & FD_CLOEXEC) != 0; return {};
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (argument < 0 || argument >= most_fds) return failed(EINVAL);
      return install(slot.file, command == F_DUPFD_CLOEXEC, static_cast<int>(argument));
    case F_GETPIPE_SZ: return f->pipe ? Outcome{static_cast<i64>(f->pipe->capacity), 0, false} : failed(EBADF);
    case F_SETPIPE_SZ: return f->pipe ? resize_pipe(*f->pipe, argument) : failed(EBADF);
    default: return failed(EINVAL);
  }
}

Outcome Process::recvmsg(int fd, msghdr* message, int flags, Instant now) {
  last_ = now;
  File* f = find(fd);
  if (f == nullptr) return failed(EBADF);
  if (is_bad(message)) return failed(EFAULT);
  if (f->kind == FileKind::pipe_read && flags == 0) return read_pipe(*f, *message);
  if (f->kind != FileKind::socket) return failed(flags != 0 ? ENOTSOCK : f->kind == FileKind::epoll ? EINVAL : EBADF);
  return attempt_receive(shard_, *f, *message, flags, now);
}

Outcome Process::sendmsg(int fd, const msghdr* message, int flags, Instant now) {
  last_ = now;
  File* f = find(fd);
  if (f == nullptr) return failed(EBADF);
  if (is_bad(message)) return failed(EFAULT);
  if (f->kind == FileKind::pipe_write && flags == 0) return write_pipe(*f, *message);
  if (f->kind != FileKind::socket) return failed(flags != 0 ? ENOTSOCK : f->kind == FileKind::epoll ? EINVAL : EBADF);
  return attempt_send(shard_, *f, *message, flags, now);
}

Outcome Process::read(int fd, void* buffer, usize length, Instant now) {
  if (find(fd) == nullptr) return failed(EBADF);
  if (length == 0) return {};  // unlike recv() it does not look for data then
  iovec v{buffer, length};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  return recvmsg(fd, &m, 0, now);
}

Outcome Process::write(int fd, const void* buffer, usize length, Instant now) {
  iovec v{const_cast<void*>(buffer), length};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  return sendmsg(fd, &m, 0, now);
}

std::optional<Duration> Process::timeout(int fd, bool sending) {
  const Sock s = sock_of(fd);
  const i64 ns = s ? shard_.get_option(s, sending ? Option::send_timeout : Option::receive_timeout).value_or(0) : 0;
  return ns > 0 ? std::optional{Duration{ns}} : std::nullopt;
}

}  // namespace weir::posix
