// SIGINT and SIGTERM as a file to be watched, so that every verb ends cleanly.
#pragma once

#include <initializer_list>

#include "io/fd.hpp"

namespace weir::rt {

// Blocks the signals in the calling thread and in those it starts: make one before any other thread is. They stay
// blocked for programs that are executed unless restore() is called in the child.
//   Signals signals;
//   loop.watch(signals.fd(), EPOLLIN, [&](u32) { signal = signals.take(); loop.stop(); });
class Signals {
 public:
  Signals();  // SIGINT and SIGTERM, and no death by SIGPIPE
  explicit Signals(std::initializer_list<int> signals);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // The next signal that came, 0: none.
  [[nodiscard]] int take() noexcept;
  // Unblocks what was blocked: in a child between fork and exec (async-signal-safe), and at the end.
  void restore() const noexcept;

 private:
  alignas(8) unsigned char before_[128];  // a sigset_t
  io::Fd fd_;
};

}  // namespace weir::rt
