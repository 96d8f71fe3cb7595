#include "ip/dad.hpp"

#include <algorithm>

namespace weir::ip {

void Dad::start(Instant now, Rng& rng, bool delay) noexcept {
  state_ = State::delaying;
  sent_ = 0;
  to_send_ = config_.transmits;
  loop_seen_ = false;
  nonces_n_ = 0;
  deadline_ = now;
  if (delay && to_send_ != 0) {
    deadline_ = now + Duration{static_cast<i64>(rng.below(static_cast<u64>(config_.initial_delay_max.ns) + 1))};
  }
}

Dad::Act Dad::on_deadline(Instant now, Rng& rng) noexcept {
  if (!running() || now < deadline_) return Act::nothing;
  if (sent_ == to_send_ && loop_seen_) {  // RFC 7527 4.1: our own probes came back; ask on until they do not
    to_send_ = config_.loop_transmits;
    sent_ = 0;
    loop_seen_ = false;
  }
  if (sent_ == to_send_) {
    state_ = State::unique;
    deadline_ = Instant::never();
    return Act::assign;
  }
  state_ = State::probing;
  ++sent_;
  deadline_ = now + config_.retrans_timer;
  nonce_at_ = static_cast<u8>((nonce_at_ + 1u) % nonces_kept);
  nonces_n_ = static_cast<u8>(std::min<u32>(nonces_n_ + 1u, nonces_kept));
  rng.fill(std::as_writable_bytes(std::span{nonces_[nonce_at_]}));
  return Act::solicit;
}

Dad::Act Dad::on_solicitation(bool from_unspecified, const std::optional<DadNonce>& nonce) noexcept {
  if (!running() || !from_unspecified) return Act::nothing;
  for (u32 i = 0; nonce && i < nonces_n_; ++i) {
    if (nonces_[(nonce_at_ + nonces_kept - i) % nonces_kept] != *nonce) continue;
    loop_seen_ = true;
    return Act::nothing;
  }
  state_ = State::duplicate;
  deadline_ = Instant::never();
  return Act::duplicate;
}

Dad::Act Dad::on_advertisement() noexcept {
  if (!running()) return Act::nothing;
  state_ = State::duplicate;
  deadline_ = Instant::never();
  return Act::duplicate;
}

}  // namespace weir::ip
