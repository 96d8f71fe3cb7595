// The points where weir does something else than the plain text of RFC 9293 3.10.7, on purpose. Each is a flag, so that
// the model can also run as the RFC alone reads. docs/model.md explains the same list, and a test compares the two.
#pragma once

#include <array>
#include <string_view>

namespace weir::model {

struct Deviations {
  bool challenge_rst = true;
  bool challenge_syn = true;
  bool challenge_ack = true;
  bool throttle = true;
  bool edges = true;
  bool drop_syn_fin = true;
  bool drop_syn_text = true;
  bool resend_syn_ack = true;
  bool refused_in_syn_sent = true;
  bool reset_after_close = true;
  bool time_wait_fin_only = true;
  bool time_wait_reopen = true;
  bool window_of_new_ack = true;
  bool rfc1337 = false;  // the sysctl tcp_rfc1337: 0 in the profile `linux`, 1 in `rfc`
};

struct DeviationInfo {
  std::string_view name, rfc, text;
  bool Deviations::* flag;
};

inline constexpr std::array<DeviationInfo, 14> deviations{{
    {"challenge_rst", "RFC 5961 3.2; RFC 9293 3.10.7.4 second",
     "RST resets only at exactly RCV.NXT; elsewhere in the window it draws a challenge ACK; outside it is dropped",
     &Deviations::challenge_rst},
    {"challenge_syn", "RFC 5961 4.2; RFC 9293 3.10.7.4 fourth",
     "SYN in a synchronized state draws a challenge ACK, whatever its sequence number", &Deviations::challenge_syn},
    {"challenge_ack", "RFC 5961 5.2; RFC 9293 MAY-12; RFC 9293 3.5.2 group 2",
     "SEG.ACK outside SND.UNA-MAX.SND.WND..SND.NXT draws a challenge ACK; in SYN-RECEIVED a bad ACK draws a RST "
     "instead",
     &Deviations::challenge_ack},
    {"throttle", "RFC 5961 7; RFC 9293 3.10.7.4 first, second",
     "challenge ACKs and ACKs of segments outside the window that hold no text, no FIN and are no keep-alive probe: at "
     "most one in 500 ms for each connection, the first always",
     &Deviations::throttle},
    {"edges", "RFC 9293 A.2; RFC 9293 3.10.7.4 first; MUST-66",
     "the ACK field is still taken from segments at the edges of the window; a pure ACK one past the edge is "
     "acceptable",
     &Deviations::edges},
    {"drop_syn_fin", "RFC 9293 3.10.7.2 third", "SYN with FIN to LISTEN is dropped in silence", &Deviations::drop_syn_fin},
    {"drop_syn_text", "RFC 9293 3.10.7.2 third, 3.10.7.3 fourth; RFC 4987 3.4",
     "text and FIN on a SYN without ACK are not queued: the peer sends them again", &Deviations::drop_syn_text},
    {"resend_syn_ack", "RFC 9293 3.10.7.4 first; RFC 1122 4.2.2.10",
     "in SYN-RECEIVED a repeated SYN (SEG.SEQ = IRS, no ACK) is answered by the SYN,ACK and not by an ACK", &Deviations::resend_syn_ack},
    {"refused_in_syn_sent", "RFC 9293 3.10.7.3 second",
     "an acceptable RST in SYN-SENT is reported as \"connection refused\", as POSIX has it, not \"reset\"",
     &Deviations::refused_in_syn_sent},
    {"reset_after_close", "RFC 1122 4.2.2.13; RFC 2525 2.17; RFC 9293 SHLD-3",
     "after close() new text in FIN-WAIT-1, FIN-WAIT-2, CLOSING or LAST-ACK is answered by RST and ends the connection",
     &Deviations::reset_after_close},
    {"time_wait_fin_only", "RFC 9293 3.10.7.4 fifth, eighth",
     "in TIME-WAIT only a FIN is acknowledged and restarts 2 MSL: a repeated FIN though it lies before the window, "
     "but no other segment",
     &Deviations::time_wait_fin_only},
    {"time_wait_reopen", "RFC 9293 MAY-2; RFC 6191 2",
     "a SYN above the last sequence number seen opens a new connection from TIME-WAIT, if someone listens", &Deviations::time_wait_reopen},
    {"window_of_new_ack", "RFC 9293 3.10.7.4 fifth",
     "an ACK that is new brings its window whatever SEG.SEQ is: else SND.UNA + SND.WND would pass the advertised edge",
     &Deviations::window_of_new_ack},
    {"rfc1337", "RFC 1337 3 (F1)", "RST is ignored in TIME-WAIT (off by default)", &Deviations::rfc1337},
}};

}  // namespace weir::model
