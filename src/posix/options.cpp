// posix/options.hpp: getsockopt, setsockopt, and the conversions that most options share.
#include "posix/options.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace weir::posix {
namespace {

constexpr i64 second_ns = 1'000'000'000;
// What an unprivileged process may ask for: net.core.wmem_max and rmem_max.
constexpr i64 most_buffer = 212'992, least_send_buffer = 4'608 / 2, least_receive_buffer = 2'304 / 2;

struct TimeValue {  // struct timeval, and the __kernel_sock_timeval of SO_RCVTIMEO_NEW
  i64 seconds, micros;
};

u8 kind_of(const File& f) noexcept {
  switch (f.type) {
    case SOCK_STREAM: return SocketKind::stream;
    case SOCK_DGRAM: return SocketKind::datagram;
    default: return SocketKind::raw;
  }
}

const OptionEntry* find_option(const File& f, int level, int name) noexcept {
  for (const OptionEntry& e : option_table()) {
    if (e.level != level || e.name != name) continue;
    if ((e.kinds & kind_of(f)) == 0 || ((e.kinds & SocketKind::v6) != 0 && f.domain != AF_INET6)) continue;
    return &e;
  }
  return nullptr;
}

// A level that sockets of this kind do not have at all.
bool knows_level(const File& f, int level) noexcept {
  switch (level) {
    case SOL_SOCKET:
    case IPPROTO_IP: return true;
    case IPPROTO_IPV6: return f.domain == AF_INET6;
    default: return level == f.protocol;
  }
}

int of(Errc e) noexcept { return to_errno(e); }

// IP_TTL and its relatives take a single byte too.
bool read_number(const OptionCall& c, i64& value) noexcept {
  int v = 0;
  if (c.read(v)) {
    value = v;
    return true;
  }
  if (c.entry.level != IPPROTO_IP || c.in.empty()) return false;
  value = static_cast<u8>(c.in[0]);
  return true;
}

int set_core(OptionCall& c, i64 value) {
  const auto r = c.shard.set_option(c.file.sock, c.entry.option, value, c.now);
  return r ? 0 : of(r.error());
}

// Linux doubles what is asked for, and tells the doubled number. Of a send queue that much can be filled, but for small writes; of a
// receive buffer about half is offered as a window, which is what the core calls its size.
bool is_doubled(Option o) noexcept { return o == Option::send_buffer; }

int set_size(OptionCall& c, i64 value, i64 most) {
  const i64 least = is_doubled(c.entry.option) ? least_send_buffer : least_receive_buffer;
  value = std::clamp<i64>(value, least, most);
  return set_core(c, is_doubled(c.entry.option) ? 2 * value : value);
}

}  // namespace

void OptionCall::put(const void* value, usize size) noexcept {
  written = std::min(size, out.size());
  if (written != 0) std::memcpy(out.data(), value, written);
}

int get_number(OptionCall& c) {
  const auto v = c.shard.get_option(c.file.sock, c.entry.option);
  if (!v) return of(v.error());
  const int value = static_cast<int>(*v / c.entry.unit);
  // ip_getsockopt(): who has no room for an int gets a byte.
  if (c.entry.level == IPPROTO_IP && c.out.size() < sizeof(int) && !c.out.empty() && value >= 0 && value <= 255) {
    const u8 byte = static_cast<u8>(value);
    c.put(&byte, 1);
  } else {
    c.put_int(value);
  }
  return 0;
}

int set_number(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value) || value < c.entry.least || value > c.entry.most) return EINVAL;
  return set_core(c, value * c.entry.unit);
}

int set_flag(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value)) return EINVAL;
  return set_core(c, value != 0);
}

int set_or_default(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value) || (value != -1 && (value < c.entry.least || value > c.entry.most))) return EINVAL;
  if (value == -1) value = c.entry.option == Option::tos ? 0 : c.shard.sysctl(c.file.netns)->default_ttl;
  return set_core(c, value);
}

int get_extra(OptionCall& c) {
  c.put_int(c.file.extras.*c.entry.extra);
  return 0;
}

