#include "drill/calls.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "api/sysctl_names.hpp"
#include "drill/constants.hpp"

namespace weir::drill {

struct CallTable {
  struct Line {
    std::string_view name;
    usize least, most;  // arguments
    Calls::Prepare prepare;
  };
  static constexpr std::array lines{
      Line{"socket", 3, 3, &Calls::do_socket},
      Line{"bind", 3, 3, &Calls::do_bind},
      Line{"listen", 2, 2, &Calls::do_listen},
      Line{"accept", 3, 3, &Calls::do_accept},
      Line{"accept4", 4, 4, &Calls::do_accept},
      Line{"connect", 3, 3, &Calls::do_connect},
      Line{"shutdown", 2, 2, &Calls::do_shutdown},
      Line{"close", 1, 1, &Calls::do_close},
      Line{"getsockname", 3, 3, &Calls::do_name},
      Line{"getpeername", 3, 3, &Calls::do_name},
      Line{"read", 3, 3, &Calls::do_read},
      Line{"recv", 4, 4, &Calls::do_read},
      Line{"recvfrom", 6, 6, &Calls::do_read},
      Line{"write", 3, 3, &Calls::do_write},
      Line{"send", 4, 4, &Calls::do_write},
      Line{"sendto", 6, 6, &Calls::do_write},
      Line{"readv", 3, 3, &Calls::do_vector},
      Line{"writev", 3, 3, &Calls::do_vector},
      Line{"recvmsg", 3, 3, &Calls::do_recvmsg},
      Line{"sendmsg", 3, 3, &Calls::do_sendmsg},
      Line{"fcntl", 2, 3, &Calls::do_fcntl},
      Line{"ioctl", 2, 3, &Calls::do_ioctl},
      Line{"getsockopt", 5, 5, &Calls::do_getsockopt},
      Line{"setsockopt", 5, 5, &Calls::do_setsockopt},
      Line{"poll", 3, 3, &Calls::do_poll},
      Line{"epoll_create", 1, 1, &Calls::do_epoll_create},
      Line{"epoll_create1", 1, 1, &Calls::do_epoll_create},
      Line{"epoll_ctl", 4, 4, &Calls::do_epoll_ctl},
      Line{"epoll_wait", 4, 4, &Calls::do_epoll_wait},
      Line{"pipe", 1, 1, &Calls::do_pipe},
      Line{"pipe2", 2, 2, &Calls::do_pipe},
      Line{"splice", 6, 6, &Calls::do_splice},
      Line{"open", 2, 2, &Calls::do_open},
      Line{"sendfile", 4, 4, &Calls::do_sendfile},
  };
};

Calls::~Calls() {
  for (const auto& [script, live] : files_) ::close(live);
}

int Calls::integer(const Value& v) const {
  const i64 n = number(v);
  if (n < std::numeric_limits<int>::min() || n > 0xffff'ffff) throw ScriptError(v.place, fmt::format("{} does not fit into an int", n));
  return static_cast<int>(static_cast<u32>(n));
}

usize Calls::size(const Value& v) const {
  const i64 n = number(v);
  if (n < 0) throw ScriptError(v.place, "a length cannot be negative");
  return static_cast<usize>(n);
}

int Calls::live_fd(const Value& v) const {
  const i64 script = number(v);
  const auto found = fds_.find(script);
  // What the script never got is nobody's descriptor here either: the call fails with EBADF.
  return found != fds_.end() ? found->second : -1;
}

// The call's own limit in time: SO_RCVTIMEO, SO_SNDTIMEO.
void Calls::limit(PendingCall& c, int fd, bool sending, int error) {
  const auto timeout = process_.timeout(fd, sending);
  if (!timeout) return;
  c.deadline = c.started + *timeout;
  c.give_up = [error] { return posix::failed(error); };
}

PendingCall Calls::prepare(const SystemCall& spec, Place place) {
  const auto line = std::ranges::find(CallTable::lines, spec.name, &CallTable::Line::name);
  if (line == CallTable::lines.end()) {
    std::vector<std::string_view> names;
    for (const auto& l : CallTable::lines) names.push_back(l.name);
    const std::string_view near = nearest(spec.name, names);
    throw ScriptError(place, fmt::format("{}() is no system call that weir drill knows{}", spec.name,
                                         near.empty() ? "" : fmt::format("; did you mean {}()?", near)));
  }
  const usize n = spec.arguments.size();
  if (n < line->least || n > line->most)
    throw ScriptError(
        place, fmt::format("{}() has {} argument{}, not {}", spec.name,
                           line->least == line->most ? std::to_string(line->least) : fmt::format("{} or {}", line->least, line->most),
                           line->most == 1 ? "" : "s", n));
  if (!spec.error.empty() && !find_errno(spec.error))
    throw ScriptError(spec.result.place, fmt::format("{} is no errno that weir drill knows", spec.error));
  PendingCall c{.spec = &spec, .place = place, .started = now(), .attempt = {}};
  (this->*line->prepare)(spec, c);
  return c;
}

bool Calls::attempt(PendingCall& call) {
  call.outcome = call.attempt(now());
  machine_.settle();
  if (!call.outcome.wait) return true;
  if (!call.deadline || now() < *call.deadline) return false;
  call.outcome = call.give_up();
  return true;
}

void Calls::check_descriptor(const PendingCall& call) {
  const i64 script = number(call.spec->result);
  if (script < 0 || fds_.contains(script))
    throw RunFailure(call.place, fmt::format("{}() made a descriptor, and the script says {}", call.spec->name, script));
  fds_[script] = static_cast<int>(call.outcome.value);
  if (call.spec->name == "socket" || call.spec->name.starts_with("accept")) current_fd_ = script;
  if (call.spec->name == "socket") flows_.expect_another();
}

void Calls::finish(const PendingCall& call) {
  const SystemCall& s = *call.spec;
  const posix::Outcome& o = call.outcome;
  const auto in_words = [&](i64 value, int error) {
    if (value >= 0 || error == 0) return std::to_string(value);
    const std::string_view name = errno_name(error);
    return fmt::format("{} {}", value, name.empty() ? std::to_string(error) : std::string(name));
  };
  const bool any = is_ellipsis(s.result);
  const i64 expected = any ? o.value : number(s.result);
  const int error = s.error.empty() ? 0 : *find_errno(s.error);
  const bool made = call.makes_descriptor && o.value >= 0;
  const bool wrong = made ? expected < 0 : o.value != expected || (error != 0 && o.error != error);
  if (wrong)
    throw RunFailure(call.place,
                     fmt::format("{}() returned {}, expected {}", s.name, in_words(o.value, o.error), in_words(expected, error)));
  if (made && !any) check_descriptor(call);
  if (call.check) call.check(o);
}

}  // namespace weir::drill
