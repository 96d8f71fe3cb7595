// Calls that move data: read, write and their relatives, with control messages.
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>

#include <cstring>
#include <numeric>

#include "drill/calls.hpp"
#include "posix/transfer.hpp"

namespace weir::drill {
namespace {

// A message and the memory it names.
struct Message {
  msghdr header{};
  std::vector<Memory> memory{};
  std::vector<iovec> vectors{};
  std::vector<std::byte> control{};
  Address address{};
  std::unique_ptr<posix::Transfer> transfer{};
};

// What the machine is given to write: the same bytes for the same place in every run.
void pattern(Memory& m) {
  if (m.expected) return;
  for (usize i = 0; i < m.bytes.size(); ++i) m.bytes[i] = static_cast<std::byte>(i * 7 + 1);
}

void set_vectors(Message& m, std::span<const usize> lengths) {
  for (usize i = 0; i < m.memory.size(); ++i) m.vectors.push_back({m.memory[i].data(), lengths[i]});
  m.header.msg_iov = m.vectors.data();
  m.header.msg_iovlen = m.vectors.size();
}

// [{..., 1000}, {..., 24}]
void add_iovec(Message& m, const Value& list, const Settings& settings, bool sending) {
  if (list.kind != Value::Kind::array) throw ScriptError(list.place, "expected [{..., LENGTH}, ...]");
  std::vector<usize> lengths;
  for (const Value& v : list.items) {
    if (v.kind != Value::Kind::record || v.items.size() != 2) throw ScriptError(v.place, "expected {..., LENGTH}");
    const i64 n = number_of(v.items[1], settings);
    if (n < 0) throw ScriptError(v.items[1].place, "a length cannot be negative");
    lengths.push_back(static_cast<usize>(n));
    m.memory.push_back(memory_of(v.items[0], lengths.back()));
    if (sending) pattern(m.memory.back());
  }
  set_vectors(m, lengths);
}

// Control messages that a script sends: {cmsg_level=, cmsg_type=, cmsg_data=NUMBER}.
void add_control(Message& m, const Value& list, const Settings& settings) {
  m.control.assign(list.items.size() * CMSG_SPACE(sizeof(int)), std::byte{0});
  m.header.msg_control = m.control.data();
  m.header.msg_controllen = m.control.size();
  cmsghdr* c = CMSG_FIRSTHDR(&m.header);
  for (const Value& v : list.items) {
    only_fields(v, {"cmsg_level", "cmsg_type", "cmsg_data"});
    const Value *level = field(v, "cmsg_level"), *type = field(v, "cmsg_type"), *data = field(v, "cmsg_data");
    if (level == nullptr || type == nullptr || data == nullptr || c == nullptr)
      throw ScriptError(v.place, "a control message has cmsg_level, cmsg_type and cmsg_data");
    c->cmsg_level = static_cast<int>(number_of(*level, settings));
    c->cmsg_type = static_cast<int>(number_of(*type, settings));
    c->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = static_cast<int>(number_of(*data, settings));
    std::memcpy(CMSG_DATA(c), &number, sizeof number);
    c = CMSG_NXTHDR(&m.header, c);
  }
}

const Value& needed(const Value& record, std::string_view name) {
  const Value* f = field(record, name);
  if (f == nullptr) throw ScriptError(record.place, fmt::format("{} is missing", name));
  return *f;
}

}  // namespace

void Calls::transfer(PendingCall& c, bool sending, int fd, const msghdr& message, int flags, std::shared_ptr<void> memory) {
  const auto t = std::make_shared<posix::Transfer>(sending ? posix::Transfer::send : posix::Transfer::receive, fd, message, flags);
  limit(c, fd, sending, EAGAIN);
  if (c.deadline) c.give_up = [t] { return t->give_up(EAGAIN); };
  c.attempt = [this, t, memory](Instant now) { return t->attempt(process_, now); };
}

// read(fd, buffer, n), recv(.., flags), recvfrom(.., flags, ..., ...)
void Calls::do_read(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const usize n = size(s.arguments[2]);
  const auto m = std::make_shared<Message>();
  m->memory.push_back(memory_of(s.arguments[1], n));
  if (m->memory[0].expected) std::ranges::fill(m->memory[0].bytes, std::byte{0});
  set_vectors(*m, {&n, 1});
  transfer(c, false, fd, m->header, s.arguments.size() > 3 ? integer(s.arguments[3]) : 0, m);
  if (!m->memory[0].expected) return;
  c.check = [m, place = c.place](const posix::Outcome& o) {
    const std::string& want = *m->memory[0].expected;
    const usize got = o.value > 0 ? std::min(static_cast<usize>(o.value), want.size()) : 0;
    if (std::memcmp(m->memory[0].bytes.data(), want.data(), got) != 0) throw RunFailure(place, "other bytes were received");
  };
}

// write(fd, buffer, n), send(.., flags), sendto(.., flags, address, ...)
void Calls::do_write(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const usize n = size(s.arguments[2]);
  const auto m = std::make_shared<Message>();
  m->memory.push_back(memory_of(s.arguments[1], n));
  pattern(m->memory[0]);
  set_vectors(*m, {&n, 1});
  if (s.arguments.size() == 6) {
    const Address usual = make_address(settings_.remote_address(), settings_.connect_port, settings_.socket_v6());
    m->address = address_of(s.arguments[4], usual, settings_);
    m->header.msg_name = m->address.length == 0 ? nullptr : &m->address.storage;
    m->header.msg_namelen = is_ellipsis(s.arguments[5]) ? m->address.length : static_cast<socklen_t>(size(s.arguments[5]));
  }
  transfer(c, true, fd, m->header, s.arguments.size() > 3 ? integer(s.arguments[3]) : 0, m);
}

void Calls::do_vector(const SystemCall& s, PendingCall& c) {
  const bool sending = s.name == "writev";
  const auto m = std::make_shared<Message>();
  add_iovec(*m, s.arguments[1], settings_, sending);
  if (size(s.arguments[2]) != m->vectors.size()) throw ScriptError(s.arguments[2].place, "the count is not that of the list before it");
  transfer(c, sending, live_fd(s.arguments[0]), m->header, 0, m);
}

void Calls::do_sendmsg(const SystemCall& s, PendingCall& c) {
  const Value& record = s.arguments[1];
  only_fields(record, {"msg_name", "msg_iov", "msg_flags", "msg_control"});
  const auto m = std::make_shared<Message>();
  add_iovec(*m, needed(record, "msg_iov"), settings_, true);
  if (const Value* control = field(record, "msg_control")) add_control(*m, *control, settings_);
  const int flags = integer(s.arguments[2]);
  if ((flags & 0x2000'0000) != 0) {  // MSG_FASTOPEN opens a connection to somebody
    m->address = make_address(settings_.remote_address(), settings_.connect_port, settings_.socket_v6());
    m->header.msg_name = &m->address.storage;
    m->header.msg_namelen = m->address.length;
  }
  transfer(c, true, live_fd(s.arguments[0]), m->header, flags, m);
}

namespace {

struct ControlContext {
  const Settings& settings;
  Place place;
  Instant start;
};

[[noreturn]] void differs_in(const ControlContext& cx, std::string_view what, i64 got, i64 want) {
  throw RunFailure(cx.place, fmt::format("recvmsg(): {} is {}, expected {}", what, got, want));
}

void check_error(const ControlContext& cx, const Value& want, Bytes data) {
  sock_extended_err e{};
  if (data.size() < sizeof e) throw RunFailure(cx.place, "recvmsg(): the control message is shorter than struct sock_extended_err");
  std::memcpy(&e, data.data(), sizeof e);
  only_fields(want, {"ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data"});
  const std::pair<std::string_view, i64> got[] = {{"ee_errno", e.ee_errno}, {"ee_origin", e.ee_origin}, {"ee_type", e.ee_type},
                                                  {"ee_code", e.ee_code},   {"ee_info", e.ee_info},     {"ee_data", e.ee_data}};
  for (const auto& [name, value] : got)
    if (const Value* f = field(want, name); f != nullptr && !is_ellipsis(*f))
      if (const i64 n = number_of(*f, cx.settings); n != value) differs_in(cx, name, value, n);
}

// Times are those of the script: since its beginning, within the tolerance.
void check_timestamp(const ControlContext& cx, const Value& want, Bytes data) {
  timespec t[3] = {};
  if (data.size() < sizeof t) throw RunFailure(cx.place, "recvmsg(): the control message is shorter than struct scm_timestamping");
  std::memcpy(t, data.data(), sizeof t);
  only_fields(want, {"scm_sec", "scm_nsec"});
  const i64 expected = number_of(needed(want, "scm_sec"), cx.settings) * 1'000'000'000 + number_of(needed(want, "scm_nsec"), cx.settings);
  const i64 got = t[0].tv_sec * 1'000'000'000 + t[0].tv_nsec - cx.start.ns;
  if (std::abs(got - expected) > cx.settings.tolerance.ns) differs_in(cx, "the timestamp (ns)", got, expected);
}

void check_control(const ControlContext& cx, const Value& list, const msghdr& header) {
  msghdr h = header;
  cmsghdr* c = h.msg_controllen == 0 ? nullptr : CMSG_FIRSTHDR(&h);
  for (const Value& v : list.items) {
    only_fields(v, {"cmsg_level", "cmsg_type", "cmsg_data"});
    if (c == nullptr) throw RunFailure(cx.place, fmt::format("recvmsg(): a control message is missing ({} expected)", list.items.size()));
    if (const i64 n = number_of(needed(v, "cmsg_level"), cx.settings); n != c->cmsg_level) differs_in(cx, "cmsg_level", c->cmsg_level, n);
    if (const i64 n = number_of(needed(v, "cmsg_type"), cx.settings); n != c->cmsg_type) differs_in(cx, "cmsg_type", c->cmsg_type, n);
    const Bytes data(reinterpret_cast<const std::byte*>(CMSG_DATA(c)), c->cmsg_len - CMSG_LEN(0));
    const Value& want = needed(v, "cmsg_data");
    if (want.kind == Value::Kind::record && field(want, "scm_sec") != nullptr) {
      check_timestamp(cx, want, data);
    } else if (want.kind == Value::Kind::record) {
      check_error(cx, want, data);
    } else {
      const i64 got = data.size() >= 4 ? load_raw<i32>(data.data()) : data.empty() ? -1 : load_u8(data.data());
      if (const i64 n = number_of(want, cx.settings); n != got) differs_in(cx, "cmsg_data", got, n);
    }
    c = CMSG_NXTHDR(&h, c);
  }
  if (c != nullptr)
    throw RunFailure(cx.place,
                     fmt::format("recvmsg(): a control message of level {} and type {} that nobody expected", c->cmsg_level, c->cmsg_type));
}

}  // namespace

void Calls::do_recvmsg(const SystemCall& s, PendingCall& c) {
  const Value& record = s.arguments[1];
  only_fields(record, {"msg_name", "msg_iov", "msg_flags", "msg_control"});
  const auto m = std::make_shared<Message>();
  add_iovec(*m, needed(record, "msg_iov"), settings_, false);
  m->control.assign(1'024, std::byte{0});
  m->header.msg_control = m->control.data();
  m->header.msg_controllen = m->control.size();
  const auto t = std::make_shared<posix::Transfer>(posix::Transfer::receive, live_fd(s.arguments[0]), m->header, integer(s.arguments[2]));
  limit(c, live_fd(s.arguments[0]), false, EAGAIN);
  c.attempt = [this, t, m](Instant now) { return t->attempt(process_, now); };
  const Value *flags = field(record, "msg_flags"), *control = field(record, "msg_control");
  c.check = [this, t, m, flags, control, place = c.place](const posix::Outcome& o) {
    if (o.value < 0) return;
    const ControlContext cx{settings_, place, machine_.beginning()};
    if (flags != nullptr && !is_ellipsis(*flags))
      if (const i64 n = number(*flags); n != t->message().msg_flags) differs_in(cx, "msg_flags", t->message().msg_flags, n);
    if (control != nullptr) check_control(cx, *control, t->message());
  };
}

}  // namespace weir::drill
