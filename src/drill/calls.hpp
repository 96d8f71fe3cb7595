// System calls of a script, made on weir's POSIX layer. A call that has to wait is made again when something has happened.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "drill/arguments.hpp"
#include "drill/code.hpp"
#include "drill/flow.hpp"
#include "drill/machine.hpp"
#include "posix/process.hpp"

namespace weir::drill {

// A call in progress. The memory that it works on is held by `attempt`.
struct PendingCall {
  const SystemCall* spec = nullptr;
  Place place{};
  Instant started;
  std::function<posix::Outcome(Instant now)> attempt;
  std::function<void(const posix::Outcome&)> check{};            // what came back besides the result; throws RunFailure
  std::function<posix::Outcome()> give_up{};                    // at `deadline`
  std::optional<Instant> deadline{};                            // the call's own limit: of poll(), SO_RCVTIMEO
  bool makes_descriptor = false;
  posix::Outcome outcome{};
};

class Calls {
 public:
  Calls(const Settings& settings, Machine& machine, Flows& flows)
      : settings_(settings), machine_(machine), flows_(flows), process_(machine.shard(), machine.netns()) {}
  ~Calls();

  // Reads the arguments. Throws ScriptError for what is not known or cannot be.
  [[nodiscard]] PendingCall prepare(const SystemCall& spec, Place place);
  // True when it is over; `outcome` is set.
  bool attempt(PendingCall& call);
  // Throws RunFailure when the outcome is not what the script says.
  void finish(const PendingCall& call);
  // A file that a command of the script has made, for open().
  void make_file(std::string path, u64 length) { made_files_[std::move(path)] = length; }
  // tcpi_NAME of the socket made last. Throws ScriptError for a name that is none.
  [[nodiscard]] CodeValue tcp_info(const std::string& name, Place place);

 private:
  friend struct CallTable;
  using Prepare = void (Calls::*)(const SystemCall& s, PendingCall& c);
  using Args = const std::vector<Value>&;

  // calls_sockets.cpp
  void do_socket(const SystemCall& s, PendingCall& c);
  void do_bind(const SystemCall& s, PendingCall& c);
  void do_listen(const SystemCall& s, PendingCall& c);
  void do_accept(const SystemCall& s, PendingCall& c);
  void do_connect(const SystemCall& s, PendingCall& c);
  void do_shutdown(const SystemCall& s, PendingCall& c);
  void do_close(const SystemCall& s, PendingCall& c);
  void do_name(const SystemCall& s, PendingCall& c);
  // calls_control.cpp
  void do_fcntl(const SystemCall& s, PendingCall& c);
  void do_ioctl(const SystemCall& s, PendingCall& c);
  void do_getsockopt(const SystemCall& s, PendingCall& c);
  void do_setsockopt(const SystemCall& s, PendingCall& c);
  // calls_data.cpp
  void do_read(const SystemCall& s, PendingCall& c);   // read, recv, recvfrom
  void do_write(const SystemCall& s, PendingCall& c);  // write, send, sendto
  void do_vector(const SystemCall& s, PendingCall& c); // readv, writev
  void do_recvmsg(const SystemCall& s, PendingCall& c);
  void do_sendmsg(const SystemCall& s, PendingCall& c);
  void transfer(PendingCall& c, bool sending, int fd, const msghdr& message, int flags, std::shared_ptr<void> memory);
  // calls_files.cpp
  void do_poll(const SystemCall& s, PendingCall& c);
  void do_epoll_create(const SystemCall& s, PendingCall& c);
  void do_epoll_ctl(const SystemCall& s, PendingCall& c);
  void do_epoll_wait(const SystemCall& s, PendingCall& c);
  void do_pipe(const SystemCall& s, PendingCall& c);
  void do_splice(const SystemCall& s, PendingCall& c);
  void do_open(const SystemCall& s, PendingCall& c);
  void do_sendfile(const SystemCall& s, PendingCall& c);

  [[nodiscard]] i64 number(const Value& v) const { return number_of(v, settings_); }
  [[nodiscard]] int integer(const Value& v) const;  // fits an int, or has its bits: 0xffffffff
  [[nodiscard]] usize size(const Value& v) const;
  // The machine's descriptor for the script's.
  [[nodiscard]] int live_fd(const Value& v) const;
  [[nodiscard]] Instant now() const noexcept { return machine_.now(); }
  void limit(PendingCall& c, int fd, bool sending, int error);
  void check_descriptor(const PendingCall& call);

  const Settings& settings_;
  Machine& machine_;
  Flows& flows_;
  posix::Process process_;
  std::map<i64, int> fds_;             // script to machine
  std::map<i64, int> files_;           // of open(): of the operating system
  std::map<std::string, u64, std::less<>> made_files_;  // by the script's commands: path and length
  std::optional<i64> current_fd_;      // the script's: the socket that was made last
};

}  // namespace weir::drill
