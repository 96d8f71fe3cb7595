// An open file of a process: what descriptors refer to.
#pragma once

#include "posix/process.hpp"
#include "posix/zero_copy.hpp"

namespace weir::posix {

inline constexpr int first_fd = 3;  // 0 to 2 are somebody else's

enum class FileKind : u8 { socket, pipe_read, pipe_write, epoll };

// Where a socket stands with its connection: what the errnos of connect() and the events of poll() depend on.
enum class Stage : u8 { fresh, listening, connecting, connected };

// Options that are this layer's alone.
struct SocketExtras {
  int receive_low_water = 1;
  int timestamp = 0;  // 1: SO_TIMESTAMP, 2: SO_TIMESTAMPNS
  int packet_info = 0, receive_ttl = 0, receive_tos = 0;            // IP_PKTINFO, ...
  int packet_info6 = 0, receive_hop_limit = 0, receive_class = 0;   // IPV6_RECVPKTINFO, ...
  int in_queue = 0;   // TCP_INQ
  int free_bind = 0;  // IP_FREEBIND
  int cork = 0;       // UDP_CORK
  int zero_copy = 0;  // SO_ZEROCOPY
  Duration wall_clock;  // what is added to the shard's time for people's
};

// The bytes between the two ends of a pipe.
struct Pipe {
  static constexpr usize default_capacity = 65'536, page = 4'096;

  std::vector<std::byte> bytes;  // from `first` on
  usize first = 0, capacity = default_capacity;
  u32 readers = 0, writers = 0;  // ends that are open
  Edges edges;

  [[nodiscard]] usize size() const noexcept { return bytes.size() - first; }
  [[nodiscard]] usize room() const noexcept { return capacity > size() ? capacity - size() : 0; }
  void push(Bytes data);
  void pop(usize n) noexcept;
};

// One descriptor that an epoll instance watches.
struct EpollItem {
  int fd = 0;
  std::weak_ptr<File> file;  // closed: gone, also when its number is somebody else's by now
  u32 events = 0;
  u64 data = 0;
  Edges seen{};                // EPOLLET: those told already
  bool fresh = true;         // just added or changed: what is ready counts as an edge
  bool disarmed = false;     // EPOLLONESHOT has been told
  bool was_ready = false;    // for files without edges
};

struct File {
  FileKind kind = FileKind::socket;
  int status = 0;  // O_NONBLOCK and the access mode, as F_GETFL gives them
  // -- sockets
  Sock sock;
  NetnsId netns = 0;
  int domain = 0, type = 0, protocol = 0;
  Stage stage = Stage::fresh;
  bool bound = false;
  SocketExtras extras;

  std::vector<std::byte> corked;  // a datagram that is being put together: MSG_MORE, UDP_CORK
  std::optional<Endpoint> corked_to;
  ZeroCopy zero_copy;
  std::vector<std::pair<IfIndex, IpAddr>> memberships;  // of multicast groups, left when it is closed
  // -- the rest
  std::shared_ptr<Pipe> pipe;
  std::vector<EpollItem> items;

  [[nodiscard]] bool is_stream() const noexcept { return type == SOCK_STREAM; }
  [[nodiscard]] bool blocking(int flags) const noexcept;
};

// What the system would not let through: the first page, and what is the kernel's half.
[[nodiscard]] inline bool is_bad(const void* p) noexcept {
  const auto a = reinterpret_cast<std::uintptr_t>(p);
  return a < 4096 || (a >> 47) != 0;
}

// -- one attempt each, on a socket (posix/receive.cpp, posix/send.cpp, posix/poll.cpp)
Outcome attempt_receive(Shard& shard, File& file, msghdr& message, int flags, Instant now);
Outcome attempt_send(Shard& shard, File& file, const msghdr& message, int flags, Instant now);
Outcome flush_cork(Shard& shard, File& file, Instant now);
Outcome resize_pipe(Pipe& pipe, long bytes);
Outcome read_pipe(File& file, msghdr& message);
Outcome write_pipe(File& file, const msghdr& message);
[[nodiscard]] Edges edges_of(Shard& shard, const File& file);
[[nodiscard]] i64 epoll_ready(Shard& shard, File& file, std::span<epoll_event> out);
[[nodiscard]] u32 events_of(Shard& shard, File& file);  // POLLIN, ... that are true now

}  // namespace weir::posix
