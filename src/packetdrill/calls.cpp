// packetdrill/table.hpp: the calls, each made on the stack by Host::call.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "packetdrill/current.hpp"
#include "packetdrill/table.hpp"
#include "posix/address.hpp"
#include "posix/file.hpp"
#include "posix/transfer.hpp"

namespace weir::packetdrill {
namespace {

using posix::Outcome;
using posix::Process;
using posix::Transfer;

std::mutex current_mutex;

// Never destroyed: the C library's close() comes here until the very end of the process.
std::shared_ptr<Host>& current_host() {
  static auto* const host = new std::shared_ptr<Host>;
  return *host;
}

int result(const Outcome& o) {
  if (o.error == 0) return static_cast<int>(o.value);
  errno = o.error;
  return -1;
}

int fail_with(int error) {
  errno = error;
  return -1;
}

// The host, and the process's descriptor for the tool's. A descriptor that is none of ours is EBADF from the process itself.
struct On {
  explicit On(int real) : host(current()), fd(host ? host->find(real) : -1) {}
  std::shared_ptr<Host> host;
  int fd;
};

template <class F>
int at_once(const On& on, F&& f) {
  if (!on.host) return fail_with(EBADF);
  const Attempt attempt = [&](Process& p, Instant now) { return f(p, now); };
  return result(on.host->call(attempt, {}));
}

// The answer of a call that makes a descriptor.
int adopted(const On& on, int own) {
  if (own < 0) return own;
  const int fd = on.host->adopt(own);
  return fd >= 0 ? fd : fail_with(EMFILE);
}

ssize_t transfer(int real, Transfer::Direction direction, msghdr* message, int flags) {
  On on(real);
  if (!on.host) return fail_with(EBADF);
  if (posix::is_bad(message)) return fail_with(EFAULT);
  Transfer t(direction, on.fd, *message, flags);
  const Attempt attempt = [&](Process& p, Instant now) { return t.attempt(p, now); };
  const Patience patience = on.host->patience_of(on.fd, direction == Transfer::send, [&t] { return t.give_up(EAGAIN); });
  const Outcome o = on.host->call(attempt, patience);
  if (direction == Transfer::receive && o.error == 0) {
    message->msg_flags = t.message().msg_flags;
    message->msg_namelen = t.message().msg_namelen;
    message->msg_controllen = t.message().msg_controllen;
  }
  if (o.error != 0) return fail_with(o.error);
  return static_cast<ssize_t>(o.value);
}

ssize_t transfer(int real, Transfer::Direction direction, void* data, size_t length, int flags) {
  iovec v{data, length};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  return transfer(real, direction, &m, flags);
}

ssize_t transfer(int real, Transfer::Direction direction, const iovec* vectors, int n) {
  if (n < 0) return fail_with(EINVAL);
  msghdr m{};
  m.msg_iov = const_cast<iovec*>(vectors);
  m.msg_iovlen = static_cast<size_t>(n);
  const ssize_t done = transfer(real, direction, &m, 0);
  return done < 0 && errno == EMSGSIZE && n > 1'024 ? fail_with(EINVAL) : done;  // readv() names it so
}

// -- sockets

int do_socket(void*, int domain, int type, int protocol) {
  On on(-1);
  if (!on.host) return fail_with(ENODEV);
  on.host->read_system_settings();
  return adopted(on, at_once(on, [&](Process& p, Instant now) { return p.socket(domain, type, protocol, now); }));
}

int do_bind(void*, int fd, const sockaddr* address, socklen_t length) {
  On on(fd);
  const auto at = posix::is_bad(address) || length < sizeof(sockaddr)
                      ? std::unexpected(EFAULT)
                      : posix::from_sockaddr(address->sa_family, address, length, posix::Use::bind);
  if (on.host && at) on.host->learn(at->addr);
  return at_once(on, [&](Process& p, Instant now) { return p.bind(on.fd, address, length, now); });
}

int do_listen(void*, int fd, int backlog) {
  On on(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.listen(on.fd, backlog, now); });
}

int do_accept(void*, int fd, sockaddr* address, socklen_t* length) {
  On on(fd);
  if (!on.host) return fail_with(EBADF);
  const Attempt attempt = [&](Process& p, Instant now) { return p.accept(on.fd, address, length, 0, now); };
  const Patience patience = on.host->patience_of(on.fd, false, [] { return posix::failed(EAGAIN); });
  return adopted(on, result(on.host->call(attempt, patience)));
}

int do_connect(void*, int fd, const sockaddr* address, socklen_t length) {
  On on(fd);
  if (!on.host) return fail_with(EBADF);
  const Attempt attempt = [&](Process& p, Instant now) { return p.connect(on.fd, address, length, now); };
  const Patience patience = on.host->patience_of(on.fd, true, [] { return posix::failed(EINPROGRESS); });
  return result(on.host->call(attempt, patience));
}

int do_shutdown(void*, int fd, int how) {
  On on(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.shutdown(on.fd, how, now); });
}

