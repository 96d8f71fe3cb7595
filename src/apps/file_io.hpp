// Files of the system in coroutines: terminals, pipes, sockets, regular files. Only where there are any (not in virtual time).
#pragma once

#include "weir/stack.hpp"

namespace weir::apps {

// co_await FileReadyOp(host, fd, EPOLLIN): the events that the file has. Regular files are always ready. One at a time waits
// for a file.
class [[nodiscard]] FileReadyOp {
 public:
  FileReadyOp(const Host& host, int fd, u32 events) noexcept : executor_(host.executor()), fd_(fd), events_(events) {}
  FileReadyOp(const FileReadyOp&) = delete;
  FileReadyOp& operator=(const FileReadyOp&) = delete;
  ~FileReadyOp() { stop(); }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> who);
  [[nodiscard]] u32 await_resume() const noexcept { return found_; }

 private:
  void stop();
  Executor& executor_;
  int fd_;
  u32 events_, found_ = 0;
  bool watching_ = false;
};

// At least one byte; 0: the end.
[[nodiscard]] Task<Result<usize>> read_file(Host host, int fd, MutBytes out);
// All of it, never holding up the thread for a reader that is slow.
[[nodiscard]] Task<Result<void>> write_file(Host host, int fd, Bytes data);

}  // namespace weir::apps
