// The machine under test: a shard with one raw-IP interface, in virtual time. What it sends is kept with its time.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "drill/settings.hpp"
#include "shard/shard.hpp"

namespace weir::drill {

struct Sent {
  Instant at;
  std::vector<std::byte> packet;  // an IP packet
};

class Machine {
 public:
  explicit Machine(const Settings& settings);

  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] Instant beginning() const noexcept { return beginning_; }
  [[nodiscard]] Shard& shard() noexcept { return shard_; }
  [[nodiscard]] NetnsId netns() const noexcept { return netns_; }
  [[nodiscard]] Port port() const noexcept { return port_; }

  // Time passes up to `until` at most; stops early when `stop` says so, which is asked after everything that happens.
  void advance(Instant until, const std::function<bool()>& stop);
  // Lets the shard do what can be done now, and takes what it sends.
  void settle();
  // Packets that arrive now, all at once.
  void deliver(const std::vector<std::vector<std::byte>>& packets);
  void set_discard(bool discard) noexcept { discard_ = discard; }  // everything sent is lost on its way out

  std::deque<Sent> sent;

 private:
  void pull();

  Instant now_{}, beginning_{};
  Shard shard_;
  NetnsId netns_ = 0;
  Port port_ = 0;
  bool discard_ = false;
};

}  // namespace weir::drill
