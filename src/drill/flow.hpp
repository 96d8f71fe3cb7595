// Connections as a script sees them, and as they are: ports, sequence numbers and timestamps of the one in terms of the other.
// In a packet with SYN the sender's numbers are what the script says; in all others both sides count from their SYN.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "drill/settings.hpp"
#include "wire/tcp.hpp"

namespace weir::drill {

// One side's sequence numbers.
struct SeqMap {
  bool known = false;
  u32 live = 0, script = 0;  // the first number: on the wire, and in the script

  [[nodiscard]] u32 to_live(u32 number, bool syn) const noexcept { return number + live - (syn ? script : 0); }
  [[nodiscard]] u32 to_script(u32 number, bool syn) const noexcept { return number - live + (syn ? script : 0); }
};

struct Flow {
  u16 local_port = 0, remote_port = 0;                 // on the wire
  u16 script_local_port = 0, script_remote_port = 0;  // as the script names them; 0: it does not
  bool active = false;                                 // the machine under test has opened it
  bool finished = false;                               // reset, or closed by the script: the next SYN is of another
  bool answered = false;                               // the peer has sent an ACK
  SeqMap local{}, remote{};
  u32 last_seq = 0;                                    // of the last packet that the machine has sent, on the wire
  std::optional<std::pair<u32, u32>> first_ts{};       // TS val of its first packet: script, wire
  std::map<u32, u32> ts_vals{};                        // TS val: script to wire
};

class Flows {
 public:
  explicit Flows(const Settings& settings) : settings_(settings) {}

  // The connection that a packet of the script belongs to. Inbound SYNs and outbound ones may begin another.
  [[nodiscard]] Flow& of_inbound(const PacketSpec& packet, Place place);
  // Null: none yet; an outbound SYN may begin it.
  [[nodiscard]] Flow* of_expected(const PacketSpec& packet);
  [[nodiscard]] Flow* find_live(u16 local_port, u16 remote_port) noexcept;
  Flow& begin_active(const PacketSpec& packet, u16 local_port, u16 remote_port);

  [[nodiscard]] Flow* current() noexcept { return current_; }
  // The script has made another socket: a SYN after it is of another connection.
  void expect_another() noexcept { another_ = current_ != nullptr; }
  void finish_current() noexcept {
    if (current_ != nullptr) current_->finished = true;
  }

 private:
  Flow* find_script(u16 local_port, u16 remote_port) noexcept;
  Flow& add(u16 local_port, u16 remote_port);

  const Settings& settings_;
  std::deque<Flow> flows_;  // addresses stay
  Flow* current_ = nullptr;
  bool another_ = false;
  u16 next_remote_port_ = 33'000;
};

}  // namespace weir::drill
