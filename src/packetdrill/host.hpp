// The stack under test as one host with one wire, which the tool holds the other end of, and the time that it lives in.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "packetdrill/flags.hpp"
#include "posix/process.hpp"

namespace weir::packetdrill {

// A call that may have to be made more than once; it must not block.
using Attempt = std::function<posix::Outcome(posix::Process& process, Instant now)>;

// How long a blocking call may wait, and what it returns then.
struct Patience {
  std::optional<Duration> time;
  std::function<posix::Outcome()> late;
};

// Two threads of the tool use it. Who sleeps, waits for a packet or looks at the clock moves the time. A call that blocks sleeps until
// the main thread, which made the host, has brought about what it waits for; then time stands still until the woken thread
// has read the clock.
// In real time (vt=0) moving the time is sleeping.
class Host {
 public:
  explicit Host(const Flags& flags);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void end();  // calls that wait, and those to come, fail with EINTR

  posix::Outcome call(const Attempt& attempt, const Patience& patience);
  // What a receive or send may wait is an option of its socket.
  [[nodiscard]] Patience patience_of(int process_fd, bool sending, std::function<posix::Outcome()> late);

  // -- the wire
  void packet_in(Bytes packet);
  // The next packet out, in order, with the time it left at; none: nothing will come without the tool's doing.
  struct Sent {
    std::vector<std::byte> bytes;
    Instant time;
  };
  std::optional<Sent> packet_out();

  // -- time
  void sleep(Duration d);
  Instant clock();  // a microsecond later each time: who waits for a time by looking must not wait for ever

  // -- descriptors: real ones stand for the process's, so that the tool can tell them from others
  int adopt(int process_fd);  // a new real one
  [[nodiscard]] int find(int fd);  // the process's; -1: it is none of ours
  void forget(int fd);             // and closes the real one
  void read_system_settings();     // before a socket is made
  // bind() to an address that the tool has made up: it becomes ours unless addresses were given.
  void learn(const IpAddr& address);

 private:
  struct Waiter {
    const Attempt* attempt = nullptr;
    const Patience* patience = nullptr;
    Instant deadline = Instant::never();
    pid_t thread = 0;
    posix::Outcome outcome;
    bool done = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] Instant real_now() const;
  void catch_up(Lock& lock);                  // real time: to now
  void settle();                              // everything that happens at this instant
  void collect();                             // packets that have left
  bool serve_waiters();                       // some call could go on
  void finish(Waiter& w, posix::Outcome outcome);
  void hold(Lock& lock);                      // until the woken have read the clock
  void let_settle(Lock& lock);                // until they sleep again
  [[nodiscard]] Instant next_event() const;
  void step(Lock& lock, Instant to);          // to the next event, or to this time if that is earlier
  void advance(Lock& lock, Instant to);
  posix::Outcome drive(Lock& lock, Waiter& w);  // a blocking call of the main thread
  void add_addresses(const Flags& flags);
  void learn_locked(const IpAddr& address);

  std::mutex mutex_;
  std::condition_variable changed_;
  const pid_t main_;
  Instant now_;
  const bool virtual_;
  const i64 real_start_;
  Shard shard_;
  NetnsId netns_ = 0;
  IfIndex wire_ = 0;
  std::optional<posix::Process> process_;
  std::deque<Sent> out_;
  std::list<Waiter*> waiters_;
  std::set<pid_t> woken_;     // have not read the clock yet
  std::set<pid_t> settling_;  // have, and may not yet have handed their result on
  std::map<int, int> fds_;
  bool learns4_ = true, learns6_ = true;
  bool settings_;
  bool ending_ = false;
};

}  // namespace weir::packetdrill
