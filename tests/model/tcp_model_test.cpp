// Hand-derived cases of RFC 9293 3.10.7 for each state and step. The numbers come from canonical():
//   SYN-SENT      ISS 1000                     SYN-RECEIVED  SND 1000..1001, RCV.NXT 5001, edge 10841
//   ESTABLISHED   SND 2001..4001, RCV.NXT 5501, edge 11341, lowest acceptable SEG.ACK 2001-20000
//   FIN-WAIT-1    SND 2001..4002 (FIN 4001)    FIN-WAIT-2    SND 4002..4002
//   CLOSE-WAIT    SND 2001..4001, RCV.NXT 5502 CLOSING, LAST-ACK  SND 2001..4002, RCV.NXT 5502   TIME-WAIT  SND 4002,
//   5502
#include "tests/model/tcp_model.hpp"

#include <gtest/gtest.h>

#include "tests/model/rows.hpp"

namespace weir::model {
namespace {

TEST(model_rfc9293_3_10_7_1, closed) {
  const State s = State::closed;
  check(std::to_array<Row>({
      {"a RST is discarded", s, "R", 7, 0, 0, "CLOSED"},
      {"with ACK too", s, "RA", 7, 9, 0, "CLOSED"},
      {"ACK on: SEQ=SEG.ACK", s, "A", 7, 9, 0, "CLOSED <SEQ=9><CTL=RST>"},
      {"SYN,ACK and text: SEQ=SEG.ACK", s, "SA", 7, 9, 10, "CLOSED <SEQ=9><CTL=RST>"},
      {"ACK off: a SYN counts one", s, "S", 7, 0, 0, "CLOSED <SEQ=0><ACK=8><CTL=RST,ACK>"},
      {"ACK off: SYN, text, FIN all count", s, "SF", 7, 0, 10, "CLOSED <SEQ=0><ACK=19><CTL=RST,ACK>"},
      {"no flags at all", s, "", 7, 0, 10, "CLOSED <SEQ=0><ACK=17><CTL=RST,ACK>"},
  }));
}

TEST(model_rfc9293_3_10_7_2, listen) {
  const State s = State::listen;
  const char* opened = "SYN-RECEIVED una=1000000 nxt=8 <SEQ=1000000><ACK=8><CTL=SYN,ACK>";
  check(std::to_array<Row>({
      {"first: a RST is ignored", s, "R", 7, 0, 0, "LISTEN"},
      {"first: with SYN and ACK too", s, "SRA", 7, 9, 0, "LISTEN"},
      {"second: an ACK is bad", s, "A", 7, 9, 0, "LISTEN <SEQ=9><CTL=RST>"},
      {"second: with SYN too", s, "SA", 7, 9, 0, "LISTEN <SEQ=9><CTL=RST>"},
      {"second: comes before the SYN,FIN policy", s, "SFA", 7, 9, 0, "LISTEN <SEQ=9><CTL=RST>"},
      {"third: a SYN", s, "S", 7, 0, 0, opened},
      {"third: its text is for later", s, "S", 7, 0, 100, opened},
      {"third: PSH and URG are no matter", s, "SPU", 7, 0, 0, opened},
      {"third: SYN,FIN is dropped by policy", s, "SF", 7, 0, 0, "LISTEN"},
      {"fourth: anything else", s, "", 7, 0, 0, "LISTEN"},
      {"fourth: a FIN", s, "F", 7, 0, 5, "LISTEN"},
  }));
}

TEST(model_rfc9293_3_10_7_3, syn_sent) {
  const State s = State::syn_sent;
  check(std::to_array<Row>({
      {"first: SEG.ACK = ISS", s, "A", 5000, 1000, 0, "SYN-SENT una=1000 <SEQ=1000><CTL=RST>"},
      {"first: SEG.ACK > SND.NXT", s, "SA", 5000, 1002, 0, "SYN-SENT una=1000 <SEQ=1002><CTL=RST>"},
      {"first: but no RST to a RST", s, "RA", 5000, 1002, 0, "SYN-SENT una=1000"},
      {"second: RST with an acceptable ACK", s, "RA", 5000, 1001, 0, "CLOSED refused"},
      {"second: before SYN", s, "SRA", 5000, 1001, 0, "CLOSED refused"},
      {"second: RST without ACK", s, "R", 5000, 0, 0, "SYN-SENT una=1000"},
      {"fourth: SYN,ACK", s, "SA", 5000, 1001, 0, "ESTABLISHED una=1001 nxt=5001 <SEQ=1001><ACK=5001><CTL=ACK> established"},
      {"fourth: text on it is processed", s, "SA", 5000, 1001, 100,
       "ESTABLISHED una=1001 nxt=5101 <SEQ=1001><ACK=5101><CTL=ACK> established delivered=100"},
      {"fourth: text past the window is cut", s, "SA", 5000, 1001, 7000,
       "ESTABLISHED una=1001 nxt=10841 <SEQ=1001><ACK=10841><CTL=ACK> established delivered=5840"},
      {"fourth: FIN on it is processed", s, "SFA", 5000, 1001, 0,
       "CLOSE-WAIT una=1001 nxt=5002 <SEQ=1001><ACK=5002><CTL=ACK> established peer_fin"},
      {"fourth: text and FIN", s, "SFA", 5000, 1001, 100,
       "CLOSE-WAIT una=1001 nxt=5102 <SEQ=1001><ACK=5102><CTL=ACK> established peer_fin delivered=100"},
      {"fourth: URG", s, "SAU", 5000, 1001, 100,
       "ESTABLISHED una=1001 nxt=5101 <SEQ=1001><ACK=5101><CTL=ACK> established urgent delivered=100"},
      {"fourth: SYN alone, simultaneous open", s, "S", 5000, 0, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1000><ACK=5001><CTL=SYN,ACK>"},
      {"fourth: its text is for later", s, "SF", 5000, 0, 100, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1000><ACK=5001><CTL=SYN,ACK>"},
      {"fifth: a good ACK without SYN", s, "A", 5000, 1001, 0, "SYN-SENT una=1000"},
      {"fifth: a FIN cannot be validated", s, "FA", 5000, 1001, 10, "SYN-SENT una=1000"},
      {"fifth: no flags", s, "", 5000, 0, 10, "SYN-SENT una=1000"},
  }));
}

const char* const ack_in_syn_received = "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1001><ACK=5001><CTL=ACK>";

TEST(model_rfc9293_3_10_7_4, syn_received) {
  const State s = State::syn_received;
  const char* still = "SYN-RECEIVED una=1000 nxt=5001";
  const char* syn_ack = "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1000><ACK=5001><CTL=SYN,ACK>";
  const char* opened_and_ack = "ESTABLISHED una=1001 nxt=5001 <SEQ=1001><ACK=5001><CTL=ACK> established";
  check(std::to_array<Row>({
      {"first: the SYN again", s, "S", 5000, 0, 0, syn_ack},
      {"first: the SYN again with text", s, "S", 5000, 0, 20, syn_ack},
      {"first: the SYN again, now with ACK (A.2)", s, "SA", 5000, 1001, 0, opened_and_ack},
      {"first: ... with a bad ACK", s, "SA", 5000, 1002, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1002><CTL=RST>"},
      {"first: outside the window", s, "A", 4000, 1001, 0, ack_in_syn_received},
      {"first: text outside the window", s, "A", 4000, 1001, 10, ack_in_syn_received},
      {"first: a SYN outside the window", s, "S", 4000, 0, 0, ack_in_syn_received},
      {"first: at RCV.NXT-1 the ACK counts (A.2)", s, "A", 5000, 1001, 0, opened_and_ack},
      {"first: ... if it is good", s, "A", 5000, 1000, 0, ack_in_syn_received},
      {"second: RST at RCV.NXT, passive", s, "R", 5001, 0, 0, "LISTEN back_to_listen"},
      {"second: RST in the window", s, "R", 5002, 0, 0, ack_in_syn_received},
      {"second: RST before the window", s, "R", 5000, 0, 0, still},
      {"second: RST past the window", s, "R", 10841, 0, 0, still},
      {"second: RST wins over the repeated SYN", s, "SR", 5000, 0, 0, still},
      {"fourth: SYN in the window, passive", s, "S", 5001, 0, 0, "LISTEN back_to_listen"},
      {"fifth: ACK off", s, "", 5001, 0, 10, still},
      {"fifth: good ACK", s, "A", 5001, 1001, 0, "ESTABLISHED una=1001 nxt=5001 established"},
      {"fifth: SEG.ACK = SND.UNA", s, "A", 5001, 1000, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1000><CTL=RST>"},
      {"fifth: SEG.ACK > SND.NXT", s, "A", 5001, 1002, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1002><CTL=RST>"},
      {"seventh: text with it", s, "A", 5001, 1001, 10, "ESTABLISHED una=1001 nxt=5011 delayed established delivered=10"},
      {"eighth: FIN with it", s, "FA", 5001, 1001, 0, "CLOSE-WAIT una=1001 nxt=5002 <SEQ=1001><ACK=5002><CTL=ACK> established peer_fin"},
  }));
}

TEST(model_rfc9293_3_10_7_4, syn_received_after_an_active_open) {
  const State s = State::syn_received;
  check(std::to_array<Row>({
            {"second: RST at RCV.NXT", s, "R", 5001, 0, 0, "CLOSED refused"},
            {"fourth: SYN in the window", s, "S", 5001, 0, 0, ack_in_syn_received},
            {"the SYN again", s, "S", 5000, 0, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1000><ACK=5001><CTL=SYN,ACK>"},
        }),
        {.passive = false});
}

const char* const est = "ESTABLISHED una=2001 nxt=5501";
const char* const est_ack = "ESTABLISHED una=2001 nxt=5501 <SEQ=4001><ACK=5501><CTL=ACK>";
const char* const all_acked = "ESTABLISHED una=4001 nxt=5501";
const char* const all_acked_ack = "ESTABLISHED una=4001 nxt=5501 <SEQ=4001><ACK=5501><CTL=ACK>";

TEST(model_rfc9293_3_10_7_4, first_sequence) {
  const State s = State::established;
  check(std::to_array<Row>({
      {"old", s, "A", 4000, 4001, 0, est_ack},
      {"old text", s, "A", 5301, 4001, 100, est_ack},
      {"no ACK for a RST outside", s, "R", 4000, 0, 0, est},
      {"outside", s, "A", 12801, 4001, 0, est_ack},
      {"text outside", s, "A", 12801, 4001, 10, est_ack},
      {"no flags, outside", s, "", 12801, 0, 0, est_ack},
      {"keep-alive probe (A.2: its ACK counts)", s, "A", 5500, 4001, 0, all_acked_ack},
      {"keep-alive probe with an octet", s, "A", 5500, 4001, 1, all_acked_ack},
      {"the last text again (A.2)", s, "A", 5401, 4001, 100, all_acked_ack},
      {"the last text again, with an ACK of what was not sent", s, "A", 5401, 4002, 100, est_ack},
      {"pure ACK at the edge", s, "A", 11341, 4001, 0, all_acked},
      {"pure ACK one past the edge", s, "A", 11342, 4001, 0, all_acked},
      {"pure ACK two past the edge", s, "A", 11343, 4001, 0, est_ack},
      {"an octet at the edge: the ACK only", s, "A", 11341, 4001, 1, all_acked_ack},
      {"a FIN at the edge: the ACK only", s, "FA", 11341, 4001, 0, all_acked_ack},
      {"Table 6 refuses what covers all of the window", s, "A", 5500, 4001, 7300, all_acked_ack},
  }));
}

TEST(model_rfc9293_3_10_7_4, second_rst) {
  const State s = State::established;
  const char* reset = "CLOSED reset";
  check(std::to_array<Row>({
      {"exact", s, "R", 5501, 0, 0, reset},
      {"exact, any ACK", s, "RA", 5501, 9, 0, reset},
      {"exact, with text (SHLD-2)", s, "R", 5501, 0, 10, reset},
      {"exact, SYN and FIN too", s, "SFR", 5501, 0, 0, reset},
      {"inside", s, "R", 5502, 0, 0, est_ack},
      {"last", s, "R", 11340, 0, 0, est_ack},
      {"past", s, "R", 11341, 0, 0, est},
      {"before", s, "R", 5500, 0, 0, est},
      {"before, text reaching into the window", s, "R", 5400, 0, 200, est},
      {"CLOSE-WAIT", State::close_wait, "R", 5502, 0, 0, reset},
      {"FIN-WAIT-1", State::fin_wait_1, "R", 5501, 0, 0, reset},
      {"FIN-WAIT-2", State::fin_wait_2, "R", 5501, 0, 0, reset},
      {"CLOSING", State::closing, "R", 5502, 0, 0, "CLOSED deleted"},
      {"LAST-ACK", State::last_ack, "R", 5502, 0, 0, "CLOSED deleted"},
      {"TIME-WAIT", State::time_wait, "R", 5502, 0, 0, "CLOSED deleted"},
      {"TIME-WAIT, inside", State::time_wait, "R", 5503, 0, 0, "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK>"},
  }));
}

TEST(model_rfc9293_3_10_7_4, fourth_syn) {
  const State s = State::established;
  check(std::to_array<Row>({
      {"in the window", s, "S", 5501, 0, 0, est_ack},
      {"with ACK: nothing of it counts", s, "SA", 5501, 4001, 10, est_ack},
      {"anywhere", s, "S", 1, 0, 0, est_ack},
      {"at RCV.NXT-1", s, "SA", 5500, 4001, 0, est_ack},
      {"with FIN", s, "SF", 5501, 0, 0, est_ack},
      {"CLOSE-WAIT", State::close_wait, "S", 5502, 0, 0, "CLOSE-WAIT una=2001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK>"},
  }));
}

TEST(model_rfc9293_3_10_7_4, fifth_ack_in_established) {
  const State s = State::established;
  check(std::to_array<Row>({
      {"ACK off", s, "", 5501, 0, 0, est},
      {"ACK off, with text", s, "P", 5501, 0, 10, est},
      {"ACK off, with FIN", s, "F", 5501, 0, 0, est},
      {"all of it", s, "A", 5501, 4001, 0, all_acked},
      {"part of it", s, "A", 5501, 3001, 0, "ESTABLISHED una=3001 nxt=5501"},
      {"duplicate", s, "A", 5501, 2001, 0, est},
      {"old", s, "A", 5501, 2000, 0, est},
      {"old ACK, new text: the text counts", s, "A", 5501, 2000, 10, "ESTABLISHED una=2001 nxt=5511 delayed delivered=10"},
      {"the lowest acceptable", s, "A", 5501, 2001u - 20000u, 0, est},
      {"one below", s, "A", 5501, 2001u - 20001u, 0, est_ack},
      {"one below: the text does not count", s, "A", 5501, 2001u - 20001u, 10, est_ack},
      {"not yet sent", s, "A", 5501, 4002, 0, est_ack},
      {"not yet sent: the text does not count", s, "FA", 5501, 4002, 10, est_ack},
  }));
}

TEST(model_rfc9293_3_10_7_4, seventh_text) {
  const State s = State::established;
  check(std::to_array<Row>({
      {"in order", s, "A", 5501, 4001, 100, "ESTABLISHED una=4001 nxt=5601 delayed delivered=100"},
      {"PSH changes nothing here", s, "PA", 5501, 4001, 100, "ESTABLISHED una=4001 nxt=5601 delayed delivered=100"},
      {"straddling: the new part", s, "A", 5401, 4001, 200, "ESTABLISHED una=4001 nxt=5601 delayed delivered=100"},
      {"past the window: cut", s, "A", 5501, 4001, 7300, "ESTABLISHED una=4001 nxt=11341 delayed delivered=5840"},
      {"out of order", s, "A", 5601, 4001, 100, all_acked_ack},
      {"the last octet of the window", s, "A", 11340, 4001, 1, all_acked_ack},
      {"FIN-WAIT-1", State::fin_wait_1, "A", 5501, 4001, 100, "FIN-WAIT-1 una=4001 nxt=5601 delayed delivered=100"},
      {"FIN-WAIT-2", State::fin_wait_2, "A", 5501, 4002, 100, "FIN-WAIT-2 una=4002 nxt=5601 delayed delivered=100"},
      {"CLOSE-WAIT: ignored", State::close_wait, "A", 5502, 4001, 10, "CLOSE-WAIT una=4001 nxt=5502"},
      {"CLOSING: ignored", State::closing, "A", 5502, 4001, 10, "CLOSING una=4001 nxt=5502"},
      {"LAST-ACK: ignored", State::last_ack, "A", 5502, 4001, 10, "LAST-ACK una=4001 nxt=5502"},
      {"TIME-WAIT: ignored", State::time_wait, "A", 5502, 4002, 10, "TIME-WAIT una=4002 nxt=5502"},
  }));
}

TEST(model_rfc9293_3_10_7_4, eighth_fin_in_established) {
  const State s = State::established;
  check(std::to_array<Row>({
      {"FIN", s, "FA", 5501, 4001, 0, "CLOSE-WAIT una=4001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK> peer_fin"},
      {"text and FIN", s, "FA", 5501, 4001, 100, "CLOSE-WAIT una=4001 nxt=5602 <SEQ=4001><ACK=5602><CTL=ACK> peer_fin delivered=100"},
      {"out of order: kept", s, "FA", 5601, 4001, 0, all_acked_ack},
      {"the last number of the window", s, "FA", 5501, 4001, 5839,
       "CLOSE-WAIT una=4001 nxt=11341 <SEQ=4001><ACK=11341><CTL=ACK> peer_fin delivered=5839"},
      {"past the window: cut off", s, "FA", 5501, 4001, 5840, "ESTABLISHED una=4001 nxt=11341 delayed delivered=5840"},
  }));
}

TEST(model_rfc9293_3_10_7_4, closing_down) {
  check(std::to_array<Row>({
      {"our FIN acknowledged", State::fin_wait_1, "A", 5501, 4002, 0, "FIN-WAIT-2 una=4002 nxt=5501"},
      {"all but our FIN", State::fin_wait_1, "A", 5501, 4001, 0, "FIN-WAIT-1 una=4001 nxt=5501"},
      {"more than our FIN", State::fin_wait_1, "A", 5501, 4003, 0, "FIN-WAIT-1 una=2001 nxt=5501 <SEQ=4002><ACK=5501><CTL=ACK>"},
      {"FIN with ACK of ours", State::fin_wait_1, "FA", 5501, 4002, 0,
       "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> peer_fin 2msl"},
      {"FINs cross", State::fin_wait_1, "FA", 5501, 4001, 0, "CLOSING una=4001 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> peer_fin"},
      {"FIN", State::fin_wait_2, "FA", 5501, 4002, 0, "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> peer_fin 2msl"},
      {"FIN out of order", State::fin_wait_2, "FA", 5601, 4002, 0, "FIN-WAIT-2 una=4002 nxt=5501 <SEQ=4002><ACK=5501><CTL=ACK>"},
      {"ACK", State::close_wait, "A", 5502, 4001, 0, "CLOSE-WAIT una=4001 nxt=5502"},
      {"FIN again", State::close_wait, "FA", 5501, 4001, 0, "CLOSE-WAIT una=4001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK>"},
      {"a second FIN does not move RCV.NXT", State::close_wait, "FA", 5502, 4001, 0,
       "CLOSE-WAIT una=4001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK>"},
      {"URG is ignored", State::close_wait, "AU", 5502, 4001, 0, "CLOSE-WAIT una=4001 nxt=5502"},
      {"our FIN acknowledged", State::closing, "A", 5502, 4002, 0, "TIME-WAIT una=4002 nxt=5502 2msl"},
      {"all but our FIN", State::closing, "A", 5502, 4001, 0, "CLOSING una=4001 nxt=5502"},
      {"FIN again, with ACK of ours (A.2)", State::closing, "FA", 5501, 4002, 0,
       "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> 2msl"},
      {"our FIN acknowledged", State::last_ack, "A", 5502, 4002, 0, "CLOSED closed"},
      {"all but our FIN", State::last_ack, "A", 5502, 4001, 0, "LAST-ACK una=4001 nxt=5502"},
      {"FIN again", State::last_ack, "FA", 5501, 4001, 0, "LAST-ACK una=4001 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK>"},
      {"FIN again, with ACK of ours", State::last_ack, "FA", 5501, 4002, 0, "CLOSED closed"},
  }));
}

TEST(model_rfc9293_3_10_7_4, fin_wait_1_before_the_fin_is_sent) {
  check(std::to_array<Row>({
            {"all that was sent is acknowledged", State::fin_wait_1, "A", 5501, 4001, 0, "FIN-WAIT-1 una=4001 nxt=5501"},
            {"FIN of the peer", State::fin_wait_1, "FA", 5501, 4001, 0, "CLOSING una=4001 nxt=5502 <SEQ=4001><ACK=5502><CTL=ACK> peer_fin"},
        }),
        {.fin_sent = false});
}

TEST(model_rfc9293_3_10_7_4, time_wait) {
  const State s = State::time_wait;
  const char* still = "TIME-WAIT una=4002 nxt=5502";
  const char* acked = "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK>";
  const char* again = "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> 2msl";
  check(std::to_array<Row>({
      {"the FIN again", s, "FA", 5501, 4002, 0, again},
      {"the FIN again, with its text", s, "FA", 5401, 4002, 100, again},
      {"the FIN again, with an ACK of what was not sent", s, "FA", 5501, 4003, 0, acked},
      {"a FIN without ACK", s, "F", 5501, 0, 0, acked},
      {"another FIN", s, "FA", 5502, 4002, 0, again},
      {"a FIN outside", s, "FA", 20000, 4002, 0, acked},
      {"a pure ACK draws nothing: two TIME-WAITs would never stop", s, "A", 5502, 4002, 0, still},
      {"keep-alive probe", s, "A", 5501, 4002, 0, acked},
      {"ACK of what was not sent", s, "A", 5502, 4003, 0, acked},
      {"MAY-2: SYN above the last number seen", s, "S", 5502, 0, 0,
       "SYN-RECEIVED una=1000000 nxt=5503 <SEQ=1000000><ACK=5503><CTL=SYN,ACK> reopen"},
      {"MAY-2: far above", s, "S", 900000, 0, 0, "SYN-RECEIVED una=1000000 nxt=900001 <SEQ=1000000><ACK=900001><CTL=SYN,ACK> reopen"},
      {"SYN not above", s, "S", 5501, 0, 0, acked},
      {"SYN with ACK", s, "SA", 9000, 4002, 0, acked},
      {"SYN with FIN", s, "SF", 9000, 0, 0, acked},
  }));
  check(std::to_array<Row>({{"MAY-2: but nobody listens", s, "S", 9000, 0, 0, acked}}), {}, {.listening = false});
}

TEST(model_rfc1122_4_2_2_13, text_after_close) {
  const char* reset = "CLOSED <SEQ=4001><CTL=RST> aborted";
  check(
      std::to_array<Row>({
          {"text", State::fin_wait_1, "A", 5501, 4001, 10, reset},
          {"text out of order", State::fin_wait_1, "A", 5601, 4001, 10, reset},
          {"text and FIN", State::fin_wait_1, "FA", 5501, 4001, 10, reset},
          {"old text is only acknowledged", State::fin_wait_1, "A", 5401, 4001, 100,
           "FIN-WAIT-1 una=4001 nxt=5501 <SEQ=4002><ACK=5501><CTL=ACK>"},
          {"a FIN is welcome", State::fin_wait_1, "FA", 5501, 4001, 0, "CLOSING una=4001 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> peer_fin"},
          {"text", State::fin_wait_2, "A", 5501, 4002, 10, "CLOSED <SEQ=4002><CTL=RST> aborted"},
          {"text that acknowledges our FIN", State::fin_wait_1, "A", 5501, 4002, 10, "CLOSED <SEQ=4002><CTL=RST> aborted"},
          {"text", State::closing, "A", 5502, 4001, 10, reset},
          {"text, but the ACK leads to TIME-WAIT", State::closing, "A", 5502, 4002, 10, "TIME-WAIT una=4002 nxt=5502 2msl"},
          {"text", State::last_ack, "A", 5502, 4001, 10, reset},
          {"text, but the ACK ends it", State::last_ack, "A", 5502, 4002, 10, "CLOSED closed"},
          {"TIME-WAIT ignores text", State::time_wait, "A", 5502, 4002, 10, "TIME-WAIT una=4002 nxt=5502"},
      }),
      {.user_closed = true});
}

TEST(model_rfc9293_3_10_7_4, zero_window) {
  const State s = State::established;
  check(std::to_array<Row>({
            {"a valid ACK", s, "A", 5501, 4001, 0, all_acked},
            {"a probe: its ACK counts, its octet does not", s, "A", 5501, 4001, 1, all_acked_ack},
            {"URG with text (MUST-66)", s, "AU", 5501, 4001, 10,
             "ESTABLISHED una=4001 nxt=5501 "
             "<SEQ=4001><ACK=5501><CTL=ACK> urgent"},
            {"FIN has no room", s, "FA", 5501, 4001, 0, all_acked_ack},
            {"RST (MUST-66)", s, "R", 5501, 0, 0, "CLOSED reset"},
            {"RST with text (MUST-66)", s, "R", 5501, 0, 10, "CLOSED reset"},
            {"RST elsewhere", s, "R", 5502, 0, 0, est},
            {"SYN", s, "S", 5501, 0, 0, est_ack},
            {"both sides probe: the ACK starts past the octet (A.2)", s, "A", 5502, 4001, 0, all_acked},
            {"further on", s, "A", 5503, 4001, 0, est_ack},
            {"a probe with an old number", s, "A", 5500, 4001, 0, all_acked_ack},
        }),
        {.rcv_wnd = 0});
}

}  // namespace
}  // namespace weir::model
