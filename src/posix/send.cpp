// send(2) and its relatives on a socket: one attempt.
#include "posix/address.hpp"
#include "posix/control.hpp"
#include "posix/file.hpp"
#include "posix/vectors.hpp"

namespace weir::posix {
namespace {

constexpr usize longest_datagram = 65'535;

// tcp_sendmsg(): who has no connection, and never had one, has a broken pipe.
Outcome of(Errc e) noexcept { return failed(e == Errc::not_connected ? EPIPE : to_errno(e)); }

Outcome blocked(const File& f, usize done, int flags) noexcept {
  if (f.blocking(flags)) return waiting(static_cast<i64>(done));
  return done != 0 ? Outcome{static_cast<i64>(done), 0, false} : failed(EAGAIN);
}

Outcome send_stream(Shard& shard, File& f, const msghdr& m, int flags, Instant now) {
  const usize length = total(m);
  if (length == 0) {
    const auto n = shard.send(f.sock, {}, 0, now);
    if (n || (n.error() == Errc::would_block && (shard.ready(f.sock) & (Ready::in | Ready::out)) != 0)) return {};
    return n.error() == Errc::would_block ? blocked(f, 0, flags) : of(n.error());
  }
  usize done = 0;
  for (usize i = 0; i < m.msg_iovlen; ++i) {
    const iovec& from = m.msg_iov[i];
    if (from.iov_len == 0) continue;
    const bool last = done + from.iov_len == length;
    // Pieces of one call are one piece of the stream; the urgent byte is the last one.
    u32 how = last && (flags & MSG_MORE) == 0 ? 0 : SendFlags::more;
    if (last && (flags & MSG_OOB) != 0) how |= SendFlags::oob;
    const bool fault = is_bad(from.iov_base);
    const auto n = shard.send(f.sock, fault ? Bytes{} : Bytes{bytes_of_vector(from)}, how, now);
    if (!n && n.error() == Errc::would_block) return blocked(f, done, flags);
    if (!n) return done != 0 ? Outcome{static_cast<i64>(done), 0, false} : of(n.error());
    if (fault) return done != 0 ? Outcome{static_cast<i64>(done), 0, false} : failed(EFAULT);
    done += *n;
    if (*n < from.iov_len) return blocked(f, done, flags);
  }
  return {static_cast<i64>(done), 0, false};
}

// MSG_FASTOPEN: a connection with data on its SYN (RFC 7413 2). Where the SYN cannot have any, whoever waits sends it afterwards.
Outcome send_fast_open(Shard& shard, File& f, const msghdr& m, int flags, Instant now) {
  if (f.stage != Stage::fresh) return send_stream(shard, f, m, flags, now);
  if (m.msg_name == nullptr) return failed(EDESTADDRREQ);
  const auto to = from_sockaddr(f.domain, static_cast<const sockaddr*>(m.msg_name), m.msg_namelen, Use::connect);
  if (!to) return failed(to.error());
  std::vector<std::byte> data;
  if (!gather(m, std::min<usize>(total(m), 64 * 1024), data)) return failed(EFAULT);
  const auto n = shard.send_to(f.sock, data, *to, SendFlags::fast_open, now);
  if (!n && n.error() != Errc::in_progress) return failed(to_errno(n.error()));
  f.stage = Stage::connecting;
  if (n) return {*n, 0, false};
  return f.blocking(flags) ? waiting(0) : failed(EINPROGRESS);
}

// Options of the socket for the length of one call.
class Borrowed {
 public:
  Borrowed(Shard& shard, const File& f, Instant now) noexcept : shard_(shard), file_(f), now_(now) {}
  ~Borrowed() {
    for (const auto& [option, value] : before_) (void)shard_.set_option(file_.sock, option, value, now_);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  [[nodiscard]] Result<void> set(Option option, i64 value) {
    const auto had = shard_.get_option(file_.sock, option);
    if (!had) return fail(had.error());
    const auto done = shard_.set_option(file_.sock, option, value, now_);
    const bool by_default = option == Option::ttl && *had == 0;
    if (done) before_.push_back({option, by_default ? shard_.sysctl(file_.netns)->default_ttl : *had});
    return done;
  }

 private:
  Shard& shard_;
  const File& file_;
  Instant now_;
  std::vector<std::pair<Option, i64>> before_;
};

// Is it the source that the datagram will have anyway? By the socket's address, or else by the route: no other can be asked for.
bool is_source(Shard& shard, const File& f, const IpAddr& source, const Endpoint& to, IfIndex interface, Instant now) {
  const auto local = shard.local(f.sock);
  if (local && !local->addr.is_any()) return local->addr == source;
  graph::Core& core = shard.core();
  const auto d = core.transport.route(core.transport.cx,
                                      {.netns = f.netns, .dst = to.addr, .src = IpAddr::any(to.addr.family()), .oif = interface}, now);
  return d && core.destinations[*d].source == source;
}

int apply(Shard& shard, File& f, const SendControl& control, const Endpoint& to, Borrowed& options, Instant now) {
  if (control.ttl && (!options.set(Option::ttl, *control.ttl) || !options.set(Option::multicast_ttl, *control.ttl))) return EINVAL;
  if (control.tos && !options.set(Option::tos, *control.tos)) return EINVAL;
  if (control.interface && !options.set(Option::bind_interface, *control.interface)) return EINVAL;
  return !control.source || is_source(shard, f, *control.source, to, control.interface.value_or(IfIndex{0}), now) ? 0 : EINVAL;
}

Outcome give(Shard& shard, File& f, Bytes data, const std::optional<Endpoint>& to, int flags, Instant now) {
  const auto n = to ? shard.send_to(f.sock, data, *to, 0, now) : shard.send(f.sock, data, 0, now);
  if (!n && n.error() == Errc::would_block) return blocked(f, 0, flags);
  return n ? Outcome{*n, 0, false} : failed(to_errno(n.error()));
}

Result<std::optional<Endpoint>, int> named(const File& f, const msghdr& m) {
  if (m.msg_name == nullptr || m.msg_namelen == 0) {
    if (f.stage != Stage::connected && f.corked.empty()) return std::unexpected(EDESTADDRREQ);
    return std::optional<Endpoint>{};
  }
  auto to = from_sockaddr(f.domain, static_cast<const sockaddr*>(m.msg_name), m.msg_namelen, Use::send);
  if (!to) return std::unexpected(to.error());
  if (to->port == 0 && f.type == SOCK_DGRAM) return std::unexpected(EINVAL);
  if (to->addr.is_any()) to->addr = to->addr.is_v4() ? IpAddr{Ip4Addr::loopback()} : IpAddr{Ip6Addr::loopback()};  // as with connect()
  return std::optional{*to};
}

// MSG_MORE, UDP_CORK: the parts become one datagram, which goes where the first part said.
Outcome put_together(Shard& shard, File& f, const msghdr& m, const std::optional<Endpoint>& to, int flags, Instant now) {
  const usize length = total(m);
  if (f.corked.size() + length > longest_datagram) return failed(EMSGSIZE);
  if (f.corked.empty()) f.corked_to = to;
  if (!gather(m, length, f.corked)) return failed(EFAULT);
  if ((flags & MSG_MORE) != 0 || f.extras.cork != 0) return {static_cast<i64>(length), 0, false};
  const Outcome o = flush_cork(shard, f, now);
  return o.error != 0 ? o : Outcome{static_cast<i64>(length), 0, false};
}

Outcome send_datagram(Shard& shard, File& f, const msghdr& m, int flags, Instant now) {
  if ((flags & MSG_OOB) != 0) return failed(EOPNOTSUPP);
  const usize length = total(m);
  if (length > longest_datagram) return failed(EMSGSIZE);
  const auto to = named(f, m);
  if (!to) return failed(to.error());
  const auto control = read_control(f, m);
  if (!control) return failed(control.error());
  if (f.type == SOCK_DGRAM && ((flags & MSG_MORE) != 0 || f.extras.cork != 0 || !f.corked.empty()))
    return put_together(shard, f, m, *to, flags, now);
  Borrowed options(shard, f, now);
  const Endpoint where = *to ? **to : shard.remote(f.sock).value_or(Endpoint{});
  if (const int error = apply(shard, f, *control, where, options, now); error != 0) return failed(error);
  std::vector<std::byte> scratch;
  const bool direct = m.msg_iovlen == 1 && !is_bad(m.msg_iov[0].iov_base);
  if (!direct && !gather(m, length, scratch)) return failed(EFAULT);
  return give(shard, f, direct ? Bytes{bytes_of_vector(m.msg_iov[0])} : Bytes{scratch}, *to, flags, now);
}

}  // namespace

Outcome flush_cork(Shard& shard, File& f, Instant now) {
  if (f.corked.empty()) return {};
  const std::vector<std::byte> data = std::move(f.corked);
  f.corked.clear();
  return give(shard, f, data, f.corked_to, MSG_DONTWAIT, now);
}

Outcome attempt_send(Shard& shard, File& file, const msghdr& m, int flags, Instant now) {
  if (const int error = check_vectors(m); error != 0) return failed(error);
  const bool zero_copy = (flags & MSG_ZEROCOPY) != 0;
  if (!file.is_stream()) {
    const Outcome o = send_datagram(shard, file, m, flags, now);
    if (o.value > 0) note_sent(file, static_cast<u64>(o.value), zero_copy);
    return o;
  }
  if (const auto control = read_control(file, m); !control) return failed(control.error());
  const Outcome o = (flags & MSG_FASTOPEN) != 0 ? send_fast_open(shard, file, m, flags, now) : send_stream(shard, file, m, flags, now);
  if (o.value > 0) note_sent(file, static_cast<u64>(o.value), zero_copy);
  return o;
}

}  // namespace weir::posix
