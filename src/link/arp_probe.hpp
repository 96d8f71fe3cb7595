// IPv4 address conflict detection, RFC 5227: probing before an address is used, announcing, and ongoing defence. A machine
// per address: it says what is to be sent, the owner sends.
#pragma once

#include "base/rng.hpp"
#include "base/time.hpp"
#include "link/token_bucket.hpp"
#include "wire/address.hpp"

namespace weir::link {

// RFC 5227 1.1, with its names.
struct ArpProbeConfig {
  Duration probe_wait = Duration::seconds(1);
  u8 probe_num = 3;  // 0: announce at once
  Duration probe_min = Duration::seconds(1), probe_max = Duration::seconds(2);
  Duration announce_wait = Duration::seconds(2);
  u8 announce_num = 2;
  Duration announce_interval = Duration::seconds(2);
  u8 max_conflicts = 10;
  Duration rate_limit_interval = Duration::seconds(60);
  Duration defend_interval = Duration::seconds(10);
  enum class Defence : u8 {
    give_up_on_second,  // 2.4 (b): defend once per interval, cease to use the address on the next conflict within it
    keep,               // 2.4 (c): defend once per interval, never give up (servers, routers)
    none,               // 2.4 (a): cease to use it at once
  } defence = Defence::keep;
};

//   ArpProbe acd{config};
//   acd.start(now, rng);
//   switch (acd.on_deadline(now, rng)) { case send_probe: ... }     // at acd.deadline()
//   switch (acd.on_arp(...)) { case conflict: ... }                  // for each ARP packet heard about `address`
class ArpProbe {
 public:
  enum class State : u8 { idle, waiting, probing, announcing, bound, conflict };
  enum class Act : u8 {
    nothing,
    send_probe,     // sender IP 0.0.0.0, target IP the address (2.1.1)
    send_announce,  // sender and target IP the address (2.3); the address may be used from the first one on
    conflict,       // while probing: the address must not be used
    defend,         // someone else uses it: send one announcement
    give_up,        // cease to use it, close its connections (2.4)
  };

  explicit ArpProbe(const ArpProbeConfig& config = {}) noexcept : config_(config) {}

  // `conflicts`: how many this interface has seen; from max_conflicts on new attempts wait rate_limit_interval (2.1.1).
  void start(Instant now, Rng& rng, u32 conflicts = 0) noexcept;
  void stop() noexcept { *this = ArpProbe(config_); }
  [[nodiscard]] Act on_deadline(Instant now, Rng& rng) noexcept;
  // An ARP packet from another station's MAC address whose sender IP is the address, or that is a probe for it.
  [[nodiscard]] Act on_arp(Ip4Addr address, Ip4Addr sender, Ip4Addr target, Instant now) noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool usable() const noexcept { return state_ == State::announcing || state_ == State::bound; }

 private:
  [[nodiscard]] Act defend(Instant now) noexcept;

  ArpProbeConfig config_;
  State state_ = State::idle;
  u8 sent_ = 0;
  Instant deadline_ = Instant::never();
  Instant defended_{long_ago};
};

}  // namespace weir::link
