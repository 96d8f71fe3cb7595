// recv(2) and its relatives on a socket: one attempt.
#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <climits>

#include "posix/address.hpp"
#include "posix/control.hpp"
#include "posix/file.hpp"
#include "posix/vectors.hpp"

namespace weir::posix {
namespace {

Outcome of(Errc e) noexcept { return failed(to_errno(e)); }

u32 core_flags(int flags) noexcept {
  return ((flags & MSG_PEEK) != 0 ? RecvFlags::peek : 0u) | ((flags & MSG_OOB) != 0 ? RecvFlags::oob : 0u);
}

u64 queued(Shard& shard, const File& f) { return static_cast<u64>(shard.get_option(f.sock, Option::pending_input).value_or(0)); }

bool ended(Shard& shard, const File& f) { return (shard.ready(f.sock) & (Ready::error | Ready::hangup | Ready::peer_closed)) != 0; }

// Copies into one piece of the caller's memory. MSG_TRUNC of a stream throws the bytes away.
Result<u32> take(Shard& shard, File& f, const iovec& to, int flags, Instant now) {
  if ((flags & MSG_TRUNC) == 0) return shard.recv(f.sock, bytes_of_vector(to), core_flags(flags), now);
  std::array<std::byte, 16'384> nowhere;
  u32 done = 0;
  while (done < to.iov_len) {
    const auto n = shard.recv(f.sock, std::span{nowhere}.first(std::min<usize>(to.iov_len - done, nowhere.size())), 0, now);
    if (!n && done == 0) return n;
    if (!n || *n == 0) break;
    done += *n;
    if (queued(shard, f) == 0) break;
  }
  return done;
}

// What a peek sees is always the beginning: it is taken in one piece and laid out afterwards.
Outcome peek(Shard& shard, File& f, const msghdr& m, usize length, int flags, Instant now) {
  const usize here = std::min<usize>(length, queued(shard, f));
  const usize target = (flags & MSG_WAITALL) != 0 ? length : std::min<usize>(length, static_cast<usize>(f.extras.receive_low_water));
  if (here != 0 && here < target && f.blocking(flags) && !ended(shard, f)) return waiting();
  std::vector<std::byte> scratch(std::max<usize>(here, 1));
  const auto n = shard.recv(f.sock, scratch, RecvFlags::peek, now);
  if (!n) return n.error() == Errc::would_block && f.blocking(flags) ? waiting() : of(n.error());
  const usize seen = std::min<usize>(*n, length);
  if ((flags & MSG_TRUNC) == 0 && !scatter(std::span{scratch}.first(seen), m)) return failed(EFAULT);
  return {static_cast<i64>(seen), 0, false};
}

// The error, or the end, or nothing yet, comes before a look at the caller's memory.
Outcome fault(Shard& shard, File& f, int flags, Instant now) {
  std::byte b;
  const auto n = shard.recv(f.sock, {&b, 1}, RecvFlags::peek, now);
  if (!n) return n.error() == Errc::would_block && f.blocking(flags) ? waiting() : of(n.error());
  return *n == 0 ? Outcome{} : failed(EFAULT);
}

Outcome receive_urgent(Shard& shard, File& f, msghdr& m, int flags, Instant now) {
  std::byte b;
  const auto n = shard.recv(f.sock, {&b, 1}, core_flags(flags), now);
  if (!n) return of(n.error());  // it never waits
  m.msg_flags |= MSG_OOB;
  if (total(m) == 0) {
    m.msg_flags |= MSG_TRUNC;
    return {};
  }
  if ((flags & MSG_TRUNC) == 0 && !scatter({&b, 1}, m)) return failed(EFAULT);
  return {1, 0, false};
}

Outcome receive_stream(Shard& shard, File& f, msghdr& m, int flags, Instant now) {
  m.msg_namelen = 0;
  if (f.stage == Stage::fresh || f.stage == Stage::listening) return failed(ENOTCONN);
  if ((flags & MSG_OOB) != 0) return receive_urgent(shard, f, m, flags, now);
  const usize length = total(m);
  if ((flags & MSG_PEEK) != 0) return peek(shard, f, m, length, flags, now);
  if (length == 0) {
    const Outcome o = fault(shard, f, flags, now);
    return o.error == EFAULT ? Outcome{} : o;  // there is data: nothing of it was wanted
  }
  const usize low = std::min<usize>(length, static_cast<usize>(std::max(f.extras.receive_low_water, 1)));
  const usize target = (flags & MSG_WAITALL) != 0 ? length : low;
  usize done = 0;
  for (usize i = 0; i < m.msg_iovlen; ++i) {
    const iovec& to = m.msg_iov[i];
    if (to.iov_len == 0) continue;
    if (done != 0 && queued(shard, f) == 0) break;  // asking would fetch the error, which is the next call's
    if ((flags & MSG_TRUNC) == 0 && is_bad(to.iov_base)) {
      if (done != 0) break;
      return fault(shard, f, flags, now);
    }
    const auto n = take(shard, f, to, flags, now);
    if (!n && done == 0) return n.error() == Errc::would_block && f.blocking(flags) ? waiting() : of(n.error());
    if (!n || *n == 0) break;
    done += *n;
    if (*n < to.iov_len) break;
  }
  const bool mark = queued(shard, f) != 0;  // what is left is urgent, or more than there was room for
  if (done >= target || done == 0 || mark || !f.blocking(flags) || ended(shard, f)) return {static_cast<i64>(done), 0, false};
  return waiting(static_cast<i64>(done));
}

Outcome receive_datagram(Shard& shard, File& f, msghdr& m, int flags, ControlWriter& control, Instant now) {
  if ((flags & MSG_OOB) != 0 && f.type == SOCK_RAW) return failed(EOPNOTSUPP);
  const usize length = total(m);
  // Straight into the caller's memory where it is one piece.
  std::vector<std::byte> scratch;
  const bool direct = m.msg_iovlen == 1 && (length == 0 || !is_bad(m.msg_iov[0].iov_base));
  if (!direct) scratch.resize(std::min<usize>(length, 65'536));
  const MutBytes to = direct ? bytes_of_vector(m.msg_iov[0]) : MutBytes{scratch};
  const auto d = shard.recv_from(f.sock, to, core_flags(flags & ~MSG_OOB), now);
  if (!d) return d.error() == Errc::would_block && f.blocking(flags) ? waiting() : of(d.error());
  if (!direct && !scatter(to.first(d->copied), m)) return failed(EFAULT);
  if (d->copied < d->length) m.msg_flags |= MSG_TRUNC;
  if (m.msg_name != nullptr) {
    if (const int error = to_sockaddr(f.domain, d->from, static_cast<sockaddr*>(m.msg_name), &m.msg_namelen); error != 0)
      return failed(error);
  }
  put_control(f, *d, control);
  return {(flags & MSG_TRUNC) != 0 ? d->length : d->copied, 0, false};
}

// What is left to be read; after the end of the stream 1, so that somebody comes to see the end.
void put_in_queue(Shard& shard, const File& f, ControlWriter& control) {
  const u64 left = queued(shard, f);
  const bool end = left == 0 && (shard.ready(f.sock) & Ready::peer_closed) != 0;
  control.put(IPPROTO_TCP, TCP_CM_INQ, static_cast<int>(std::min<u64>(end ? 1 : left, INT_MAX)));
}

}  // namespace

Outcome attempt_receive(Shard& shard, File& file, msghdr& m, int flags, Instant now) {
  if (const int error = check_vectors(m); error != 0) return failed(error);
  m.msg_flags = 0;
  if ((flags & MSG_ERRQUEUE) != 0) {
    const int error = take_notification(shard, file, m);
    return error != 0 ? failed(error) : Outcome{};
  }
  const socklen_t name_room = m.msg_namelen;
  ControlWriter control(m);
  const Outcome o = file.is_stream() ? receive_stream(shard, file, m, flags, now) : receive_datagram(shard, file, m, flags, control, now);
  if (file.is_stream() && file.extras.in_queue != 0 && o.error == 0 && !o.wait) put_in_queue(shard, file, control);
  if (o.error != 0 || o.wait) {  // the call is made again with what the caller has put there
    m.msg_namelen = name_room;
    return o;
  }
  control.finish();
  return o;
}

}  // namespace weir::posix
