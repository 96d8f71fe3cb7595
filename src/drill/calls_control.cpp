// fcntl, ioctl, getsockopt, setsockopt.
#include <fmt/format.h>
#include <sys/time.h>

#include <cstring>

#include "drill/calls.hpp"

namespace weir::drill {
namespace {

template <class T>
std::vector<std::byte> bytes_from(const T& v) {
  const Bytes b = bytes_of(v);
  return {b.begin(), b.end()};
}

// The value of an option as memory: [1], {onoff=1, linger=5}, {tv_sec=1, tv_usec=0}, "cubic".
std::vector<std::byte> option_bytes(const Value& v, const Settings& settings) {
  if (v.kind == Value::Kind::string) {
    const Bytes b = std::as_bytes(std::span(v.text));
    return {b.begin(), b.end()};
  }
  if (v.kind != Value::Kind::record) {
    const i64 n = bracketed(v, settings);
    if (n < std::numeric_limits<i32>::min() || n > 0xffff'ffff) throw ScriptError(v.place, fmt::format("{} does not fit into an int", n));
    return bytes_from(static_cast<u32>(n));
  }
  const auto at = [&](std::string_view name) {
    const Value* f = field(v, name);
    return f == nullptr ? i64{0} : number_of(*f, settings);
  };
  if (field(v, "onoff") != nullptr || field(v, "linger") != nullptr) {
    only_fields(v, {"onoff", "linger"});
    return bytes_from(linger{static_cast<int>(at("onoff")), static_cast<int>(at("linger"))});
  }
  only_fields(v, {"tv_sec", "tv_usec"});
  return bytes_from(timeval{at("tv_sec"), at("tv_usec")});
}

std::string in_hex(Bytes b) {
  if (b.size() == 4) return std::to_string(load_raw<i32>(b.data()));
  std::string out;
  for (const std::byte v : b) out += fmt::format("{:02x}", static_cast<u8>(v));
  return out.empty() ? "nothing" : out;
}

}  // namespace

void Calls::do_fcntl(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]), command = integer(s.arguments[1]);
  const long argument = s.arguments.size() > 2 ? number(s.arguments[2]) : 0;
  c.attempt = [this, fd, command, argument](Instant now) { return process_.fcntl(fd, command, argument, now); };
}

// ioctl(fd, SIOCINQ, [1000]): the number is what comes back, or goes in for FIONBIO.
void Calls::do_ioctl(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]);
  const auto request = static_cast<unsigned long>(number(s.arguments[1]));
  if (s.arguments.size() < 3 || is_null(s.arguments[2])) {
    c.attempt = [this, fd, request](Instant now) { return process_.ioctl(fd, request, nullptr, now); };
    return;
  }
  const int expected = static_cast<int>(bracketed(s.arguments[2], settings_));
  const auto value = std::make_shared<int>(expected);
  c.attempt = [this, fd, request, value](Instant now) { return process_.ioctl(fd, request, value.get(), now); };
  c.check = [value, expected, place = c.place](const posix::Outcome& o) {
    if (o.value == 0 && *value != expected) throw RunFailure(place, fmt::format("ioctl() gave {}, expected {}", *value, expected));
  };
}

void Calls::do_getsockopt(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]), level = integer(s.arguments[1]), name = integer(s.arguments[2]);
  const bool any = is_ellipsis(s.arguments[3]);
  const std::vector<std::byte> expected = any ? std::vector<std::byte>(256) : option_bytes(s.arguments[3], settings_);
  const auto want =
      is_ellipsis(s.arguments[4]) ? static_cast<socklen_t>(expected.size()) : static_cast<socklen_t>(bracketed(s.arguments[4], settings_));
  struct Out {
    std::vector<std::byte> value;
    socklen_t length;
  };
  const auto out = std::make_shared<Out>(Out{std::vector<std::byte>(std::max<usize>(want, 256)), want});
  c.attempt = [this, fd, level, name, out](Instant now) {
    return process_.getsockopt(fd, level, name, out->value.data(), &out->length, now);
  };
  if (any) return;
  c.check = [out, expected, want, place = c.place, fixed = !is_ellipsis(s.arguments[4])](const posix::Outcome& o) {
    if (o.value != 0) return;
    const Bytes got = Bytes(out->value).first(std::min<usize>(out->length, expected.size()));
    if (fixed && out->length != want) throw RunFailure(place, fmt::format("getsockopt() gave {} bytes, expected {}", out->length, want));
    if (std::memcmp(got.data(), expected.data(), got.size()) != 0)
      throw RunFailure(place, fmt::format("getsockopt() gave {}, expected {}", in_hex(got), in_hex(Bytes(expected).first(got.size()))));
  };
}

void Calls::do_setsockopt(const SystemCall& s, PendingCall& c) {
  const int fd = live_fd(s.arguments[0]), level = integer(s.arguments[1]), name = integer(s.arguments[2]);
  const bool null = is_null(s.arguments[3]);
  std::vector<std::byte> value = null ? std::vector<std::byte>() : option_bytes(s.arguments[3], settings_);
  const socklen_t length =
      is_ellipsis(s.arguments[4]) ? static_cast<socklen_t>(value.size()) : static_cast<socklen_t>(size(s.arguments[4]));
  if (length > value.size() && !null) value.resize(length);
  value.reserve(1);  // an empty value has an address too
  c.attempt = [this, fd, level, name, value, length, null](Instant now) {
    return process_.setsockopt(fd, level, name, null ? nullptr : value.data(), length, now);
  };
}

}  // namespace weir::drill
