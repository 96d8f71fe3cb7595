// A process's descriptors and the BSD socket calls on them, over one Shard and one network namespace, with Linux's meaning and errnos.
// No threads, no clock, and nothing blocks: a call that would have to wait says so, and whoever made it lets time pass and
// makes it again.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <vector>

#include "shard/shard.hpp"

namespace weir::posix {

struct File;

// Of one attempt of a call. With `wait` a blocking call could not finish: `value` bytes were done (0: nothing was), and the
// call is to be made again for the rest. posix::Transfer (posix/transfer.hpp) does that for those with data.
struct Outcome {
  i64 value = 0;      // the call's result; -1 with `error`
  int error = 0;      // errno, as Linux numbers it
  bool wait = false;  // never when the descriptor is O_NONBLOCK or the call MSG_DONTWAIT: it fails with EAGAIN then
};

[[nodiscard]] constexpr Outcome failed(int error) noexcept { return {-1, error, false}; }
[[nodiscard]] constexpr Outcome waiting(i64 done = 0) noexcept { return {done, 0, true}; }

// Contract: descriptors start at 3, and the lowest free one is taken. Pointers are the caller's memory, as with the system
// calls; those that cannot be memory (the first page, the upper half) are EFAULT. EPIPE comes without SIGPIPE. Not thread-safe.
//   Process p(shard, netns);
//   const int fd = static_cast<int>(p.socket(AF_INET, SOCK_STREAM, 0, now).value);
//   Outcome o = p.connect(fd, address, length, now);
//   while (o.wait) { ...let the shard run...; o = p.connect(fd, address, length, now); }
class Process {
 public:
  Process(Shard& shard, NetnsId netns);
  ~Process();  // forgets everything as the death of a process does: sockets are closed
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // -- sockets come and go
  Outcome socket(int domain, int type, int protocol, Instant now);  // AF_INET, AF_INET6; SOCK_STREAM, DGRAM, RAW
  Outcome bind(int fd, const sockaddr* address, socklen_t length, Instant now);
  Outcome listen(int fd, int backlog, Instant now);
  Outcome accept(int fd, sockaddr* address, socklen_t* length, int flags, Instant now);  // flags of accept4
  Outcome connect(int fd, const sockaddr* address, socklen_t length, Instant now);
  Outcome shutdown(int fd, int how, Instant now);
  Outcome close(int fd, Instant now);  // SO_LINGER may wait: until then the number stays taken, and all other calls on it fail
  Outcome getsockname(int fd, sockaddr* address, socklen_t* length, Instant now);
  Outcome getpeername(int fd, sockaddr* address, socklen_t* length, Instant now);

  // -- data: read, readv, recv, recvfrom, write, ... are these two (and for pipes, with flags 0)
  Outcome recvmsg(int fd, msghdr* message, int flags, Instant now);
  Outcome sendmsg(int fd, const msghdr* message, int flags, Instant now);
  Outcome read(int fd, void* buffer, usize length, Instant now);
  Outcome write(int fd, const void* buffer, usize length, Instant now);

  // -- control
  Outcome fcntl(int fd, int command, long argument, Instant now);  // F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC
  Outcome ioctl(int fd, unsigned long request, void* argument, Instant now);
  Outcome getsockopt(int fd, int level, int name, void* value, socklen_t* length, Instant now);
  Outcome setsockopt(int fd, int level, int name, const void* value, socklen_t length, Instant now);

  // -- readiness: one look each, value is how many are ready; 0: none yet, and the caller keeps the timeout
  Outcome poll(pollfd* fds, nfds_t n, Instant now);

  Outcome epoll_create(int flags, Instant now);
  Outcome epoll_ctl(int epoll_fd, int operation, int fd, epoll_event* event, Instant now);
  Outcome epoll_wait(int epoll_fd, epoll_event* events, int most, Instant now);

  // -- pipes, and bytes from file to file
  Outcome pipe(int fds[2], int flags, Instant now);
  Outcome splice(int in, const i64* in_offset, int out, const i64* out_offset, usize length, unsigned flags, Instant now);
  // `file` is a descriptor of the operating system. With `wait` the rest is to be sent by another call, from *offset (or the
  // file's position) as this one has left it.
  Outcome sendfile(int out, int file, i64* offset, usize count, Instant now);

  // -- for those who drive it
  // How long a blocking call may wait: SO_RCVTIMEO or SO_SNDTIMEO. When that has passed the call fails: EAGAIN, or EINPROGRESS of connect().
  [[nodiscard]] std::optional<Duration> timeout(int fd, bool sending);
  // SO_TIMESTAMP tells time as people count it: the shard's time and this. For sockets made from now on.
  void set_wall_clock(Duration offset) noexcept { wall_clock_ = offset; }
  [[nodiscard]] Sock sock_of(int fd) const;  // {}: no socket
  [[nodiscard]] Shard& shard() noexcept { return shard_; }
  [[nodiscard]] NetnsId netns() const noexcept { return netns_; }

 private:
  struct Slot {
    std::shared_ptr<File> file;  // several slots may share one open file: dup
    bool close_on_exec = false;
    bool closing = false;  // close() waits: SO_LINGER
    Instant close_by;
  };

  [[nodiscard]] File* find(int fd) const noexcept;  // nullptr: EBADF
  [[nodiscard]] File* find_socket(int fd, int& error) const noexcept;  // EBADF, ENOTSOCK
  Outcome install(std::shared_ptr<File> file, bool close_on_exec, int least = 0);
  void release(Slot& slot, Instant now);
  [[nodiscard]] bool is_local(const IpAddr& address) const noexcept;
  Outcome disconnect(File& file, Instant now);
  Outcome linger(Slot& slot, Instant now);

  Shard& shard_;
  NetnsId netns_;
  std::vector<Slot> slots_;  // by descriptor, less first_fd
  Duration wall_clock_;
  Instant last_;  // time of the last call: when the destructor closes
};

}  // namespace weir::posix
