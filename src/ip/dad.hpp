// Duplicate address detection: RFC 4862 5.4, with the nonce of RFC 7527 that tells our own looped-back probes from those of
// another node. A machine per tentative address; it says what is to be sent, the owner sends.
#pragma once

#include <optional>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

namespace weir::ip {

struct DadConfig {
  u8 transmits = 1;                                   // DupAddrDetectTransmits; 0: no detection
  Duration retrans_timer = Duration::seconds(1);
  Duration initial_delay_max = Duration::seconds(1);  // MAX_RTR_SOLICITATION_DELAY
  u8 loop_transmits = 3;                              // RFC 7527 4.1: MAX_MULTICAST_SOLICIT more after a loop was seen
};

using DadNonce = std::array<u8, 6>;

class Dad {
 public:
  enum class State : u8 { idle, delaying, probing, unique, duplicate };
  enum class Act : u8 {
    nothing,
    solicit,    // NS from :: to the solicited-node group of the address, with option nonce()
    assign,     // nobody else has it
    duplicate,  // it must not be used (RFC 4862 5.4.5)
  };

  explicit Dad(const DadConfig& config = {}) noexcept : config_(config) {}

  // `delay`: first packet of the interface, or the address came with a multicast advertisement (5.4.2). Without a wait the
  // first Act comes from on_deadline(now) at once.
  void start(Instant now, Rng& rng, bool delay) noexcept;
  [[nodiscard]] Act on_deadline(Instant now, Rng& rng) noexcept;
  // A solicitation whose target is the address. From a unicast source it is address resolution and proves nothing (5.4.3).
  [[nodiscard]] Act on_solicitation(bool from_unspecified, const std::optional<DadNonce>& nonce) noexcept;
  // An advertisement whose target is the address (5.4.4).
  [[nodiscard]] Act on_advertisement() noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
  [[nodiscard]] const DadNonce& nonce() const noexcept { return nonces_[nonce_at_]; }
  [[nodiscard]] bool loop_seen() const noexcept { return loop_seen_; }

 private:
  static constexpr u32 nonces_kept = 8;
  [[nodiscard]] bool running() const noexcept { return state_ == State::delaying || state_ == State::probing; }

  DadConfig config_;
  State state_ = State::idle;
  u8 sent_ = 0, to_send_ = 0;
  bool loop_seen_ = false;   // in the round at hand
  u8 nonce_at_ = 0, nonces_n_ = 0;
  std::array<DadNonce, nonces_kept> nonces_{};
  Instant deadline_ = Instant::never();
};

}  // namespace weir::ip
