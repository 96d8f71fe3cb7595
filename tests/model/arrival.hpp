// What the steps of the model hand to one another. Internal to tests/model.
#pragma once

#include "tests/model/tcp_model.hpp"

namespace weir::model {

enum class Next : u8 { step, done };

struct Arrival {
  Tcb t;              // becomes Outcome::after
  const Seg arrived;  // as it came
  Seg seg;            // without a SYN that has been processed already
  const Instant now;
  const Config& cfg;
  Outcome out;
};

// Replies. The ACK is formed when all steps are done, from the variables as they are then.
void send_ack(Arrival& a);
void send_challenge_ack(Arrival& a);
void send_syn_ack(Arrival& a);
// RFC 9293 3.5.2: <SEQ=SEG.ACK><CTL=RST>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> where there is no ACK.
void send_reset(Arrival& a);

void signal(Arrival& a, Event e);
void delete_tcb(Arrival& a, Event e);

// The SYN at the head of the segment has been processed; what is left starts after it.
void cut_syn(Arrival& a);
void set_send_window(Arrival& a);
// Puts the text and the FIN of the segment, as far as they are in the window, with what is held. Returns whether any
// text was new.
bool hold(Arrival& a);

[[nodiscard]] bool in_window(const Tcb& t, SeqNum s) noexcept;

// 3.10.7.1 to 3.10.7.4
void arrives_closed(Arrival& a);
void arrives_listen(Arrival& a);
void arrives_syn_sent(Arrival& a);
void arrives_other(Arrival& a);

// 3.10.7.4, sixth to eighth: SYN-SENT joins in here
void sixth_urg(Arrival& a);
void from_sixth_step(Arrival& a);

}  // namespace weir::model
