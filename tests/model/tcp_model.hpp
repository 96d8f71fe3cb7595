// Reference model of TCP segment arrival: RFC 9293 3.10.7 as an executable text, with the deviations listed in
// deviations.hpp. Slow and plain on purpose. It shares nothing with src/tcp but the integer and sequence number types.
//
//   Outcome o = arrives(tcb, seg, now, {});
//   // o.after: the connection afterwards; o.replies: the segments that must leave; o.events: what the user is told
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/seq.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "tests/model/deviations.hpp"

namespace weir::model {

enum class State : u8 {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait
};

struct Seg {
  SeqNum seq{}, ack{};
  u32 len = 0;  // bytes of text; SEG.LEN, which counts SYN and FIN too, is seg_len()
  u32 wnd = 0;  // SEG.WND, already scaled
  bool fin = false, syn = false, rst = false, psh = false, ack_flag = false, urg = false, ece = false, cwr = false;
  bool ae = false;  // once NS
  u16 up = 0;

  friend bool operator==(const Seg&, const Seg&) = default;
};

[[nodiscard]] u32 seg_len(const Seg& seg) noexcept;

// In CLOSED and LISTEN only `state` means anything; in SYN-SENT of the receive side only `rcv_wnd` does.
struct Tcb {
  State state = State::closed;
  bool passive = false;      // came from LISTEN (RFC 9293 MUST-11)
  bool user_closed = false;  // close(), not shutdown(): nobody will read any more

  SeqNum iss{}, snd_una{}, snd_nxt{};
  u32 snd_wnd = 0, max_snd_wnd = 0;
  SeqNum snd_wl1{}, snd_wl2{};
  bool fin_sent = false;
  SeqNum fin_seq{};  // the number of our FIN, if fin_sent

  SeqNum irs{}, rcv_nxt{};
  u32 rcv_wnd = 0;
  SeqNum rcv_up{}, read_nxt{};       // RCV.UP; the first octet that the user has not taken
  std::set<u32> held{};              // octets received out of order, by number
  std::optional<SeqNum> held_fin{};  // the number of a FIN received out of order

  std::optional<Instant> last_challenge{};

  friend bool operator==(const Tcb&, const Tcb&) = default;
};

struct Config {
  Deviations dev{};
  Duration challenge_interval = Duration::millis(500);
  bool listening = true;       // someone listens on the port: TIME-WAIT may be reopened
  SeqNum next_iss{1'000'000};  // the ISS that LISTEN selects; for a reopened TIME-WAIT it must be above the old SND.NXT
  u32 listen_rcv_wnd = 65'535;  // RCV.WND of a connection that LISTEN makes
};

enum class Event : u8 {
  established,     // the connection is open
  refused,         // "connection refused"
  reset,           // "connection reset"
  aborted,         // we reset it: text after close()
  peer_fin,        // "connection closing"
  urgent,          // urgent data announced
  closed,          // our FIN is acknowledged in LAST-ACK: the TCB is gone and all is well
  deleted,         // the TCB is gone; the user is not told
  back_to_listen,  // a passive SYN-RECEIVED is gone; the user is not told
  reopen           // TIME-WAIT gave way to a new connection, which is `after`
};

enum class AckDue : u8 {
  none,        // no ACK may be sent
  delayed_ok,  // ack_of(after) now or within 500 ms: not in `replies`
  now          // it is in `replies`
};

struct Outcome {
  Tcb after{};
  std::vector<Seg> replies{};  // at most one today. wnd is not to be compared on a RST
  AckDue ack_due = AckDue::none;
  std::vector<Event> events{};  // in the order of the text
  u32 delivered_bytes = 0;      // text that came in order and is the user's now
  bool start_2msl = false;      // the time-wait timer starts, or starts again
  bool throttled = false;       // an ACK was held back by the limit on challenge ACKs

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What `seg` does to the connection `tcb`. Meanwhile the user reads nothing, so the right edge of the receive window
// stays.
[[nodiscard]] Outcome arrives(const Tcb& tcb, const Seg& seg, Instant now, const Config& cfg);

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
[[nodiscard]] Seg ack_of(const Tcb& tcb);

[[nodiscard]] std::string_view name(State s) noexcept;  // as in the RFC: "FIN-WAIT-1"
[[nodiscard]] std::string_view name(Event e) noexcept;
[[nodiscard]] std::string print(const Seg& seg);  // "<SEQ=4001><ACK=5501><LEN=1460><CTL=ACK,PSH>"
[[nodiscard]] std::string print(const Tcb& tcb);
// "CLOSE-WAIT una=2001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK> peer_fin": state, SND.UNA, RCV.NXT, what else happened
[[nodiscard]] std::string print(const Outcome& o);

}  // namespace weir::model
