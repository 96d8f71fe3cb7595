// A token bucket in eight bytes (the "virtual scheduling" form of ITU-T I.371): it keeps when it will be full again.
#pragma once

#include "base/time.hpp"

namespace weir::link {

// Before any time that a shard is given, and far enough from the ends of the range for differences not to overflow.
inline constexpr Instant long_ago{INT64_MIN / 2};

//   if (!bucket.take({.per_second = 1000, .burst = 50}, now)) return Drop::icmp_rate_limited;
class TokenBucket {
 public:
  struct Rate {
    u32 per_second = 0;  // 0: nothing passes
    u32 burst = 1;
  };
  // If there is a token, takes `price` of them: more than there are is a debt, 0 is a gift.
  [[nodiscard]] bool take(const Rate& rate, Instant now, u32 price = 1) noexcept {
    if (rate.per_second == 0) return false;
    const i64 token_ns = 1'000'000'000 / rate.per_second;
    const i64 from = full_at_ > now.ns ? full_at_ : now.ns;
    if (from - now.ns > token_ns * (i64{rate.burst} - 1)) return false;
    full_at_ = from + token_ns * price;
    return true;
  }
  [[nodiscard]] Instant full_at() const noexcept { return {full_at_}; }

 private:
  i64 full_at_ = long_ago.ns;
};

}  // namespace weir::link
