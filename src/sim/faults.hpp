// Faults by script: which frames of a link are to be hit. A Filter is asked about each frame in order and may count.
#pragma once

#include <functional>
#include <initializer_list>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace weir::sim {

// The parts of a frame that faults are chosen by; `l4` is empty for fragments that are not the first.
struct Dissected {
  u16 ethertype = 0;
  u8 protocol = 0;  // of IP; 0 with `ip` empty: not IP
  Bytes ip;         // the IP packet without link padding
  Bytes l4;         // transport header and what follows
  IpAddr src, dst;
  bool fragment = false;

  [[nodiscard]] bool is_tcp() const noexcept;
};

// Never fails: what cannot be parsed stays empty.
[[nodiscard]] Dissected dissect(Bytes frame) noexcept;

struct FrameInfo {
  Bytes frame;
  Instant time;     // at which it would go on the wire
  u64 number = 0;   // of this direction of the link, from 1
  bool a_to_b = true;
};

using Filter = std::function<bool(const FrameInfo&)>;

// Counting filters count over both directions when they are given to a link, over one when given to a pipe.
[[nodiscard]] Filter every_frame();
[[nodiscard]] Filter nth_frame(u64 n);          // any frame, ARP and ND included; from 1
[[nodiscard]] Filter nth_tcp_segment(u64 n);
[[nodiscard]] Filter nth_tcp_segment(std::initializer_list<u64> several);
[[nodiscard]] Filter nth_data_segment(u64 n);   // TCP segments with payload
[[nodiscard]] Filter nth_datagram(u64 n);       // UDP
[[nodiscard]] Filter tcp_with(u16 flags);       // every TCP segment that has all these flags
[[nodiscard]] Filter first(u64 n, Filter among);  // the first n that `among` finds
[[nodiscard]] Filter between(Instant from, Instant to);
[[nodiscard]] Filter larger_than(usize bytes);  // frames: a black hole of path MTU discovery

// mark: sets CE where the sender has set ECT (RFC 3168 5); other packets pass as they are.
enum class FaultKind : u8 { drop, duplicate, corrupt, delay, mark };

struct Fault {
  FaultKind kind{};
  Filter filter;
  Duration by{};  // of delay: later frames overtake
};

// Sets CE in an IPv4 or IPv6 packet that is ECT, and puts the header checksum right. False: it is not.
bool mark_ce(MutBytes frame) noexcept;
// Changes one bit of the frame, anywhere.
void flip_a_bit(MutBytes frame, Rng& rng) noexcept;

}  // namespace weir::sim
