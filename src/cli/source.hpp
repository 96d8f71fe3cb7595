// What a running weir streams over its control socket, for the verbs that show it.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "control/client.hpp"
#include "rt/clock.hpp"
#include "rt/signals.hpp"

namespace weir::cli {

// What the running weir sends, until the time is up, a signal comes, or it ends.
class Source {
 public:
  // duration 0: no end.
  Source(control::Client& client, Duration duration)
      : client_(client), deadline_(duration.ns > 0 ? rt::Clock::now() + duration : Instant::never()) {}

  // More bytes at the end of `to`; false: that was all.
  bool read_more(std::string& to) {
    if (std::string first = client_.rest(); !first.empty()) {
      to += first;
      return true;
    }
    for (;;) {
      pollfd files[2]{{client_.fd(), POLLIN, 0}, {ending_ ? -1 : signals_.fd(), POLLIN, 0}};
      const i64 left_ms = deadline_ == Instant::never() ? -1 : std::max<i64>((deadline_ - rt::Clock::now()).ms(), 0);
      const int ready = left_ms == 0 ? 0 : ::poll(files, 2, static_cast<int>(std::min<i64>(left_ms, 1 << 30)));
      if (ready > 0 && files[1].revents == 0) return read_some(to);
      if (ending_) return false;
      end();
    }
  }

 private:
  // What has passed until now is still on its way: the other end sends it, and hangs up then.
  void end() {
    constexpr Duration patience = Duration::millis(500);
    ending_ = true;
    (void)signals_.take();  // or it comes when they are let through again
    deadline_ = rt::Clock::now() + patience;
    ::shutdown(client_.fd(), SHUT_WR);
  }
  bool read_some(std::string& to) {
    std::array<char, 256 * 1024> some;
    const ssize_t n = ::read(client_.fd(), some.data(), some.size());
    if (n > 0) to.append(some.data(), static_cast<usize>(n));
    return n > 0;
  }

  control::Client& client_;
  Instant deadline_;
  rt::Signals signals_;
  bool ending_ = false;
};

}  // namespace weir::cli
