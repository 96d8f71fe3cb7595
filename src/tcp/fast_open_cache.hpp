// What TCP Fast Open (RFC 7413) remembers: a server its keys, a client the cookies it was given and where data on a SYN got lost.
// Plain data; behaviour is in tcp/fast_open.hpp.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

namespace weir::tcp {

struct FastOpenEntry {
  IpAddr server;
  NetnsId netns = 0;
  u16 mss = 0;               // as the server announced it
  u8 len = 0;                // of the cookie, 0: none is known
  u8 losses = 0;             // SYNs in a row whose data was not taken
  bool experimental = false; // the server speaks option 254 (RFC 7413 4.1.1)
  bool used = false;
  u32 touched = 0;           // order of use
  u32 lost_ms = 0;           // the last of the losses
  std::array<std::byte, 16> cookie{};

  [[nodiscard]] Bytes bytes() const noexcept { return {cookie.data(), len}; }
};

// Entries by server, at most 1024: four places for each of 256 keyed hashes; of four that want the same, the one not used for longest
// goes. Takes memory when something is remembered first.
class FastOpenCache {
 public:
  static constexpr u32 sets = 256, ways = 4;

  [[nodiscard]] FastOpenEntry* find(SipKey key, NetnsId netns, const IpAddr& server) noexcept {
    if (entries_.empty()) return nullptr;
    const usize set = set_of(key, netns, server);
    for (usize i = set; i < set + ways; ++i) {
      FastOpenEntry& e = entries_[i];
      if (!e.used || e.netns != netns || !(e.server == server)) continue;
      e.touched = ++clock_;
      return &e;
    }
    return nullptr;
  }
  // The entry of the server, new if there was none.
  [[nodiscard]] FastOpenEntry& get(SipKey key, NetnsId netns, const IpAddr& server) noexcept {
    if (FastOpenEntry* e = find(key, netns, server)) return *e;
    if (entries_.empty()) entries_.resize(usize{sets} * ways);
    const usize set = set_of(key, netns, server);
    usize oldest = set;
    for (usize i = set; i < set + ways; ++i) {
      if (!entries_[i].used) {
        oldest = i;
        break;
      }
      if (clock_ - entries_[i].touched > clock_ - entries_[oldest].touched) oldest = i;
    }
    if (!entries_[oldest].used) ++size_;
    entries_[oldest] = {.server = server, .netns = netns, .used = true, .touched = ++clock_};
    return entries_[oldest];
  }
  [[nodiscard]] u32 size() const noexcept { return size_; }

 private:
  [[nodiscard]] static usize set_of(SipKey key, NetnsId netns, const IpAddr& server) noexcept {
    std::byte in[18];
    server.v6().store(in);
    store_be16(in + 16, netns);
    return static_cast<usize>(siphash13(key, in) % sets) * ways;
  }
  std::vector<FastOpenEntry> entries_;
  u32 clock_ = 0, size_ = 0;
};

// A path that loses SYNs with data turns Fast Open off for a while, for all of a netns.
struct FastOpenTrouble {
  u32 in_a_row = 0;
  u32 times = 0;  // turned off already
  Instant off_until{};
};

struct FastOpen {
  FastOpenCache cache;
  std::vector<FastOpenTrouble> trouble;  // by netns
  // A server's own keys, where the netns has not been given any.
  SipKey key, key_before;
  bool has_key = false, has_key_before = false;
  Instant drawn{};
};

// Bits of Tcb::fast_open.
struct FastOpenFlags {
  static constexpr u8 child = 1,          // server: came of a SYN with a good cookie, the handshake is not over
      fresh_cookie = 2,   // server: the SYN-ACK carries a cookie of the new key
      experimental = 4,   // as option 254
      connect = 8,        // option fast_open_connect
      no_cookie = 16,     // option fast_open_no_cookie
      deferred = 32,      // client: connect() was called, the SYN waits for data
      asked = 64,         // client: the SYN has a cookie, or asks for one
      data_taken = 128;   // data went with the SYN
};

}  // namespace weir::tcp
