// pipe(2), splice(2), sendfile(2).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "posix/file.hpp"
#include "posix/vectors.hpp"

namespace weir::posix {
namespace {

constexpr usize atomic = 4'096;  // PIPE_BUF: such a write goes in as a whole
constexpr usize chunk = 65'536;

Outcome nothing_in(const File& f, bool blocking) noexcept {
  if (f.pipe->writers == 0) return {};
  return blocking ? waiting() : failed(EAGAIN);
}

}  // namespace

void Pipe::push(Bytes data) {
  if (first != 0) bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(first));
  first = 0;
  bytes.insert(bytes.end(), data.begin(), data.end());
  ++edges.in;
}

void Pipe::pop(usize n) noexcept {
  first += n;
  ++edges.out;
}

Outcome resize_pipe(Pipe& pipe, long bytes) {
  if (bytes < 0 || bytes > (1l << 31)) return failed(EINVAL);
  const usize capacity = std::bit_ceil(std::max(static_cast<usize>(bytes), Pipe::page));
  if (capacity < pipe.size()) return failed(EBUSY);
  pipe.capacity = capacity;
  return {static_cast<i64>(capacity), 0, false};
}

Outcome read_pipe(File& f, msghdr& m) {
  if (const int error = check_vectors(m); error != 0) return failed(error);
  const usize length = total(m);
  if (length == 0) return {};
  if (f.pipe->size() == 0) return nothing_in(f, f.blocking(0));
  const usize n = std::min(length, f.pipe->size());
  if (!scatter(Bytes{f.pipe->bytes}.subspan(f.pipe->first, n), m)) return failed(EFAULT);
  f.pipe->pop(n);
  return {static_cast<i64>(n), 0, false};
}

Outcome write_pipe(File& f, const msghdr& m) {
  if (const int error = check_vectors(m); error != 0) return failed(error);
  const usize length = total(m);
  if (length == 0) return {};
  Pipe& pipe = *f.pipe;
  if (pipe.readers == 0) return failed(EPIPE);
  const usize room = length <= atomic && pipe.room() < length ? 0 : pipe.room();
  std::vector<std::byte> data;
  if (!gather(m, std::min(length, std::max<usize>(room, 1)), data)) return failed(EFAULT);
  if (room == 0) return f.blocking(0) ? waiting() : failed(EAGAIN);
  pipe.push(data);
  if (data.size() == length || !f.blocking(0)) return {static_cast<i64>(data.size()), 0, false};
  return waiting(static_cast<i64>(data.size()));
}

Outcome Process::pipe(int fds[2], int flags, Instant now) {
  last_ = now;
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) return failed(EINVAL);  // O_DIRECT: no packets in pipes
  if (is_bad(fds)) return failed(EFAULT);
  auto shared = std::make_shared<Pipe>();
  int made[2];
  for (int end = 0; end < 2; ++end) {
    auto file = std::make_shared<File>();
    file->kind = end == 0 ? FileKind::pipe_read : FileKind::pipe_write;
    file->status = (end == 0 ? O_RDONLY : O_WRONLY) | (flags & O_NONBLOCK);
    file->pipe = shared;
    ++(end == 0 ? shared->readers : shared->writers);
    const Outcome o = install(std::move(file), (flags & O_CLOEXEC) != 0);
    if (o.error != 0) {
      if (end == 1) (void)close(made[0], now);
      return o;
    }
    made[end] = static_cast<int>(o.value);
  }
  std::copy_n(made, 2, fds);
  return {};
}

namespace {

// From a socket or a pipe into a pipe that has room.
Outcome splice_in(Shard& shard, File& from, Pipe& to, usize length, bool blocking, Instant now) {
  std::vector<std::byte> data(std::min({length, to.room(), chunk}));
  iovec v{data.data(), data.size()};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  const bool is_pipe = from.kind == FileKind::pipe_read;
  if (is_pipe && from.pipe->size() == 0) return nothing_in(from, blocking);
  const Outcome o = is_pipe ? read_pipe(from, m) : attempt_receive(shard, from, m, blocking ? 0 : MSG_DONTWAIT, now);
  if (o.value > 0) to.push(Bytes{data}.first(static_cast<usize>(o.value)));
  return {o.value, o.error, o.wait && o.value == 0};
}

Outcome splice_out(Shard& shard, File& from, File& to, usize length, unsigned flags, bool blocking, Instant now) {
  Pipe& pipe = *from.pipe;
  if (pipe.size() == 0) return nothing_in(from, blocking);
  iovec v{pipe.bytes.data() + pipe.first, std::min(length, pipe.size())};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  const int how = ((flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0) | (blocking ? 0 : MSG_DONTWAIT);
  const Outcome o = attempt_send(shard, to, m, how, now);
  if (o.value > 0) pipe.pop(static_cast<usize>(o.value));
  return {o.value, o.error, o.wait && o.value == 0};
}

}  // namespace

Outcome Process::splice(int in, const i64* in_offset, int out, const i64* out_offset, usize length, unsigned flags, Instant now) {
  last_ = now;
  constexpr unsigned known = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
  if (length == 0) return {};
  if ((flags & ~known) != 0) return failed(EINVAL);
  File* from = find(in);
  File* to = find(out);
  if (from == nullptr || to == nullptr) return failed(EBADF);
  if (from->kind == FileKind::pipe_write || to->kind == FileKind::pipe_read) return failed(EBADF);
  if (!from->pipe && !to->pipe) return failed(EINVAL);
  if (from->kind == FileKind::epoll || to->kind == FileKind::epoll || from->pipe == to->pipe) return failed(EINVAL);
  if (in_offset != nullptr || out_offset != nullptr) return failed(ESPIPE);
  const bool blocking = (flags & SPLICE_F_NONBLOCK) == 0;
  if (!to->pipe) return splice_out(shard_, *from, *to, length, flags, blocking && from->blocking(0), now);
  if (to->pipe->readers == 0) return failed(EPIPE);
  if (to->pipe->room() == 0) return blocking && to->blocking(0) ? waiting() : failed(EAGAIN);
  return splice_in(shard_, *from, *to->pipe, length, blocking && from->blocking(0), now);
}

Outcome Process::sendfile(int out, int file, i64* offset, usize count, Instant now) {
  last_ = now;
  File* to = find(out);
  if (to == nullptr) return failed(EBADF);
  if (to->kind != FileKind::socket) return failed(EINVAL);
  if (offset != nullptr && is_bad(offset)) return failed(EFAULT);
  off_t at = offset != nullptr ? static_cast<off_t>(*offset) : lseek(file, 0, SEEK_CUR);
  if (at < 0) return failed(offset != nullptr ? EINVAL : errno);
  std::vector<std::byte> data(std::min(count, chunk));
  Outcome total{};
  while (count != 0) {
    const ssize_t got = pread(file, data.data(), std::min(count, chunk), at);
    if (got < 0 && total.value == 0) return failed(errno);
    if (got <= 0) break;
    iovec v{data.data(), static_cast<usize>(got)};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    const Outcome o = attempt_send(shard_, *to, m, static_cast<usize>(got) < count ? MSG_MORE : 0, now);
    if (o.error != 0) {
      if (total.value == 0) return o;
      break;
    }
    total.value += o.value;
    total.wait = o.wait;
    at += o.value;
    count -= static_cast<usize>(o.value);
    if (o.wait || o.value < got) break;
  }
  if (offset != nullptr) *offset = at;
  else (void)lseek(file, at, SEEK_SET);
  return total;
}

}  // namespace weir::posix
