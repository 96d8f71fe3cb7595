// poll, epoll, pipes, and files that are sent.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drill/calls.hpp"

namespace weir::drill {
namespace {

posix::Outcome nothing_ready() { return {}; }

}  // namespace

// poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000)
void Calls::do_poll(const SystemCall& s, PendingCall& c) {
  if (s.arguments[0].kind != Value::Kind::array) throw ScriptError(s.arguments[0].place, "expected [{fd=, events=, revents=}, ...]");
  const auto fds = std::make_shared<std::vector<pollfd>>();
  std::vector<i64> expected;
  for (const Value& v : s.arguments[0].items) {
    only_fields(v, {"fd", "events", "revents"});
    const Value *fd = field(v, "fd"), *events = field(v, "events"), *revents = field(v, "revents");
    if (fd == nullptr || events == nullptr) throw ScriptError(v.place, "a pollfd has fd and events");
    fds->push_back({live_fd(*fd), static_cast<short>(number(*events)), 0});
    expected.push_back(revents == nullptr ? -1 : number(*revents));
  }
  if (size(s.arguments[1]) != fds->size()) throw ScriptError(s.arguments[1].place, "the count is not that of the list before it");
  const i64 timeout = number(s.arguments[2]);
  if (timeout >= 0) c.deadline = c.started + Duration::millis(timeout);
  c.give_up = nothing_ready;
  c.attempt = [this, fds](Instant now) {
    posix::Outcome o = process_.poll(fds->data(), fds->size(), now);
    o.wait = o.wait || o.value == 0;
    return o;
  };
  c.check = [fds, expected, place = c.place](const posix::Outcome&) {
    for (usize i = 0; i < expected.size(); ++i)
      if (expected[i] >= 0 && (*fds)[i].revents != expected[i])
        throw RunFailure(place, fmt::format("poll(): revents is 0x{:x}, expected 0x{:x}", (*fds)[i].revents, expected[i]));
  };
}

void Calls::do_epoll_create(const SystemCall& s, PendingCall& c) {
  const int argument = integer(s.arguments[0]);
  if (s.name == "epoll_create" && argument <= 0) {
    c.attempt = [](Instant) { return posix::failed(EINVAL); };
    return;
  }
  c.makes_descriptor = true;
  const int flags = s.name == "epoll_create" ? 0 : argument;
  c.attempt = [this, flags](Instant now) { return process_.epoll_create(flags, now); };
}

void Calls::do_epoll_ctl(const SystemCall& s, PendingCall& c) {
  const int epoll = live_fd(s.arguments[0]), operation = integer(s.arguments[1]), fd = live_fd(s.arguments[2]);
  const bool null = is_null(s.arguments[3]);
  epoll_event event{};
  if (!null) {
    only_fields(s.arguments[3], {"events", "fd", "ptr", "u32", "u64"});
    for (const Value& v : s.arguments[3].items) {
      const i64 n = number(v.items[1]);
      if (v.items[0].text == "events") event.events = static_cast<u32>(n);
      else event.data.u64 = static_cast<u64>(n);
    }
  }
  c.attempt = [this, epoll, operation, fd, event, null](Instant now) mutable {
    return process_.epoll_ctl(epoll, operation, fd, null ? nullptr : &event, now);
  };
}

// epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0): the event that must come first, or [{...}, ...].
void Calls::do_epoll_wait(const SystemCall& s, PendingCall& c) {
  const int epoll = live_fd(s.arguments[0]);
  const int most = integer(s.arguments[2]);
  std::vector<const Value*> expected;
  if (s.arguments[1].kind == Value::Kind::array)
    for (const Value& v : s.arguments[1].items) expected.push_back(&v);
  else if (!is_ellipsis(s.arguments[1])) expected.push_back(&s.arguments[1]);
  for (const Value* v : expected) only_fields(*v, {"events", "fd", "ptr", "u32", "u64"});
  const i64 timeout = number(s.arguments[3]);
  if (timeout >= 0) c.deadline = c.started + Duration::millis(timeout);
  c.give_up = nothing_ready;
  const auto events = std::make_shared<std::vector<epoll_event>>(static_cast<usize>(std::clamp(most, 1, 1'024)));
  c.attempt = [this, epoll, most, events](Instant now) {
    posix::Outcome o = process_.epoll_wait(epoll, events->data(), std::min(most, 1'024), now);
    o.wait = o.wait || o.value == 0;
    return o;
  };
  c.check = [this, expected, events, place = c.place](const posix::Outcome& o) {
    for (usize i = 0; i < expected.size() && static_cast<i64>(i) < o.value; ++i)
      for (const Value& v : expected[i]->items) {
        const i64 want = number(v.items[1]);
        const bool mask = v.items[0].text == "events";
        const u32 got_events = (*events)[i].events;
        const u64 got_data = (*events)[i].data.u64;
        if (mask && got_events != static_cast<u32>(want))
          throw RunFailure(place, fmt::format("epoll_wait(): events is 0x{:x}, expected 0x{:x}", got_events, want));
        if (!mask && got_data != static_cast<u64>(want))
          throw RunFailure(place, fmt::format("epoll_wait(): {} is {}, expected {}", v.items[0].text, got_data, want));
      }
  };
}

// pipe([5, 6])
void Calls::do_pipe(const SystemCall& s, PendingCall& c) {
  const Value& list = s.arguments[0];
  if (list.kind != Value::Kind::array || list.items.size() != 2) throw ScriptError(list.place, "expected two descriptors: [5, 6]");
  const i64 first = number(list.items[0]), second = number(list.items[1]);
  const int flags = s.arguments.size() > 1 ? integer(s.arguments[1]) : 0;
  const auto fds = std::make_shared<std::array<int, 2>>();
  c.attempt = [this, fds, flags](Instant now) { return process_.pipe(fds->data(), flags, now); };
  c.check = [this, fds, first, second](const posix::Outcome& o) {
    if (o.value != 0) return;
    fds_[first] = (*fds)[0];
    fds_[second] = (*fds)[1];
  };
}

void Calls::do_splice(const SystemCall& s, PendingCall& c) {
  const int in = live_fd(s.arguments[0]), out = live_fd(s.arguments[2]);
  if (!is_null(s.arguments[1]) || !is_null(s.arguments[3]))
    throw ScriptError(s.arguments[1].place, "splice() with offsets is not supported by weir drill: sockets and pipes have none");
  const usize length = size(s.arguments[4]);
  const auto flags = static_cast<unsigned>(number(s.arguments[5]));
  c.attempt = [this, in, out, length, flags](Instant now) { return process_.splice(in, nullptr, out, nullptr, length, flags, now); };
}

// A file of the machine that runs the script: only such as `command`s of the script have made are there.
void Calls::do_open(const SystemCall& s, PendingCall& c) {
  if (s.arguments[0].kind != Value::Kind::string) throw ScriptError(s.arguments[0].place, "expected the path as a string");
  const int flags = integer(s.arguments[1]);
  if (flags != O_RDONLY) throw ScriptError(s.arguments[1].place, "weir drill opens files for reading only");
  const auto made = made_files_.find(s.arguments[0].text);
  c.attempt = [this, &s, made](Instant) {
    if (made == made_files_.end()) return posix::failed(ENOENT);
    const int fd = ::memfd_create("drill", 0);
    if (fd < 0) return posix::failed(errno);
    if (::ftruncate(fd, static_cast<off_t>(made->second)) != 0) {
      ::close(fd);
      return posix::failed(EIO);
    }
    files_[number(s.result)] = fd;
    return posix::Outcome{.value = number(s.result)};
  };
}

void Calls::do_sendfile(const SystemCall& s, PendingCall& c) {
  const int out = live_fd(s.arguments[0]);
  const i64 script = number(s.arguments[1]);
  const auto file = files_.find(script);
  if (file == files_.end()) throw ScriptError(s.arguments[1].place, fmt::format("{} is no file that this script has opened", script));
  const bool null = is_null(s.arguments[2]);
  const auto offset = std::make_shared<i64>(null ? 0 : bracketed(s.arguments[2], settings_));
  const auto done = std::make_shared<i64>(0);
  const usize count = size(s.arguments[3]);
  c.attempt = [this, out, live = file->second, null, offset, done, count](Instant now) {
    posix::Outcome o = process_.sendfile(out, live, null ? nullptr : offset.get(), count - static_cast<usize>(*done), now);
    if (o.value > 0) *done += o.value;
    if (!o.wait && o.value >= 0) o.value = *done;
    return o;
  };
}

}  // namespace weir::drill
