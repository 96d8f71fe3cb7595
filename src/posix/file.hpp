// An open file of a process: what descriptors refer to.
#pragma once

#include "posix/process.hpp"

namespace weir::posix {

enum class FileKind : u8 { socket };

// Where a socket stands with its connection: what the errnos of connect() and the events of poll() depend on.
enum class Stage : u8 { fresh, listening, connecting, connected };

// Options that are this layer's alone.
struct SocketExtras {
  int receive_low_water = 1;
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

  [[nodiscard]] bool is_stream() const noexcept { return type == SOCK_STREAM; }
  [[nodiscard]] bool blocking(int flags) const noexcept;
};

// What the system would not let through: the first page, and what is the kernel's half.
[[nodiscard]] inline bool is_bad(const void* p) noexcept {
  const auto a = reinterpret_cast<std::uintptr_t>(p);
  return a < 4096 || (a >> 47) != 0;
}

// -- one attempt each, on a socket (posix/receive.cpp, posix/send.cpp, posix/poll.cpp)
Outcome receive(Shard& shard, File& file, msghdr& message, int flags, Instant now);
Outcome send(Shard& shard, File& file, const msghdr& message, int flags, Instant now);
[[nodiscard]] u32 events_of(Shard& shard, File& file);  // POLLIN, ... that are true now

}  // namespace weir::posix
