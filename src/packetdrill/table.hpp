// What packetdrill asks of a stack that it tests inside its own process: a table of calls, which it gets from the one function that the
// library exports. Declared here from the facts of that interface; every call has the meaning of the Linux call of its name.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

namespace weir::packetdrill {

struct Table {
  void* self;  // the first argument of all that follow
  void (*free)(void* self);
  int (*socket)(void* self, int domain, int type, int protocol);
  int (*bind)(void* self, int fd, const sockaddr* address, socklen_t length);
  int (*listen)(void* self, int fd, int backlog);
  int (*accept)(void* self, int fd, sockaddr* address, socklen_t* length);
  int (*connect)(void* self, int fd, const sockaddr* address, socklen_t length);
  ssize_t (*read)(void* self, int fd, void* data, size_t length);
  ssize_t (*readv)(void* self, int fd, const iovec* vectors, int n);
  ssize_t (*recv)(void* self, int fd, void* data, size_t length, int flags);
  ssize_t (*recvfrom)(void* self, int fd, void* data, size_t length, int flags, sockaddr* address, socklen_t* address_length);
  ssize_t (*recvmsg)(void* self, int fd, msghdr* message, int flags);
  ssize_t (*write)(void* self, int fd, const void* data, size_t length);
  ssize_t (*writev)(void* self, int fd, const iovec* vectors, int n);
  ssize_t (*send)(void* self, int fd, const void* data, size_t length, int flags);
  ssize_t (*sendto)(void* self, int fd, const void* data, size_t length, int flags, const sockaddr* address, socklen_t address_length);
  ssize_t (*sendmsg)(void* self, int fd, const msghdr* message, int flags);
  int (*fcntl)(void* self, int fd, int command, ...);
  int (*ioctl)(void* self, int fd, unsigned long request, ...);
  int (*close)(void* self, int fd);
  int (*shutdown)(void* self, int fd, int how);
  int (*getsockopt)(void* self, int fd, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(void* self, int fd, int level, int name, const void* value, socklen_t length);
  int (*poll)(void* self, pollfd* fds, nfds_t n, int timeout_ms);
  int (*netdev_send)(void* self, const void* packet, size_t length);
  int (*netdev_receive)(void* self, void* packet, size_t* length, long long* time_us);
  int (*usleep)(void* self, useconds_t us);
  int (*gettimeofday)(void* self, timeval* time, struct timezone* zone);
  int (*epoll_create)(void* self, int size);
  int (*epoll_ctl)(void* self, int epoll, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(void* self, int epoll, epoll_event* events, int most, int timeout_ms);
  int (*pipe)(void* self, int fds[2]);
  int (*splice)(void* self, int in, loff_t* in_offset, int out, loff_t* out_offset, size_t length, unsigned flags);
};
static_assert(sizeof(Table) == 33 * sizeof(void*));

}  // namespace weir::packetdrill

// Called for each script; what was before is forgotten. flags: docs/packetdrill.md.
extern "C" [[gnu::visibility("default")]] void packetdrill_interface_init(const char* flags, weir::packetdrill::Table* out);
