// Variables over several segments: send window, urgent pointer, what is held out of order, the limit on challenge ACKs;
// and the flags of deviations.hpp switched off.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/model/rows.hpp"

namespace weir::model {
namespace {

Outcome feed(Tcb& t, const Seg& seg, Instant now = {}, const Config& cfg = {}) {
  Outcome o = arrives(t, seg, now, cfg);
  t = o.after;
  return o;
}

Seg with_window(Seg seg, u32 wnd) {
  seg.wnd = wnd;
  return seg;
}

TEST(model_send_window, follows_the_newest_segment_only) {
  Tcb t = canonical(State::established);  // WL1 5501, WL2 2001
  feed(t, with_window(seg_of("A", 5501, 2001, 0), 9'000));
  EXPECT_EQ(t.snd_wnd, 9'000u) << "SND.WL1 = SEG.SEQ and SND.WL2 = SEG.ACK";
  feed(t, with_window(seg_of("A", 5401, 2001, 200), 1));
  EXPECT_EQ(t.snd_wnd, 9'000u) << "SEG.SEQ is before SND.WL1, though its text is new";
  EXPECT_EQ(t.rcv_nxt, SeqNum{5601});
  feed(t, with_window(seg_of("A", 5601, 2000, 0), 2));
  EXPECT_EQ(t.snd_wnd, 9'000u) << "SEG.ACK is before SND.UNA";
  feed(t, with_window(seg_of("A", 5601, 3001, 0), 30'000));
  EXPECT_EQ(t.snd_wnd, 30'000u);
  EXPECT_EQ(t.max_snd_wnd, 30'000u);
  EXPECT_EQ(t.snd_wl1, SeqNum{5601});
  EXPECT_EQ(t.snd_wl2, SeqNum{3001});
  feed(t, with_window(seg_of("A", 5601, 3001, 0), 0));
  EXPECT_EQ(t.snd_wnd, 0u) << "a window may close";
  EXPECT_EQ(t.max_snd_wnd, 30'000u);
}

TEST(model_send_window, is_taken_from_each_step_of_the_handshake) {
  Tcb client = canonical(State::syn_sent);
  feed(client, with_window(seg_of("SA", 5000, 1001, 0), 777));
  EXPECT_EQ(client.snd_wnd, 777u);
  EXPECT_EQ(client.snd_wl1, SeqNum{5000});
  EXPECT_EQ(client.snd_wl2, SeqNum{1001});
  Tcb server = canonical(State::listen);
  feed(server, with_window(seg_of("S", 7, 0, 0), 888));
  EXPECT_EQ(server.max_snd_wnd, 888u);
  feed(server, with_window(seg_of("A", 8, 1'000'001, 0), 500));
  EXPECT_EQ(server.snd_wnd, 500u);
  EXPECT_EQ(server.max_snd_wnd, 888u);
  EXPECT_EQ(server.snd_wl2, SeqNum{1'000'001});
}

TEST(model_receive_window, keeps_its_right_edge) {
  Tcb t = canonical(State::established);
  feed(t, seg_of("A", 5501, 4001, 100));
  EXPECT_EQ(t.rcv_wnd, 5740u);
  feed(t, seg_of("FA", 5601, 4001, 0));
  EXPECT_EQ(t.rcv_wnd, 5739u);
}

TEST(model_urgent, signals_once_for_one_run_of_urgent_data) {
  Tcb t = canonical(State::established);
  Seg seg = seg_of("AU", 5501, 4001, 5);
  EXPECT_EQ(feed(t, seg).events, std::vector{Event::urgent});
  EXPECT_EQ(t.rcv_up, SeqNum{5511}) << "MUST-62: SEG.SEQ plus the pointer is the first octet that is not urgent";
  seg.seq = {5506};
  EXPECT_TRUE(feed(t, seg).events.empty()) << "urgent mode goes on";
  EXPECT_EQ(t.rcv_up, SeqNum{5516});
  seg.seq = {5511};
  seg.up = 0;
  feed(t, seg);
  EXPECT_EQ(t.rcv_up, SeqNum{5516}) << "it never goes back";
  seg.seq = {5516};
  t.read_nxt = t.rcv_up;
  seg.up = 100;
  EXPECT_EQ(feed(t, seg).events, std::vector{Event::urgent}) << "all was read: a new run";
}

TEST(model_urgent, a_pointer_to_what_was_read_is_no_news) {
  Tcb t = canonical(State::established);
  Seg seg = seg_of("AU", 5501, 4001, 0);
  seg.up = 0;
  EXPECT_TRUE(feed(t, seg).events.empty());
}

TEST(model_out_of_order, is_held_and_delivered_when_the_gap_fills) {
  Tcb t = canonical(State::established);
  EXPECT_EQ(print(feed(t, seg_of("A", 5601, 4001, 100))), "ESTABLISHED una=4001 nxt=5501 <SEQ=4001><ACK=5501><CTL=ACK>");
  EXPECT_EQ(t.held.size(), 100u);
  EXPECT_EQ(print(feed(t, seg_of("FA", 5701, 4001, 50))), "ESTABLISHED una=4001 nxt=5501 <SEQ=4001><ACK=5501><CTL=ACK>");
  EXPECT_EQ(t.held_fin, SeqNum{5751}) << "SHLD-31: the FIN is kept too";
  EXPECT_EQ(print(feed(t, seg_of("A", 5501, 4001, 40))), "ESTABLISHED una=4001 nxt=5541 <SEQ=4001><ACK=5541><CTL=ACK> delivered=40");
  EXPECT_EQ(print(feed(t, seg_of("A", 5541, 4001, 60))),
            "CLOSE-WAIT una=4001 nxt=5752 <SEQ=4001><ACK=5752><CTL=ACK> peer_fin delivered=210");
  EXPECT_TRUE(t.held.empty());
}

TEST(model_out_of_order, what_fills_the_last_gap_is_acknowledged_at_once) {
  Tcb t = canonical(State::established);
  feed(t, seg_of("A", 5601, 4001, 100));
  EXPECT_EQ(print(feed(t, seg_of("A", 5501, 4001, 100))), "ESTABLISHED una=4001 nxt=5701 <SEQ=4001><ACK=5701><CTL=ACK> delivered=200");
}

TEST(model_out_of_order, nothing_follows_a_fin) {
  Tcb t = canonical(State::established);
  feed(t, seg_of("A", 5601, 4001, 100));
  feed(t, seg_of("FA", 5551, 4001, 0));
  EXPECT_TRUE(t.held.empty());
  feed(t, seg_of("A", 5551, 4001, 100));
  EXPECT_TRUE(t.held.empty());
  feed(t, seg_of("A", 5501, 4001, 100));
  EXPECT_EQ(t.state, State::close_wait);
  EXPECT_EQ(t.rcv_nxt, SeqNum{5552});
}

TEST(model_throttle, one_challenge_ack_in_500_ms) {
  const Seg blind[] = {seg_of("R", 5502, 0, 0), seg_of("S", 1, 0, 0), seg_of("A", 5501, 4002, 0), seg_of("A", 4000, 4001, 0)};
  for (const Seg& seg : blind) {
    Tcb t = canonical(State::established);
    EXPECT_EQ(feed(t, seg, Instant{} + 7_s).ack_due, AckDue::now) << "the first is always sent: " << print(seg);
    EXPECT_TRUE(feed(t, seg, Instant{} + 7_s + 499_ms).throttled);
    EXPECT_EQ(feed(t, seg, Instant{} + 7_s + 500_ms).ack_due, AckDue::now);
    EXPECT_EQ(feed(t, seg, Instant{} + 7_s + 501_ms).ack_due, AckDue::none);
  }
}

TEST(model_throttle, kinds_share_one_limit) {
  Tcb t = canonical(State::established);
  EXPECT_EQ(feed(t, seg_of("R", 5502, 0, 0)).ack_due, AckDue::now);
  EXPECT_TRUE(feed(t, seg_of("S", 5501, 0, 0)).throttled);
  EXPECT_TRUE(feed(t, seg_of("A", 4000, 4001, 0)).throttled);
  EXPECT_TRUE(feed(t, seg_of("A", 5501, 4002, 0)).throttled);
}

TEST(model_throttle, spares_text_fin_and_probes) {
  Tcb t = canonical(State::established);
  t.last_challenge = Instant{};
  const Seg spared[] = {seg_of("A", 4000, 4001, 10), seg_of("FA", 4000, 4001, 0), seg_of("A", 5500, 4001, 0), seg_of("A", 20000, 4001, 1),
                        seg_of("A", 5601, 4001, 1)};
  for (const Seg& seg : spared) EXPECT_EQ(arrives(t, seg, Instant{}, {}).ack_due, AckDue::now) << print(seg);
  EXPECT_EQ(t.last_challenge, Instant{});
}

Config without(bool Deviations::* flag) {
  Config cfg;
  cfg.dev.*flag = false;
  return cfg;
}

TEST(model_deviations, off_is_the_plain_text) {
  const State e = State::established;
  const char* ack = "ESTABLISHED una=2001 nxt=5501 <SEQ=4001><ACK=5501><CTL=ACK>";
  check(std::to_array<Row>({{"any RST in the window resets", e, "R", 5600, 0, 0, "CLOSED reset"}}), {},
        without(&Deviations::challenge_rst));
  check(std::to_array<Row>({{"SYN in the window", e, "S", 5600, 0, 0, "CLOSED <SEQ=0><ACK=5601><CTL=RST,ACK> reset"},
                            {"SYN outside", e, "S", 1, 0, 0, ack}}),
        {}, without(&Deviations::challenge_syn));
  check(std::to_array<Row>({{"any old ACK is a duplicate", e, "A", 5501, 2001u - 20001u, 0, "ESTABLISHED una=2001 nxt=5501"},
                            {"not yet sent", e, "A", 5501, 4002, 0, ack}}),
        {}, without(&Deviations::challenge_ack));
  check(std::to_array<Row>({{"at the edge", e, "A", 11341, 4001, 0, ack},
                            {"probe", e, "A", 5500, 4001, 0, ack},
                            {"SYN,ACK in a simultaneous open", State::syn_received, "SA", 5000, 1001, 0,
                             "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1001><ACK=5001><CTL=ACK>"}}),
        {}, without(&Deviations::edges));
  check(std::to_array<Row>({{"SYN,FIN", State::listen, "SF", 7, 0, 0, "SYN-RECEIVED una=1000000 nxt=8 <SEQ=1000000><ACK=8><CTL=SYN,ACK>"}}),
        {}, without(&Deviations::drop_syn_fin));
  check(std::to_array<Row>(
            {{"the SYN again", State::syn_received, "S", 5000, 0, 0, "SYN-RECEIVED una=1000 nxt=5001 <SEQ=1001><ACK=5001><CTL=ACK>"}}),
        {}, without(&Deviations::resend_syn_ack));
  check(std::to_array<Row>({{"RST", State::syn_sent, "RA", 0, 1001, 0, "CLOSED reset"}}), {}, without(&Deviations::refused_in_syn_sent));
  check(std::to_array<Row>(
            {{"text after close()", State::fin_wait_2, "A", 5501, 4002, 10, "FIN-WAIT-2 una=4002 nxt=5511 delayed delivered=10"}}),
        {.user_closed = true}, without(&Deviations::reset_after_close));
  check(std::to_array<Row>(
            {{"whatever arrives", State::time_wait, "A", 5502, 4002, 0, "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK> 2msl"}}),
        {}, without(&Deviations::time_wait_fin_only));
  check(std::to_array<Row>({{"a new SYN", State::time_wait, "S", 9000, 0, 0, "TIME-WAIT una=4002 nxt=5502 <SEQ=4002><ACK=5502><CTL=ACK>"}}),
        {}, without(&Deviations::time_wait_reopen));
}

TEST(model_deviations, a_new_ack_brings_its_window) {
  Seg seg = seg_of("A", 5501, 3001, 10);
  seg.wnd = 500;
  for (const bool with : {true, false}) {
    Tcb t = canonical(State::established);
    t.snd_wl1 = SeqNum{5600};
    const u32 before = t.snd_wnd;
    Config cfg;
    cfg.dev.window_of_new_ack = with;
    feed(t, seg, Instant{}, cfg);
    EXPECT_EQ(t.snd_una, SeqNum{3001});
    EXPECT_EQ(t.snd_wnd, with ? 500u : before);
    EXPECT_EQ(t.snd_wl1, SeqNum{5600});
  }
}

TEST(model_deviations, without_throttle_every_challenge_is_answered) {
  Tcb t = canonical(State::established);
  const Config cfg = without(&Deviations::throttle);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(feed(t, seg_of("R", 5502, 0, 0), Instant{}, cfg).ack_due, AckDue::now);
}

TEST(model_deviations, text_on_a_syn_may_be_queued) {
  const Config cfg = without(&Deviations::drop_syn_text);
  Tcb t = canonical(State::listen);
  feed(t, seg_of("S", 7, 0, 100), Instant{}, cfg);
  EXPECT_EQ(t.rcv_nxt, SeqNum{8});
  EXPECT_EQ(print(feed(t, seg_of("A", 8, 1'000'001, 0), Instant{}, cfg)),
            "ESTABLISHED una=1000001 nxt=108 <SEQ=1000001><ACK=108><CTL=ACK> established delivered=100");
}

TEST(model_deviations, rfc1337_ignores_rst_in_time_wait) {
  Config cfg;
  cfg.dev.rfc1337 = true;
  const char* still = "TIME-WAIT una=4002 nxt=5502";
  check(std::to_array<Row>({{"exact", State::time_wait, "R", 5502, 0, 0, still}, {"inside", State::time_wait, "R", 5503, 0, 0, still}}), {},
        cfg);
}

TEST(model_deviations, are_the_ones_in_the_document) {
  std::ifstream file(WEIR_MODEL_DOC);
  std::stringstream text;
  text << file.rdbuf();
  const std::string doc = text.str();
  for (const DeviationInfo& d : deviations) {
    EXPECT_NE(doc.find("| `" + std::string{d.name} + "` | " + std::string{d.rfc} + " |"), std::string::npos) << d.name;
  }
  EXPECT_EQ(deviations.size(), sizeof(Deviations) / sizeof(bool)) << "each flag has its line";
}

}  // namespace
}  // namespace weir::model
