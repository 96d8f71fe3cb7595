// Calls by which sockets come and go.
#include <fmt/format.h>
#include <unistd.h>

#include "drill/calls.hpp"

namespace weir::drill {

void Calls::do_socket(const SystemCall& s, PendingCall& c) {
  const int domain = is_ellipsis(s.arguments[0]) ? (settings_.socket_v6() ? AF_INET6 : AF_INET) : integer(s.arguments[0]);
  const int type = integer(s.arguments[1]), protocol = integer(s.arguments[2]);
  c.makes_descriptor = true;
  c.attempt = [this, domain, type, protocol](Instant now) { return process_.socket(domain, type, protocol, now); };
}

void Calls::do_bind(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const Address usual =
      make_address(IpAddr::any(settings_.socket_v6() ? Family::v6 : Family::v4), settings_.bind_port, settings_.socket_v6());
  const Address a = address_of(s.arguments[1], usual, settings_);
  const socklen_t length = is_ellipsis(s.arguments[2]) ? a.length : static_cast<socklen_t>(size(s.arguments[2]));
  c.attempt = [this, fd, a, length](Instant now) { return process_.bind(fd, a.get(), length, now); };
}

void Calls::do_listen(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]), backlog = integer(s.arguments[1]);
  c.attempt = [this, fd, backlog](Instant now) { return process_.listen(fd, backlog, now); };
}

void Calls::do_accept(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const int flags = s.arguments.size() > 3 ? integer(s.arguments[3]) : 0;
  c.makes_descriptor = true;
  limit(c, fd, false, EAGAIN);
  c.attempt = [this, fd, flags](Instant now) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    return process_.accept(fd, reinterpret_cast<sockaddr*>(&from), &length, flags, now);
  };
}

void Calls::do_connect(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const Address usual = make_address(settings_.remote_address(), settings_.connect_port, settings_.socket_v6());
  const Address a = address_of(s.arguments[1], usual, settings_);
  const socklen_t length = is_ellipsis(s.arguments[2]) ? a.length : static_cast<socklen_t>(size(s.arguments[2]));
  limit(c, fd, true, EINPROGRESS);
  c.attempt = [this, fd, a, length](Instant now) { return process_.connect(fd, a.get(), length, now); };
}

void Calls::do_shutdown(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]), how = integer(s.arguments[1]);
  c.attempt = [this, fd, how](Instant now) { return process_.shutdown(fd, how, now); };
}

void Calls::do_close(const SystemCall& s, PendingCall& c) {
  const i64 script = number(s.arguments[0]);
  if (const auto file = files_.find(script); file != files_.end()) {
    const int live = file->second;
    files_.erase(file);
    c.attempt = [live](Instant) { return posix::Outcome{.value = ::close(live)}; };
    return;
  }
  const int fd = live_fd(s.arguments[0]);
  c.attempt = [this, fd](Instant now) { return process_.close(fd, now); };
  c.check = [this, script](const posix::Outcome& o) {
    if (o.value != 0) return;
    fds_.erase(script);
    if (current_fd_ == script) flows_.finish_current();
  };
}

// getsockname, getpeername: (fd, {address} or ..., ...).
void Calls::do_name(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const bool peer = s.name == "getpeername";
  const auto got = std::make_shared<Address>();
  c.attempt = [this, fd, peer, got](Instant now) {
    got->length = sizeof got->storage;
    auto* to = reinterpret_cast<sockaddr*>(&got->storage);
    return peer ? process_.getpeername(fd, to, &got->length, now) : process_.getsockname(fd, to, &got->length, now);
  };
  if (is_ellipsis(s.arguments[1])) return;
  const Address want = address_of(s.arguments[1], {}, settings_);
  c.check = [want, got, place = c.place, &s](const posix::Outcome& o) {
    if (o.value == 0 && (want.length != got->length || std::memcmp(&want.storage, &got->storage, want.length) != 0))
      throw RunFailure(place, fmt::format("{}() gave another address", s.name));
  };
}

}  // namespace weir::drill
