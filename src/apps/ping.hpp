// ICMP echo (RFC 792, RFC 4443 4): asks, and counts what comes back.
#pragma once

#include <functional>

#include "weir/stack.hpp"

namespace weir::apps {

struct PingReply {
  enum class Kind : u8 { echo, duplicate, error } kind = Kind::echo;
  u16 seq = 0;
  u32 bytes = 0;  // of the ICMP message
  IpAddr from;
  u8 ttl = 0;
  Duration rtt{};
  std::string_view error{};  // what the sender of an ICMP error says
};

struct PingStats {
  u32 sent = 0, received = 0, duplicates = 0, errors = 0;
  Duration least = Duration::max(), most{}, sum{};
  double sum_of_squares_ms = 0;

  void add(Duration rtt) noexcept;
  [[nodiscard]] double loss_percent() const noexcept { return sent == 0 ? 0 : 100.0 * (sent - received) / sent; }
  [[nodiscard]] double mean_ms() const noexcept { return received == 0 ? 0 : sum.s() * 1e3 / received; }
  [[nodiscard]] double deviation_ms() const noexcept;
};

struct PingConfig {
  Endpoint to;                                 // the port means nothing
  u32 count = 0;                               // requests; 0: without end
  Duration interval = Duration::seconds(1);
  Duration timeout = Duration::seconds(10);    // for the last replies
  u16 payload = 56;                            // bytes behind the ICMP header
  u16 id = 0;                                  // tells this ping's replies from another's
  std::function<void(const PingReply&)> on_reply{};  // may be empty
};

// `stats` is kept up to date all the time, so that it can be shown when the task is destroyed before its end.
[[nodiscard]] Task<Result<void>> ping(Host host, PingConfig config, PingStats& stats);

}  // namespace weir::apps
