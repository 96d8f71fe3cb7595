// Rate limits of ICMP: errors (RFC 1812 4.3.2.8, RFC 4443 2.4(f)) first per destination, then for the whole namespace with
// a price that varies by chance, so that nobody can count our errors to others (CVE-2020-25705); echo replies apart.
#pragma once

#include <vector>

#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "link/token_bucket.hpp"
#include "wire/address.hpp"

namespace weir::ip {

using link::TokenBucket;

struct IcmpLimitConfig {
  TokenBucket::Rate errors{.per_second = 1000, .burst = 50};           // of a namespace
  TokenBucket::Rate errors_each{.per_second = 1, .burst = 6};          // to one destination
  TokenBucket::Rate echo{.per_second = 1'000'000, .burst = 100'000};   // echo replies of a namespace
  u32 destinations = 4096;                                             // buckets; a power of two
};

// One per shard. A destination without a bucket takes over the one of its set that is nearest to full, so that a flood of
// forged destinations forgets only who has not been answered for long.
class IcmpLimiter {
 public:
  IcmpLimiter(const IcmpLimitConfig& config, Rng& rng);

  [[nodiscard]] bool allow_error(NetnsId netns, const IpAddr& to, Instant now);
  [[nodiscard]] bool allow_echo_reply(NetnsId netns, Instant now);
  // 0: the configured rate (sysctl icmp_ratelimit and its like)
  void set_error_rate(NetnsId netns, u32 per_second);
  void remove_netns(NetnsId netns);

 private:
  static constexpr u32 ways = 4;
  struct Slot {
    u32 tag = 0;
    TokenBucket bucket;
  };
  struct PerNetns {
    TokenBucket errors, echo;
    u32 error_rate = 0;
  };
  [[nodiscard]] TokenBucket& bucket_of(NetnsId netns, const IpAddr& to) noexcept;
  [[nodiscard]] PerNetns& per_netns(NetnsId netns);

  IcmpLimitConfig config_;
  Rng rng_;
  SipKey key_;
  std::vector<Slot> slots_;
  std::vector<PerNetns> netns_;
};

}  // namespace weir::ip
