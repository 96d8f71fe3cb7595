// What the monitor keeps of each TCP connection, and its rules. Positions in a stream are 64-bit offsets from the initial
// sequence number: the SYN is at 0, the first byte at 1.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "sim/intervals.hpp"
#include "sim/monitor.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"

namespace weir::sim {

// One direction of a connection: what one end sends, and what that end has been told by the other.
struct Half {
  bool known = false;  // the initial sequence number is
  u32 isn = 0;
  bool syn_acked = false;   // its SYN carried an ACK
  u64 snd_max = 0;          // behind the highest byte sent
  std::optional<u64> fin_at;
  SeenBytes bytes;
  Intervals arrived;        // at the other end
  u16 mss = 0;              // that it announced; 0: none
  std::optional<u8> wscale;
  bool timestamps = false, sack = false;  // offered in its SYN
  u16 ecn = 0;              // ECE and CWR of its SYNs
  bool marked = false;      // a segment marked CE has been delivered to it
  // What it has sent as a receiver of the other half.
  bool has_acked = false;
  u64 max_ack = 0, max_edge = 0;
  bool has_tsval = false;
  u32 max_tsval = 0;
  bool reset = false;       // it has sent RST
  // What was delivered to it.
  u64 una = 0;              // the highest acknowledgment
  // The same without what the host may not have taken (an unacceptable segment: RFC 9293 3.10.7.4; one older than
  // TS.Recent; a frame that was hurt where no checksum looks) or may not have looked at yet (it came at this very instant).
  u64 sure_una = 0, una_of_now = 0;
  bool has_ts_recent = false;
  u32 ts_recent = 0;        // the latest timestamp that was delivered to it
  std::optional<u64> edge;  // the rightmost that it was allowed to send up to
  bool reset_delivered = false;
  Instant last_delivery{-1}, last_sent{-1}, last_new_ack{-1};
  u64 deliveries = 0;
  // Retransmission timing.
  std::optional<u64> timed_offset;
  Instant timed_at;
  Duration timed_gap{};
  u64 timed_deliveries = 0;
  u32 timeouts_in_row = 0;
  // Window probing.
  std::optional<u64> probed_edge;
  u64 probed_una = 0;
  Instant probed_at;
  Duration probed_gap{};
  struct Timed {
    u64 end;
    Instant at;
  };
  std::deque<Timed> in_flight;  // segments sent once
  WireStats stats;
};

struct Connection {
  Half half[2];
};

class TcpMonitor {
 public:
  explicit TcpMonitor(Monitor& monitor) : monitor_(monitor) {}
  void sent(const Dissected& d, Instant now, bool untimed);
  void delivered(const Dissected& d, Instant now, bool hurt);
  [[nodiscard]] const WireStats* stats(const Endpoint& from, const Endpoint& to) const;

 private:
  struct Key {
    IpAddr a, b;
    u16 a_port, b_port;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Segment {  // parsed, with what it belongs to
    const Dissected& d;
    wire::TcpView tcp;
    wire::TcpOptions options;
    Half& from;
    Half& to;
    Instant now;
    u64 offset = 0;    // of its first byte or SYN or FIN
    bool is_syn, is_fin, is_rst, has_ack, untimed = false;
    [[nodiscard]] u64 payload_end() const { return offset + (is_syn ? 1 : 0) + tcp.payload().size(); }
    [[nodiscard]] u64 end() const { return payload_end() + (is_fin ? 1 : 0); }
    [[nodiscard]] u64 length() const { return end() - offset; }
  };

  [[nodiscard]] static std::pair<Key, u32> key_of(const IpAddr& src, u16 src_port, const IpAddr& dst, u16 dst_port);
  [[nodiscard]] Connection& find(const Dissected& d, const wire::TcpView& tcp, u32& direction);
  void say(const Segment& s, Rule rule, const std::string& detail);

  void check_header(const Segment& s);
  void check_syn(Segment& s, Connection& c, u32 direction);
  void check_options(const Segment& s);
  void check_timestamps(const Segment& s);
  void check_ack(const Segment& s);
  void check_sack(const Segment& s);
  void check_ecn(const Segment& s);
  void check_data(const Segment& s);
  void check_edge(const Segment& s);
  void check_timing(const Segment& s);
  void check_probe(const Segment& s);
  void check_reset(const Segment& s);
  void account(const Segment& s);
  static void learn_syn(Half& h, const Segment& s);
  static bool surely_taken(Half& receiver, const Segment& s, i64 at, u64 in_order);
  static void learn_ack(Half& receiver, const Segment& s, bool sure);

  Monitor& monitor_;
  std::map<Key, Connection> connections_;
};

}  // namespace weir::sim
