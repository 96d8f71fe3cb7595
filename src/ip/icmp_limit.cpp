#include "ip/icmp_limit.hpp"

#include <algorithm>
#include <bit>

namespace weir::ip {

IcmpLimiter::IcmpLimiter(const IcmpLimitConfig& config, Rng& rng)
    : config_(config), rng_(rng.fork()), key_{rng.next_u64(), rng.next_u64()} {}

TokenBucket& IcmpLimiter::bucket_of(NetnsId netns, const IpAddr& to) noexcept {
  if (slots_.empty()) slots_.resize(std::bit_ceil(std::max(config_.destinations, ways)));
  SipState<1, 3> s{key_};
  s.word(load_raw<u64>(to.v6().b.data()));
  s.word(load_raw<u64>(to.v6().b.data() + 8));
  const u64 hash = s.finish(netns);
  const u32 tag = static_cast<u32>(hash >> 32) | 1;
  Slot* const set = &slots_[(hash & (slots_.size() - 1)) & ~u64{ways - 1}];
  Slot* victim = set;
  for (Slot* slot = set; slot != set + ways; ++slot) {
    if (slot->tag == tag) return slot->bucket;
    if (slot->bucket.full_at() < victim->bucket.full_at()) victim = slot;
  }
  *victim = {.tag = tag, .bucket = {}};
  return victim->bucket;
}

IcmpLimiter::PerNetns& IcmpLimiter::per_netns(NetnsId netns) {
  if (netns >= netns_.size()) netns_.resize(netns + usize{1});
  return netns_[netns];
}

// The own limit of the destination first: what one of them provokes does not show in what others are told. The price is
// 0, 1 or 2 tokens, by chance: whoever spends tokens in order to count the rest learns next to nothing (RFC 4443 2.4(f)).
bool IcmpLimiter::allow_error(NetnsId netns, const IpAddr& to, Instant now) {
  if (!bucket_of(netns, to).take(config_.errors_each, now)) return false;
  PerNetns& n = per_netns(netns);
  TokenBucket::Rate rate = config_.errors;
  if (n.error_rate != 0) rate.per_second = n.error_rate;
  return n.errors.take(rate, now, static_cast<u32>(rng_.below(3)));
}

bool IcmpLimiter::allow_echo_reply(NetnsId netns, Instant now) { return per_netns(netns).echo.take(config_.echo, now); }

void IcmpLimiter::set_error_rate(NetnsId netns, u32 per_second) { per_netns(netns).error_rate = per_second; }

void IcmpLimiter::remove_netns(NetnsId netns) {
  if (netns < netns_.size()) netns_[netns] = {};
}

}  // namespace weir::ip