int do_close(void*, int fd) {
  On on(fd);
  return on.host ? close_socket(*on.host, fd) : fail_with(EBADF);
}

// -- data

ssize_t do_recvmsg(void*, int fd, msghdr* message, int flags) { return transfer(fd, Transfer::receive, message, flags); }
ssize_t do_sendmsg(void*, int fd, const msghdr* message, int flags) {
  return transfer(fd, Transfer::send, const_cast<msghdr*>(message), flags);
}
ssize_t do_read(void*, int fd, void* data, size_t length) {
  if (length != 0) return transfer(fd, Transfer::receive, data, length, 0);
  On on(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.read(on.fd, data, 0, now); });
}
ssize_t do_readv(void*, int fd, const iovec* vectors, int n) { return transfer(fd, Transfer::receive, vectors, n); }
ssize_t do_recv(void*, int fd, void* data, size_t length, int flags) { return transfer(fd, Transfer::receive, data, length, flags); }
ssize_t do_recvfrom(void*, int fd, void* data, size_t length, int flags, sockaddr* address, socklen_t* address_length) {
  iovec v{data, length};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_name = address;
  m.msg_namelen = address != nullptr && address_length != nullptr ? *address_length : 0;
  const ssize_t n = transfer(fd, Transfer::receive, &m, flags);
  if (n >= 0 && address != nullptr && address_length != nullptr) *address_length = m.msg_namelen;
  return n;
}
ssize_t do_write(void*, int fd, const void* data, size_t length) {
  return transfer(fd, Transfer::send, const_cast<void*>(data), length, 0);
}
ssize_t do_writev(void*, int fd, const iovec* vectors, int n) { return transfer(fd, Transfer::send, vectors, n); }
ssize_t do_send(void*, int fd, const void* data, size_t length, int flags) {
  return transfer(fd, Transfer::send, const_cast<void*>(data), length, flags);
}
ssize_t do_sendto(void*, int fd, const void* data, size_t length, int flags, const sockaddr* address, socklen_t address_length) {
  iovec v{const_cast<void*>(data), length};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_name = const_cast<sockaddr*>(address);
  m.msg_namelen = address_length;
  return transfer(fd, Transfer::send, &m, flags);
}

int do_splice(void*, int in, loff_t* in_offset, int out, loff_t* out_offset, size_t length, unsigned flags) {
  On from(in), to(out);
  if (!from.host) return fail_with(EBADF);
  // For NULL in a script the tool gives an offset of 0. None of ours has offsets.
  if (in_offset != nullptr && *in_offset == 0) in_offset = nullptr;
  if (out_offset != nullptr && *out_offset == 0) out_offset = nullptr;
  const Attempt attempt = [&](Process& p, Instant now) { return p.splice(from.fd, in_offset, to.fd, out_offset, length, flags, now); };
  return result(from.host->call(attempt, {}));
}

// -- control

int do_fcntl(void*, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const int argument = va_arg(arguments, int);  // of all commands that there are here
  va_end(arguments);
  On on(fd);
  const int r = at_once(on, [&](Process& p, Instant now) { return p.fcntl(on.fd, command, argument, now); });
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? adopted(on, r) : r;
}

int do_ioctl(void*, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  On on(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.ioctl(on.fd, request, argument, now); });
}

int do_getsockopt(void*, int fd, int level, int name, void* value, socklen_t* length) {
  On on(fd);
  return on.host ? get_socket_option(*on.host, on.fd, level, name, value, length) : fail_with(EBADF);
}

int do_setsockopt(void*, int fd, int level, int name, const void* value, socklen_t length) {
  On on(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.setsockopt(on.fd, level, name, value, length, now); });
}

int do_pipe(void*, int fds[2]) {
  On on(-1);
  int own[2] = {-1, -1};
  if (at_once(on, [&](Process& p, Instant now) { return p.pipe(own, 0, now); }) < 0) return -1;
  for (int i = 0; i < 2; ++i)
    if ((fds[i] = adopted(on, own[i])) < 0) return -1;
  return 0;
}

// -- readiness: a look, and until the time is over another one whenever something has happened

template <class Look>
int look_until(const On& on, int timeout_ms, const Look& look) {
  if (!on.host) return fail_with(EBADF);
  const Attempt attempt = [&](Process& p, Instant now) {
    Outcome o = look(p, now);
    o.wait = o.error == 0 && o.value == 0 && timeout_ms != 0;
    return o;
  };
  Patience patience{{}, [] { return Outcome{}; }};
  if (timeout_ms > 0) patience.time = Duration::millis(timeout_ms);
  return result(on.host->call(attempt, patience));
}

