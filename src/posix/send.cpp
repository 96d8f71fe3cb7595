// send(2) and its relatives on a socket: one attempt.
#include "posix/address.hpp"
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

Outcome send_datagram(Shard& shard, File& f, const msghdr& m, int flags, Instant now) {
  if ((flags & MSG_OOB) != 0) return failed(EOPNOTSUPP);
  const usize length = total(m);
  if (length > longest_datagram) return failed(EMSGSIZE);
  Endpoint to;
  if (m.msg_name != nullptr && m.msg_namelen != 0) {
    const auto given = from_sockaddr(f.domain, static_cast<const sockaddr*>(m.msg_name), m.msg_namelen, Use::send);
    if (!given) return failed(given.error());
    to = *given;
    if (to.port == 0 && f.type == SOCK_DGRAM) return failed(EINVAL);
    if (to.addr.is_any()) to.addr = to.addr.is_v4() ? IpAddr{Ip4Addr::loopback()} : IpAddr{Ip6Addr::loopback()};  // as with connect()
  } else if (f.stage != Stage::connected) {
    return failed(EDESTADDRREQ);
  }
  std::vector<std::byte> scratch;
  const bool direct = m.msg_iovlen == 1 && !is_bad(m.msg_iov[0].iov_base);
  if (!direct && !gather(m, length, scratch)) return failed(EFAULT);
  const Bytes data = direct ? Bytes{bytes_of_vector(m.msg_iov[0])} : Bytes{scratch};
  const auto n = m.msg_name != nullptr && m.msg_namelen != 0 ? shard.send_to(f.sock, data, to, 0, now) : shard.send(f.sock, data, 0, now);
  if (!n && n.error() == Errc::would_block) return blocked(f, 0, flags);
  return n ? Outcome{*n, 0, false} : failed(to_errno(n.error()));
}

}  // namespace

Outcome send(Shard& shard, File& file, const msghdr& m, int flags, Instant now) {
  if (const int error = check_vectors(m); error != 0) return failed(error);
  return file.is_stream() ? send_stream(shard, file, m, flags, now) : send_datagram(shard, file, m, flags, now);
}

}  // namespace weir::posix
