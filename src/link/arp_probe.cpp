#include "link/arp_probe.hpp"

namespace weir::link {

namespace {

Duration between(Duration lo, Duration hi, Rng& rng) noexcept {
  return lo + Duration{static_cast<i64>(rng.below(static_cast<u64>((hi - lo).ns) + 1))};
}

}  // namespace

void ArpProbe::start(Instant now, Rng& rng, u32 conflicts) noexcept {
  sent_ = 0;
  defended_ = long_ago;
  state_ = State::waiting;
  if (config_.probe_num == 0) {
    deadline_ = now;
    return;
  }
  const Duration penalty = conflicts >= config_.max_conflicts ? config_.rate_limit_interval : Duration{};
  deadline_ = now + penalty + between({}, config_.probe_wait, rng);
}

ArpProbe::Act ArpProbe::on_deadline(Instant now, Rng& rng) noexcept {
  if (now < deadline_) return Act::nothing;
  if (state_ == State::waiting || state_ == State::probing) {
    if (sent_ < config_.probe_num) {
      state_ = State::probing;
      ++sent_;
      deadline_ = now + (sent_ < config_.probe_num ? between(config_.probe_min, config_.probe_max, rng) : config_.announce_wait);
      return Act::send_probe;
    }
    state_ = State::announcing;
    sent_ = 0;
  }
  if (state_ != State::announcing) {
    deadline_ = Instant::never();
    return Act::nothing;
  }
  ++sent_;
  if (sent_ >= config_.announce_num) {
    state_ = State::bound;
    deadline_ = Instant::never();
  } else {
    deadline_ = now + config_.announce_interval;
  }
  return Act::send_announce;
}

ArpProbe::Act ArpProbe::on_arp(Ip4Addr address, Ip4Addr sender, Ip4Addr target, Instant now) noexcept {
  const bool uses_it = sender == address;
  const bool probes_for_it = sender.is_any() && target == address;
  switch (state_) {
    case State::waiting:
    case State::probing:  // RFC 5227 2.1.1: also from the first moment of the wait
      if (!uses_it && !probes_for_it) return Act::nothing;
      state_ = State::conflict;
      deadline_ = Instant::never();
      return Act::conflict;
    case State::announcing:
    case State::bound: return uses_it ? defend(now) : Act::nothing;  // a probe is answered as any request
    default: return Act::nothing;
  }
}

// RFC 5227 2.4. The interval also bounds what two stations that will not give way say to each other.
ArpProbe::Act ArpProbe::defend(Instant now) noexcept {
  const bool recently = now - defended_ < config_.defend_interval;
  const bool yields =
      config_.defence == ArpProbeConfig::Defence::none || (recently && config_.defence == ArpProbeConfig::Defence::give_up_on_second);
  if (yields) {
    state_ = State::conflict;
    deadline_ = Instant::never();
    return Act::give_up;
  }
  if (recently) return Act::nothing;
  defended_ = now;
  return Act::defend;
}

}  // namespace weir::link
