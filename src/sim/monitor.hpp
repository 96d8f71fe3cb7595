// The wire monitor: sees every frame that a host gives away or gets, and says which rules were broken. It knows the
// protocols from their RFCs and the wire alone, and shares no code with src/tcp.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/faults.hpp"
#include "sim/world.hpp"

namespace weir::sim {

#define WEIR_WIRE_RULES(X)                                                                     \
  X(malformed, "a frame that is no frame, a packet that is no packet, a segment that is none") \
  X(too_long, "longer than the MTU of the link")                                               \
  X(padding, "bytes behind the packet, or behind the end of options, that are not zero")       \
  X(ip_checksum, "IPv4 header checksum wrong")                                                 \
  X(ip_header, "reserved flag set, TTL or hop limit 0")                                        \
  X(transport_checksum, "TCP, UDP or ICMP checksum wrong")                                     \
  X(reserved_bits, "reserved bits of the TCP header set")                                      \
  X(bad_flags, "flags that no sender combines")                                                \
  X(isn_changed, "SYN sent again with another sequence number")                                \
  X(edge_retreats, "the advertised right edge of the window moved left: RFC 9293 MUST-34")     \
  X(beyond_edge, "sent beyond the advertised window: RFC 9293 3.8.6")                          \
  X(bytes_differ, "bytes sent again are not those that were sent first")                       \
  X(data_after_fin, "data behind the FIN, or the FIN in another place")                        \
  X(bad_seq, "a sequence number that was never reached, or long left behind")                  \
  X(false_ack, "acknowledges what was not delivered")                                          \
  X(ack_retreats, "acknowledgment number moved left")                                          \
  X(mss_exceeded, "segment larger than the peer's MSS: RFC 9293 MUST-16")                      \
  X(option_misplaced, "MSS, window scale or SACK-permitted without SYN, or a scale above 14")  \
  X(option_not_offered, "option in a SYN-ACK or later that the peer did not offer")            \
  X(timestamp_missing, "timestamps were agreed on: RFC 7323 3.2")                              \
  X(timestamp_retreats, "TSval moved back")                                                    \
  X(timestamp_echo, "TSecr is no value that was received")                                     \
  X(false_sack, "a SACK block tells of what was not delivered: RFC 2018 3")                    \
  X(bad_ect, "ECT on what must not have it, or without agreement: RFC 3168 6.1")               \
  X(false_ece, "ECE, though no mark was delivered: RFC 3168 6.1.3")                            \
  X(backoff, "a retransmission sooner than twice the time before it: RFC 6298 5.5")            \
  X(probe_backoff, "a window probe sooner than twice the time before it: RFC 9293 3.8.6.1")    \
  X(unexplained_reset, "RST for no reason that the wire shows")

enum class Rule : u8 {
#define X(name, text) name,
  WEIR_WIRE_RULES(X)
#undef X
      count_
};
[[nodiscard]] std::string_view name(Rule r) noexcept;
[[nodiscard]] std::string_view text(Rule r) noexcept;

struct Violation {
  Rule rule{};
  Instant time;
  std::string where;   // flow or link
  std::string detail;
};
[[nodiscard]] std::string to_string(const Violation& v);

// What the wire tells about one direction of a connection.
struct WireStats {
  u64 segments = 0, data_segments = 0, bytes = 0;     // sent, bytes with repetitions
  u64 retransmissions = 0, retransmitted_bytes = 0;   // segments with bytes that were sent before
  u64 timeouts = 0;      // retransmissions that no arriving segment had caused
  u64 probes = 0;        // of a closed window
  u64 delivered = 0;     // bytes of the stream that have arrived in order at the other end
  std::vector<u32> rtt_us;  // of segments sent once: from sending to the arrival of their acknowledgment
  Instant first, last;   // segment sent
};

class TcpMonitor;

class Monitor : public WireListener {
 public:
  Monitor();
  ~Monitor() override;

  void on_address(u32 host, const IpAddr& address) override;
  void on_sent(u32 host, const Link& link, Bytes frame, Instant now) override;
  void on_delivered(u32 host, const Link& link, Bytes frame, bool hurt, Instant now) override;

  // The same without a link: for frames made by hand.
  // untimed: it may have waited on its way out, so that nothing is to be concluded from the time.
  void sent(u32 host, u16 mtu, std::string_view where, Bytes frame, Instant now, bool untimed = false);
  void delivered(u32 host, Bytes frame, Instant now, bool hurt = false);

  // The user of this end is about to do what draws an RST that the wire cannot explain: abort, close with unread data.
  void explain_reset(const Endpoint& local) { explained_.insert({local.addr, local.port}); }
  [[nodiscard]] bool is_explained(const IpAddr& a, u16 port) const { return explained_.contains({a, port}); }
  // The user has closed this end: data that comes from now on draws an RST, whether or not the FIN is on the wire already.
  void note_close(const Endpoint& local) { closed_.insert({local.addr, local.port}); }
  [[nodiscard]] bool is_closed(const IpAddr& a, u16 port) const { return closed_.contains({a, port}); }
  // Switches a rule off.
  void ignore(Rule r) { ignored_[static_cast<usize>(r)] = true; }

  [[nodiscard]] const std::vector<Violation>& violations() const noexcept { return violations_; }
  [[nodiscard]] u64 violations_total() const noexcept { return total_; }
  void clear() {
    violations_.clear();
    total_ = 0;
  }
  void report(Rule rule, Instant time, std::string where, std::string detail);

  // Of what `from` has sent to `to` in the latest connection between the two; nothing if there was none.
  [[nodiscard]] const WireStats* tcp_stats(const Endpoint& from, const Endpoint& to) const;

 private:
  static constexpr usize kept = 100;  // the rest is counted

  [[nodiscard]] bool owns(u32 host, const IpAddr& a) const;
  void check_ip4(Bytes packet, bool origin, std::string_view where, Instant now);
  void check_ip6(Bytes packet, std::string_view where, Instant now);
  void check_transport(const Dissected& d, std::string_view where, Instant now);

  std::set<std::pair<u32, IpAddr>> addresses_;
  std::set<std::pair<IpAddr, u16>> explained_, closed_;
  std::array<bool, static_cast<usize>(Rule::count_)> ignored_{};
  std::map<u32, Instant> neighbour_news_;  // when a host was last told a link address: what waited for it goes out then
  std::vector<Violation> violations_;
  u64 total_ = 0;
  std::unique_ptr<TcpMonitor> tcp_;
};

}  // namespace weir::sim
