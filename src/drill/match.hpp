// Outbound packets: the next one of the connection that the script speaks of must be the one that it expects.
#pragma once

#include <functional>

#include "drill/machine.hpp"
#include "drill/packets.hpp"

namespace weir::drill {

// When a packet may be sent.
struct Window {
  Instant from, to;  // the script's; the tolerance comes on top
  bool any = false;
};

class Matcher {
 public:
  // Lets time pass until then, or until the predicate holds.
  using Wait = std::function<void(Instant until, const std::function<bool()>& stop)>;

  Matcher(const Settings& settings, Machine& machine, Flows& flows, Wait wait)
      : settings_(settings), machine_(machine), flows_(flows), wait_(std::move(wait)) {}

  // When the packet (its last part) was sent. Throws RunFailure with both packets, field by field.
  Instant expect(const PacketSpec& spec, Place place, const Window& window);
  // A line for what the machine has sent, in the script's words.
  [[nodiscard]] std::string describe(const Sent& sent);

 private:
  Instant expect_tcp(const PacketSpec& spec, const TcpSpec& tcp, Place place, const Window& window);
  Instant expect_udp(const PacketSpec& spec, const UdpSpec& udp, Place place, const Window& window);
  Instant expect_icmp(const PacketSpec& spec, const IcmpSpec& icmp, Place place, const Window& window);
  // Takes the first packet that `wanted` likes out of what was sent, waiting for it.
  Sent take(const std::function<bool(const Seen&)>& wanted, const PacketSpec& spec, Place place, const Window& window, u32 missing);
  void check_time(const Sent& sent, Place place, const Window& window);
  [[nodiscard]] bool is_next(const Seen& seen, const PacketSpec& spec, const Flow* flow);
  [[nodiscard]] Flow& learn(const PacketSpec& spec, const TcpSpec& tcp, const Seen& seen, Flow* flow, Place place);
  [[nodiscard]] std::string seconds(Instant t) const;

  const Settings& settings_;
  Machine& machine_;
  Flows& flows_;
  Wait wait_;
  Instant start_ = machine_.now();
};

// -- the comparison of one segment (compare.cpp)
struct Field {
  std::string expected, sent;
  bool differs = false;
};
// `offset` bytes of the expected data were in earlier packets; with `part` more are to come in later ones.
[[nodiscard]] std::vector<Field> compare(const PacketSpec& spec, const TcpSpec& tcp, const Seen& seen, Flow& flow, const Settings& settings,
                                         u32 offset, bool part, Place place);
[[nodiscard]] bool differs(const std::vector<Field>& fields);
// Three lines: expected, sent, and marks under what differs.
[[nodiscard]] std::string side_by_side(const std::vector<Field>& fields);
[[nodiscard]] std::string to_text(const PacketSpec& spec);

}  // namespace weir::drill