int set_extra(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value) || value < c.entry.least || value > c.entry.most) return EINVAL;
  c.file.extras.*c.entry.extra = static_cast<int>(value);
  return 0;
}

int set_extra_flag(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value)) return EINVAL;
  c.file.extras.*c.entry.extra = value != 0;
  return 0;
}

int get_buffer(OptionCall& c) {
  const auto v = c.shard.get_option(c.file.sock, c.entry.option);
  if (!v) return of(v.error());
  c.put_int(static_cast<int>(std::min<i64>(is_doubled(c.entry.option) ? *v : 2 * *v, INT32_MAX)));
  return 0;
}

int set_buffer_forced(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value)) return EINVAL;
  return set_size(c, value, INT32_MAX / 2);
}

int set_buffer(OptionCall& c) {
  i64 value = 0;
  if (!read_number(c, value)) return EINVAL;
  return set_size(c, value < 0 ? most_buffer : value, most_buffer);  // as of an unsigned number: a negative one is the largest
}

int get_timeout(OptionCall& c) {
  const auto v = c.shard.get_option(c.file.sock, c.entry.option);
  if (!v) return of(v.error());
  const TimeValue t{*v / second_ns, *v % second_ns / 1'000};
  c.put(&t, sizeof t);
  return 0;
}

int set_timeout(OptionCall& c) {
  TimeValue t{};
  if (!c.read(t)) return EINVAL;
  if (t.micros < 0 || t.micros >= 1'000'000) return EDOM;
  constexpr i64 at_once = 1;
  if (t.seconds < 0) return set_core(c, at_once);
  return set_core(c, std::min<i64>(t.seconds, INT32_MAX) * second_ns + t.micros * 1'000);
}

int get_linger(OptionCall& c) {
  const auto v = c.shard.get_option(c.file.sock, Option::linger);
  if (!v) return of(v.error());
  const linger l{*v >= 0, static_cast<int>(std::max<i64>(*v, 0) / second_ns)};
  c.put(&l, sizeof l);
  return 0;
}

int set_linger(OptionCall& c) {
  linger l{};
  if (!c.read(l)) return EINVAL;
  const i64 seconds = static_cast<u32>(l.l_linger);
  return set_core(c, l.l_onoff != 0 ? std::min<i64>(seconds, INT32_MAX / 1'000) * second_ns : -1);
}

int get_type(OptionCall& c) {
  c.put_int(c.file.type);
  return 0;
}

int get_domain(OptionCall& c) {
  c.put_int(c.file.domain);
  return 0;
}

int get_protocol(OptionCall& c) {
  c.put_int(c.file.protocol);
  return 0;
}

int get_one(OptionCall& c) {
  c.put_int(1);
  return 0;
}

Outcome Process::getsockopt(int fd, int level, int name, void* value, socklen_t* length, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (is_bad(length)) return failed(EFAULT);
  if (static_cast<i32>(*length) < 0) return failed(EINVAL);
  const OptionEntry* e = find_option(*f, level, name);
  if (e == nullptr || e->get == nullptr) return failed(knows_level(*f, level) ? ENOPROTOOPT : EOPNOTSUPP);
  if (*length != 0 && is_bad(value)) return failed(EFAULT);
  OptionCall call{shard_, *f, *e, now, {}, {static_cast<std::byte*>(value), *length}, 0};
  error = e->get(call);
  if (error != 0) return failed(error);
  *length = static_cast<socklen_t>(call.written);
  return {};
}

Outcome Process::setsockopt(int fd, int level, int name, const void* value, socklen_t length, Instant now) {
  last_ = now;
  int error = 0;
  File* f = find_socket(fd, error);
  if (f == nullptr) return failed(error);
  if (static_cast<i32>(length) < 0) return failed(EINVAL);
  const OptionEntry* e = find_option(*f, level, name);
  if (e == nullptr || e->set == nullptr) return failed(ENOPROTOOPT);
  if (length != 0 && is_bad(value)) return failed(EFAULT);
  OptionCall call{shard_, *f, *e, now, {static_cast<const std::byte*>(value), length}, {}, 0};
  error = e->set(call);
  return error != 0 ? failed(error) : Outcome{};
}

}  // namespace weir::posix
