// One table of the options of getsockopt and setsockopt: what each is in weir, and how its value is converted.
#pragma once

#include <span>

#include "posix/file.hpp"

namespace weir::posix {

struct OptionCall;

// One line of the table. `get` and `set` convert; the columns after them are what the common conversions go by.
struct OptionEntry {
  int level, name;
  u8 kinds;                                      // of sockets that have it: SocketKind
  int (*get)(OptionCall& call) = nullptr;        // errno; none: the option cannot be read
  int (*set)(OptionCall& call) = nullptr;        // none: it cannot be written
  Option option = Option::count_;                // of the core
  i64 unit = 1;                                  // the core's value of 1 here: ns of a second
  i64 least = INT32_MIN, most = INT32_MAX;       // others are EINVAL
  int SocketExtras::* extra = nullptr;           // of this layer
};

struct SocketKind {
  static constexpr u8 stream = 1, datagram = 2, raw = 4, v6 = 8;  // v6: only AF_INET6 sockets
  static constexpr u8 any = stream | datagram | raw, packets = datagram | raw;
};

// A getsockopt or setsockopt in progress.
struct OptionCall {
  Shard& shard;
  File& file;
  const OptionEntry& entry;
  Instant now;
  Bytes in;          // set: the caller's value
  MutBytes out;      // get: room for it
  usize written = 0;

  // The value is cut to the caller's room, as Linux does with all but a few.
  void put(const void* value, usize size) noexcept;
  void put_int(int value) noexcept { put(&value, sizeof value); }
  // False: the caller's value is too short (EINVAL).
  template <class T>
  [[nodiscard]] bool read(T& value) const noexcept {
    if (in.size() < sizeof value) return false;
    std::memcpy(&value, in.data(), sizeof value);
    return true;
  }
};

[[nodiscard]] std::span<const OptionEntry> option_table() noexcept;

// -- conversions
int get_number(OptionCall& c);     // of the core, divided by unit
int set_number(OptionCall& c);
int set_flag(OptionCall& c);       // anything but 0 is 1
int get_extra(OptionCall& c);
int set_extra(OptionCall& c);
int set_extra_flag(OptionCall& c);
int get_buffer(OptionCall& c);     // SO_SNDBUF, SO_RCVBUF: twice what was asked for
int set_buffer(OptionCall& c);
int set_buffer_forced(OptionCall& c);
int get_timeout(OptionCall& c);    // struct timeval
int set_timeout(OptionCall& c);
int get_linger(OptionCall& c);
int set_linger(OptionCall& c);
int get_type(OptionCall& c);
int get_domain(OptionCall& c);
int get_protocol(OptionCall& c);
int get_one(OptionCall& c);        // SO_SNDLOWAT
int get_ttl(OptionCall& c);         // 0 of the core is the namespace's default
int get_timestamp(OptionCall& c);   // SO_TIMESTAMP and SO_TIMESTAMPNS exclude one another; unit is which
int set_timestamp(OptionCall& c);
int set_no_delay(OptionCall& c);    // what is held back goes, also when TCP_CORK or MSG_MORE hold it
int set_zero_copy(OptionCall& c);
int set_udp_cork(OptionCall& c);
int set_low_water(OptionCall& c);
int set_v6_only(OptionCall& c);
int set_max_segment(OptionCall& c);
int get_memory_info(OptionCall& c);
int get_device(OptionCall& c);     // SO_BINDTODEVICE: names
int set_device(OptionCall& c);
int set_or_default(OptionCall& c); // -1: IP_TTL, IPV6_UNICAST_HOPS, IPV6_TCLASS as they were
int get_congestion(OptionCall& c);  // TCP_CONGESTION: names
int set_congestion(OptionCall& c);
int get_pacing(OptionCall& c);      // SO_MAX_PACING_RATE: all ones are no limit
int set_pacing(OptionCall& c);
int join_group(OptionCall& c);      // struct ip_mreq, ip_mreqn, ipv6_mreq
int leave_group(OptionCall& c);
int get_tcp_info(OptionCall& c);
int get_cc_info(OptionCall& c);

}  // namespace weir::posix