int do_poll(void*, pollfd* fds, nfds_t n, int timeout_ms) {
  On on(-1);
  if (!on.host || (n != 0 && posix::is_bad(fds))) return fail_with(on.host ? EFAULT : EBADF);
  constexpr int none = 1 << 30;  // of nobody: POLLNVAL
  std::vector<pollfd> own(fds, fds + n);
  for (pollfd& p : own)
    if (p.fd >= 0 && (p.fd = on.host->find(p.fd)) < 0) p.fd = none;
  const int r = look_until(on, timeout_ms, [&](Process& p, Instant now) { return p.poll(own.data(), n, now); });
  for (nfds_t i = 0; i < n; ++i) fds[i].revents = r >= 0 ? own[i].revents : short{0};
  return r;
}

int do_epoll_create(void*, int size) {
  On on(-1);
  if (size <= 0) return fail_with(EINVAL);
  return adopted(on, at_once(on, [&](Process& p, Instant now) { return p.epoll_create(0, now); }));
}

int do_epoll_ctl(void*, int epoll, int operation, int fd, epoll_event* event) {
  On on(epoll), of(fd);
  return at_once(on, [&](Process& p, Instant now) { return p.epoll_ctl(on.fd, operation, of.fd, event, now); });
}

int do_epoll_wait(void*, int epoll, epoll_event* events, int most, int timeout_ms) {
  On on(epoll);
  return look_until(on, timeout_ms, [&](Process& p, Instant now) { return p.epoll_wait(on.fd, events, most, now); });
}

// -- the wire and the clock

int do_netdev_send(void*, const void* packet, size_t length) {
  const auto host = current();
  if (!host) return fail_with(ENODEV);
  host->packet_in({static_cast<const std::byte*>(packet), length});
  return 0;
}

int do_netdev_receive(void*, void* packet, size_t* length, long long* time_us) {
  const auto host = current();
  if (!host) return fail_with(ENODEV);
  const auto sent = host->packet_out();
  const size_t n = sent ? std::min(*length, sent->bytes.size()) : 0;
  if (n != 0) std::memcpy(packet, sent->bytes.data(), n);
  if (sent) *time_us = sent->time.ns / 1'000;
  *length = n;
  return 0;
}

int do_usleep(void*, useconds_t us) {
  if (const auto host = current()) host->sleep(Duration::micros(us));
  return 0;
}

int do_gettimeofday(void*, timeval* time, struct timezone*) {
  const auto host = current();
  if (!host) return fail_with(ENODEV);
  const i64 us = host->clock().ns / 1'000;
  if (time != nullptr) *time = {us / 1'000'000, us % 1'000'000};
  return 0;
}

void do_free(void*) { set_current(nullptr); }

constexpr Table table{nullptr,         do_free,       do_socket,     do_bind,        do_listen,         do_accept, do_connect,
                      do_read,         do_readv,      do_recv,       do_recvfrom,    do_recvmsg,        do_write,  do_writev,
                      do_send,         do_sendto,     do_sendmsg,    do_fcntl,       do_ioctl,          do_close,  do_shutdown,
                      do_getsockopt,   do_setsockopt, do_poll,       do_netdev_send, do_netdev_receive, do_usleep, do_gettimeofday,
                      do_epoll_create, do_epoll_ctl,  do_epoll_wait, do_pipe,        do_splice};

}  // namespace

std::shared_ptr<Host> current() {
  const std::lock_guard lock(current_mutex);
  return current_host();
}

void set_current(std::shared_ptr<Host> host) {
  {
    const std::lock_guard lock(current_mutex);
    current_host().swap(host);
  }
  if (host) host->end();  // a thread that waits in a call holds it too
}

int close_socket(Host& host, int fd) {
  const int own = host.find(fd);
  const Attempt attempt = [&](Process& p, Instant now) { return p.close(own, now); };
  const int r = result(host.call(attempt, {}));
  if (r == 0) host.forget(fd);
  return r;
}

int get_socket_option(Host& host, int process_fd, int level, int name, void* value, socklen_t* length) {
  const Attempt attempt = [&](Process& p, Instant now) { return p.getsockopt(process_fd, level, name, value, length, now); };
  return result(host.call(attempt, {}));
}

}  // namespace weir::packetdrill

void packetdrill_interface_init(const char* flags, weir::packetdrill::Table* out) {
  using namespace weir::packetdrill;
  const auto parsed = parse_flags(flags != nullptr ? flags : "");
  if (!parsed) {
    std::fprintf(stderr, "weir_packetdrill: --so_flags: %s\n", parsed.error().c_str());
    std::exit(2);
  }
  set_current(nullptr);
  set_current(std::make_shared<Host>(*parsed));
  *out = table;
}
