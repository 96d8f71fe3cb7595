// TCP Fast Open (RFC 7413): both sides on one engine, and each against hand-made segments.
#include "tcp/fast_open.hpp"

#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

constexpr Endpoint address{Ip4Addr{0x0a00'0001}, 80, 0};

std::string text(Harness& h, u32 c) {
  std::string s(2'000, '\0');
  const auto n = h.engine.recv(c, std::as_writable_bytes(std::span{s}), 0, h.now);
  s.resize(n.value_or(0));
  return s;
}

struct Listening {
  explicit Listening(i64 most = 16) : p(h) {
    h.sysctl.tcp_fastopen = fast_open::client | fast_open::server;
    EXPECT_TRUE(h.engine.set_option(p.listener, Option::fast_open, most, h.now));
  }
  u32 socket() { return *h.engine.open(Harness::ns, Family::v4, 5); }
  // A usual connection that asks for a cookie, and its end.
  void learn() {
    const u32 c = socket();
    EXPECT_EQ(h.engine.connect_send(c, address, Harness::bytes("x"), h.now).error(), Errc::in_progress);
    h.run(100_ms);
    EXPECT_EQ(h.engine.info(c).state, State::established);
    h.engine.abort(h.engine.accept(p.listener, h.now).value(), h.now);
    h.engine.abort(c, h.now);
    h.run(100_ms);
    EXPECT_EQ(h.engine.connections(), 1u);
  }
  // A SYN with data as the peer's, by cookie or without.
  void syn(std::optional<Bytes> cookie, const std::string& data, bool experimental = false) {
    h.inject({.seq = SeqNum{700},
              .flags = F::syn,
              .options = options({.mss = u16{1460}, .fast_open = cookie, .fast_open_experimental = experimental}),
              .data = data});
  }
  // What the server gives the peer.
  std::vector<std::byte> cookie_of_peer(bool experimental = false) {
    const u16 port = h.peer.port++;
    syn(Bytes{}, "", experimental);
    const auto out = h.sent();
    EXPECT_EQ(out.size(), 1u);
    if (out.size() != 1) return {};
    const auto o = wire::parse_options(out[0].options);
    EXPECT_EQ(o->fast_open_experimental, experimental);
    const Bytes c = o->fast_open.of(out[0].options);
    h.inject({.seq = SeqNum{701}, .flags = F::rst});
    h.peer.port = port;
    return {c.begin(), c.end()};
  }
  u32 accept() { return h.engine.accept(p.listener, h.now).value_or(0); }
  Harness h;
  Peer p;
};

TEST(fast_open, a_request_and_its_answer_take_one_round_trip) {
  Listening l;
  l.learn();
  EXPECT_EQ(l.h.engine.context().fast_open.cache.size(), 1u);
  const u32 c = l.socket();
  EXPECT_EQ(l.h.engine.connect_send(c, address, Harness::bytes("question"), l.h.now).value_or(0), 8u);
  EXPECT_EQ(l.h.loop(1), 1u);  // the SYN alone
  const u32 s = l.accept();
  ASSERT_NE(s, 0u);
  l.h.engine.set_user(s, 9);
  EXPECT_EQ(l.h.engine.info(s).state, State::syn_received);
  EXPECT_EQ(text(l.h, s), "question");
  EXPECT_EQ(l.h.engine.recv(s, {}, 0, l.h.now).error(), Errc::would_block);
  EXPECT_EQ(l.h.engine.send(s, Harness::bytes("answer"), 0, l.h.now).value_or(0), 6u);
  EXPECT_EQ(l.h.loop(2), 2u);  // SYN-ACK and answer
  EXPECT_EQ(l.h.engine.info(c).state, State::established);
  EXPECT_EQ(text(l.h, c), "answer");
  l.h.run(1_s);
  EXPECT_EQ(l.h.engine.info(s).state, State::established);
  EXPECT_TRUE(l.h.engine.info(s).syn_data && l.h.engine.info(c).syn_data);
  EXPECT_EQ(l.h.engine.info(c).bytes_out, 8u);
  EXPECT_EQ(l.h.engine.info(s).bytes_out, 6u);
  EXPECT_EQ(l.h.engine.info(s).flight, 0u);
  EXPECT_EQ(l.h.count(Tcp::retrans_segs) + l.h.count(Tcp::syn_retransmits), 0u);
  EXPECT_EQ(l.h.count(Tcp::fast_open_active), 1u);
  EXPECT_EQ(l.h.count(Tcp::fast_open_passive), 1u);
  // both directions go on, and end, as ever
  ASSERT_TRUE(l.h.engine.send(c, Harness::bytes("more"), 0, l.h.now));
  l.h.run(100_ms);
  EXPECT_EQ(text(l.h, s), "more");
  l.h.engine.close(s, l.h.now);
  l.h.engine.close(c, l.h.now);
  l.h.run(100_ms);
  EXPECT_EQ(l.h.engine.connections(), 1u);
}

TEST(fast_open, connect_waits_for_the_data_where_the_option_says_so) {
  Listening l;
  l.learn();
  const u32 c = l.socket();
  ASSERT_TRUE(l.h.engine.set_option(c, Option::fast_open_connect, 1, l.h.now));
  ASSERT_TRUE(l.h.engine.connect(c, address, l.h.now));
  EXPECT_EQ(l.h.loop(), 0u) << "nothing has left";
  EXPECT_EQ(l.h.engine.ready(c), Ready::out);
  EXPECT_EQ(l.h.engine.recv(c, {}, 0, l.h.now).error(), Errc::would_block);
  EXPECT_EQ(l.h.engine.connect(c, address, l.h.now).error(), Errc::already);
  EXPECT_EQ(l.h.engine.send(c, Harness::bytes("question"), 0, l.h.now).value_or(0), 8u);
  l.h.run(100_ms);
  EXPECT_EQ(text(l.h, l.accept()), "question");
  EXPECT_TRUE(l.h.engine.info(c).syn_data);

  Listening unknown;  // no cookie yet: an ordinary connect that asks for one
  const u32 first = unknown.socket();
  ASSERT_TRUE(unknown.h.engine.set_option(first, Option::fast_open_connect, 1, unknown.h.now));
  EXPECT_EQ(unknown.h.engine.connect(first, address, unknown.h.now).error(), Errc::in_progress);
  unknown.h.run(100_ms);
  EXPECT_EQ(unknown.h.engine.context().fast_open.cache.size(), 1u);
}

TEST(fast_open, more_than_a_segment_follows_when_the_connection_is_up) {
  Listening l;
  l.learn();
  const std::string all(5'000, 'a');
  const u32 c = l.socket();
  EXPECT_EQ(l.h.engine.connect_send(c, address, Harness::bytes(all), l.h.now).value_or(0), 5'000u);
  EXPECT_EQ(l.h.loop(1), 1u);
  const u32 s = l.accept();
  ASSERT_NE(s, 0u);
  const u32 first = l.h.engine.info(s).rx_bytes;
  EXPECT_GT(first, 1'400u);
  EXPECT_LE(first, 1'460u - 20) << "options take their part";
  l.h.run(1_s);
  EXPECT_EQ(l.h.engine.info(s).rx_bytes, 5'000u);
  EXPECT_EQ(l.h.count(Tcp::retrans_segs), 0u);
}

TEST(fast_open, a_bad_cookie_makes_a_usual_handshake_and_a_new_cookie) {
  Listening l;
  const auto good = l.cookie_of_peer();
  ASSERT_EQ(good.size(), 8u);
  auto bad = good;
  bad[3] ^= std::byte{1};
  l.syn(Bytes{bad}, "question");
  EXPECT_EQ(l.accept(), 0u);
  const auto out = l.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].ack, SeqNum{701}) << "the data is not acknowledged";
  const auto o = wire::parse_options(out[0].options);
  EXPECT_TRUE(std::ranges::equal(o->fast_open.of(out[0].options), good));
  EXPECT_EQ(l.h.count(Tcp::fast_open_passive_fail), 1u);
  l.h.inject({.seq = SeqNum{701}, .ack = out[0].seq + 1, .flags = F::ack, .data = "question"});
  EXPECT_EQ(text(l.h, l.accept()), "question");
  // A49: stolen from another address it is as bad
  l.h.peer.addr = Ip4Addr{0x0a00'0063};
  l.syn(Bytes{good}, "question");
  EXPECT_EQ(l.h.count(Tcp::fast_open_passive_fail), 2u);
  EXPECT_EQ(l.accept(), 0u);
}

TEST(fast_open, a_cookie_of_the_key_before_still_opens_and_is_renewed) {
  Listening l;
  l.h.sysctl.tcp_fastopen_key = {1, 2};
  const auto old = l.cookie_of_peer();
  l.h.sysctl.tcp_fastopen_key_before = l.h.sysctl.tcp_fastopen_key;
  l.h.sysctl.tcp_fastopen_key = {3, 4};
  const auto fresh = l.cookie_of_peer();
  EXPECT_NE(old, fresh);
  l.syn(Bytes{old}, "question");
  EXPECT_EQ(text(l.h, l.accept()), "question");
  const Seg syn_ack = l.h.sent().at(0);
  EXPECT_EQ(syn_ack.ack, SeqNum{709});
  EXPECT_TRUE(std::ranges::equal(wire::parse_options(syn_ack.options)->fast_open.of(syn_ack.options), fresh));
  l.h.sysctl.tcp_fastopen_key_before = {};
  ++l.h.peer.port;
  l.syn(Bytes{old}, "question");
  EXPECT_EQ(l.accept(), 0u);
}

TEST(fast_open, the_servers_own_keys_change_by_the_day) {
  Listening l;
  const auto first = l.cookie_of_peer();
  l.h.pass(Duration::seconds(3'600));
  EXPECT_EQ(l.cookie_of_peer(), first);
  l.h.pass(Duration::seconds(24 * 3'600));
  const auto second = l.cookie_of_peer();
  EXPECT_NE(second, first);
  l.syn(Bytes{first}, "question");
  EXPECT_NE(l.accept(), 0u) << "the one before is good for another day";
  l.h.sent();
  l.h.pass(Duration::seconds(25 * 3'600));
  ++l.h.peer.port;
  l.syn(Bytes{first}, "question");
  EXPECT_EQ(l.accept(), 0u);
}

TEST(fast_open, the_experimental_option_is_answered_as_such) {
  Listening l;
  const auto cookie = l.cookie_of_peer(true);
  EXPECT_EQ(cookie, l.cookie_of_peer(false));
  l.syn(Bytes{cookie}, "question", true);
  EXPECT_EQ(text(l.h, l.accept()), "question");
}

TEST(fast_open, no_more_than_the_limit_are_pending_and_resets_count) {
  Listening l(2);
  const auto cookie = l.cookie_of_peer();
  const auto opens = [&] {
    ++l.h.peer.port;
    l.syn(Bytes{cookie}, "question");
    l.h.sent();
    return l.accept();
  };
  const u32 first = opens();
  ASSERT_NE(first, 0u);
  ASSERT_NE(opens(), 0u);
  EXPECT_EQ(opens(), 0u);
  EXPECT_EQ(l.h.count(Tcp::fast_open_overflow), 1u);
  EXPECT_EQ(l.h.engine.half_open(), 1u) << "it has a usual handshake instead";
  // The first one comes up: room for one.
  l.h.peer.port = static_cast<u16>(l.h.peer.port - 2);
  l.h.inject({.seq = SeqNum{709}, .ack = l.h.tcb(first).iss + 1, .flags = F::ack});
  EXPECT_EQ(l.h.engine.info(first).state, State::established);
  l.h.peer.port += 10;
  ASSERT_NE(opens(), 0u);
  // That one is reset by whose address was used: no room for a while.
  l.h.inject({.seq = SeqNum{709}, .flags = F::rst});
  EXPECT_EQ(opens(), 0u);
  l.h.pass(121_s);
  l.h.sent();
  EXPECT_NE(opens(), 0u);
}

TEST(fast_open, the_syn_ack_is_sent_again_and_given_up) {
  Listening l;
  const auto cookie = l.cookie_of_peer();
  l.syn(Bytes{cookie}, "question");
  const Seg first = l.h.sent().at(0);
  const u32 s = l.accept();
  l.h.engine.set_user(s, 9);
  ASSERT_TRUE(l.h.engine.send(s, Harness::bytes("answer"), 0, l.h.now));
  EXPECT_EQ(l.h.sent().at(0).data, "answer");
  l.h.pass(1_s);
  auto again = l.h.sent();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].has(F::syn | F::ack));
  EXPECT_EQ(again[0].seq, first.seq);
  EXPECT_EQ(again[0].ack, SeqNum{709});
  l.syn(Bytes{cookie}, "question");  // so does the peer: it is answered, and not read twice
  again = l.h.sent();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].has(F::syn | F::ack));
  EXPECT_EQ(text(l.h, s), "question");
  l.h.pass(200_s);
  EXPECT_EQ(l.h.engine.info(s).state, State::closed);
  EXPECT_EQ(*l.h.engine.get_option(s, Option::error), ETIMEDOUT);
  EXPECT_EQ(l.h.engine.context().listeners[l.h.tcb(l.p.listener).listener].fast_open_n, 0u);
}

TEST(fast_open, an_answer_that_was_lost_is_repaired_after_the_handshake) {
  Listening l;
  l.syn(Bytes{l.cookie_of_peer()}, "question");
  const Seg syn_ack = l.h.sent().at(0);
  const u32 s = l.accept();
  l.h.engine.set_user(s, 9);
  ASSERT_TRUE(l.h.engine.send(s, Harness::bytes("answer"), 0, l.h.now));
  EXPECT_EQ(l.h.sent().at(0).seq, syn_ack.seq + 1);
  l.h.pass(50_ms);
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 1, .flags = F::ack});
  EXPECT_EQ(l.h.engine.info(s).state, State::established);
  EXPECT_EQ(l.h.engine.info(s).flight, 6u);
  l.h.pass(2_s);
  const auto out = l.h.sent();
  ASSERT_GE(out.size(), 1u);
  EXPECT_EQ(out[0].data, "answer");
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 7, .flags = F::ack});
  EXPECT_EQ(l.h.engine.info(s).flight, 0u);
}

TEST(fast_open, an_ack_that_is_not_of_the_syn_ack_does_not_open) {
  Listening l;
  l.syn(Bytes{l.cookie_of_peer()}, "question");
  const Seg syn_ack = l.h.sent().at(0);
  const u32 s = l.accept();
  for (const u32 off : {0u, 2u, 0x8000'0000u}) {
    l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + off, .flags = F::ack});
    EXPECT_EQ(l.h.engine.info(s).state, State::syn_received) << off;
  }
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 1, .flags = F::ack});
  EXPECT_EQ(l.h.engine.info(s).state, State::established);
}

TEST(fast_open, a_close_before_the_handshake_is_over_comes_after_it) {
  Listening l;
  l.syn(Bytes{l.cookie_of_peer()}, "question");
  const Seg syn_ack = l.h.sent().at(0);
  const u32 s = l.accept();
  EXPECT_EQ(text(l.h, s), "question");
  ASSERT_TRUE(l.h.engine.send(s, Harness::bytes("answer"), 0, l.h.now));
  l.h.engine.close(s, l.h.now);
  auto out = l.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(out[0].has(F::fin));
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 7, .flags = F::ack});
  out = l.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::fin));
  EXPECT_EQ(out[0].seq, syn_ack.seq + 7);
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 8, .flags = F::ack | F::fin});
  EXPECT_EQ(l.h.engine.connections(), 1u);
  EXPECT_EQ(l.h.engine.time_wait(), 1u);
}

TEST(fast_open, the_listener_may_go_first) {
  Listening l;
  const auto cookie = l.cookie_of_peer();
  l.syn(Bytes{cookie}, "question");
  const Seg syn_ack = l.h.sent().at(0);
  const u32 s = l.accept();
  const Endpoint kept = l.h.peer;
  ++l.h.peer.port;
  l.syn(Bytes{cookie}, "question");  // not accepted: goes with the listener
  l.h.sent();
  l.h.engine.close(l.p.listener, l.h.now);
  const auto out = l.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::rst));
  l.p.listen();  // takes the place of the old one
  l.h.peer = kept;
  l.h.inject({.seq = SeqNum{709}, .ack = syn_ack.seq + 1, .flags = F::ack});
  EXPECT_EQ(l.h.engine.info(s).state, State::established);
  EXPECT_EQ(l.h.engine.context().listeners[l.h.tcb(l.p.listener).listener].fast_open_n, 0u);
}

TEST(fast_open, off_is_off) {
  Listening l;
  const auto cookie = l.cookie_of_peer();
  l.h.sysctl.tcp_fastopen = fast_open::client;
  l.syn(Bytes{cookie}, "question");
  EXPECT_EQ(l.accept(), 0u);
  const Seg syn_ack = l.h.sent().at(0);
  EXPECT_FALSE(wire::parse_options(syn_ack.options)->fast_open);
  l.h.sysctl.tcp_fastopen = fast_open::server;
  EXPECT_EQ(l.h.engine.connect_send(l.socket(), address, Harness::bytes("x"), l.h.now).error(), Errc::not_supported);
  l.h.sysctl.tcp_fastopen = fast_open::server | fast_open::every_listener;
  ASSERT_TRUE(l.h.engine.set_option(l.p.listener, Option::fast_open, 0, l.h.now));
  ++l.h.peer.port;
  l.syn(Bytes{cookie}, "question");
  EXPECT_NE(l.accept(), 0u);
}

TEST(fast_open, without_a_cookie_where_both_agree) {
  Listening l;
  l.h.sysctl.tcp_fastopen |= fast_open::client_without_cookie;
  const u32 c = l.socket();
  EXPECT_EQ(l.h.engine.connect_send(c, address, Harness::bytes("question"), l.h.now).value_or(0), 8u);
  EXPECT_EQ(l.h.loop(1), 1u);
  EXPECT_EQ(l.accept(), 0u) << "the server wants one";
  l.h.run(1_s);
  EXPECT_EQ(text(l.h, l.accept()), "question") << "sent again after the handshake";
  EXPECT_FALSE(l.h.engine.info(c).syn_data);
  EXPECT_EQ(l.h.count(Tcp::fast_open_active_fail), 1u);
  l.h.sysctl.tcp_fastopen |= fast_open::server_without_cookie;
  const u32 d = l.socket();
  ASSERT_TRUE(l.h.engine.connect_send(d, address, Harness::bytes("question"), l.h.now));
  EXPECT_EQ(l.h.loop(1), 1u);
  EXPECT_EQ(text(l.h, l.accept()), "question");

  Listening own;
  ASSERT_TRUE(own.h.engine.set_option(own.p.listener, Option::fast_open_no_cookie, 1, own.h.now));
  const u32 e = own.socket();
  ASSERT_TRUE(own.h.engine.set_option(e, Option::fast_open_no_cookie, 1, own.h.now));
  ASSERT_TRUE(own.h.engine.connect_send(e, address, Harness::bytes("question"), own.h.now));
  EXPECT_EQ(own.h.loop(1), 1u);
  EXPECT_EQ(text(own.h, own.accept()), "question");
}

// -- the client against hand-made answers

struct Client : Listening {
  Client() {
    learn();
    h.engine.close(p.listener, h.now);
    std::swap(h.here, h.peer);  // segments come from port 80
  }
  // SYN with ten bytes; the socket.
  u32 open() {
    h.peer = address;
    const u32 c = socket();
    EXPECT_EQ(h.engine.connect_send(c, address, Harness::bytes("0123456789"), h.now).value_or(0), 10u);
    h.here = h.engine.local(c);
    return c;
  }
  Seg syn_sent() {
    const auto out = h.sent();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? Seg{} : out[0];
  }
  void syn_ack(const Seg& syn, u32 taken) {
    h.inject({.seq = SeqNum{900}, .ack = syn.seq + 1 + taken, .flags = F::syn | F::ack, .options = options({.mss = u16{1460}})});
  }
};

TEST(fast_open, what_the_server_took_is_not_sent_again) {
  for (const u32 taken : {0u, 4u, 10u}) {
    Client x;
    const u32 c = x.open();
    const Seg syn = x.syn_sent();
    EXPECT_EQ(syn.data, "0123456789");
    x.syn_ack(syn, taken);
    EXPECT_EQ(x.h.engine.info(c).state, State::established);
    const auto out = x.h.sent();
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].data, std::string("0123456789").substr(taken));
    EXPECT_EQ(out[0].seq, syn.seq + 1 + taken);
    EXPECT_EQ(x.h.engine.info(c).syn_data, taken != 0);
    x.h.inject({.seq = SeqNum{901}, .ack = syn.seq + 11, .flags = F::ack});
    EXPECT_EQ(x.h.engine.info(c).flight, 0u);
    EXPECT_EQ(x.h.engine.info(c).bytes_out, 10u);
  }
}

TEST(fast_open, sent_again_the_syn_is_bare_and_may_still_be_found_to_have_arrived) {
  for (const u32 taken : {0u, 10u}) {
    Client x;
    const u32 c = x.open();
    const Seg syn = x.syn_sent();
    x.h.pass(1_s);
    const Seg again = x.syn_sent();
    EXPECT_TRUE(again.has(F::syn));
    EXPECT_EQ(again.len, 0u);
    EXPECT_FALSE(wire::parse_options(again.options)->fast_open);
    x.syn_ack(syn, taken);
    EXPECT_EQ(x.h.engine.info(c).state, State::established);
    EXPECT_EQ(x.h.sent().at(0).len, 10u - taken);
  }
}

TEST(fast_open, a_cookie_of_sixteen_bytes_is_kept_and_shown) {
  for (const bool experimental : {false, true}) {
    Client x;
    std::vector<std::byte> cookie(16);
    for (u32 i = 0; i < 16; ++i) cookie[i] = static_cast<std::byte>(i * 7);
    const u32 first = x.open();
    x.h.inject({.seq = SeqNum{900},
                .ack = x.syn_sent().seq + 1,
                .flags = F::syn | F::ack,
                .options = options({.mss = u16{1000}, .fast_open = Bytes{cookie}, .fast_open_experimental = experimental})});
    x.h.engine.abort(first, x.h.now);
    x.h.sent();
    x.h.peer = address;
    const u32 c = x.socket();
    ASSERT_TRUE(x.h.engine.connect_send(c, address, Harness::bytes(std::string(3'000, 'a')), x.h.now));
    const Seg syn = x.syn_sent();
    const auto o = wire::parse_options(syn.options);
    ASSERT_TRUE(o);
    EXPECT_TRUE(std::ranges::equal(o->fast_open.of(syn.options), cookie));
    EXPECT_EQ(o->fast_open_experimental, experimental);
    EXPECT_TRUE(o->mss && o->wscale && o->has_ts && o->sack_permitted) << "nothing else had to give way";
    EXPECT_EQ(syn.len, 1'000u - syn.options.size()) << "the server's MSS is remembered too";
  }
}

TEST(fast_open, an_ack_beyond_the_data_is_refused) {
  Client x;
  const u32 c = x.open();
  const Seg syn = x.syn_sent();
  x.syn_ack(syn, 11);
  EXPECT_EQ(x.h.engine.info(c).state, State::syn_sent);
  EXPECT_TRUE(x.h.sent().at(0).has(F::rst));
}

TEST(fast_open, a_path_that_eats_data_on_syns_turns_it_off_for_longer_each_time) {
  Client x;
  const auto tries = [&] {  // does the SYN take data? It gets lost then.
    x.h.peer = address;
    const u32 c = x.socket();
    const bool with_data = x.h.engine.connect_send(c, address, Harness::bytes("0123456789"), x.h.now).has_value();
    x.h.here = x.h.engine.local(c);
    Seg syn = x.syn_sent();
    if (with_data) {
      x.h.pass(1_s);
      syn = x.syn_sent();
    }
    x.syn_ack(syn, 0);
    x.h.engine.abort(c, x.h.now);
    x.h.sent();
    return with_data;
  };
  const auto on = [&] {
    x.h.engine.advance(x.h.now, 1);
    return fast_open::enabled(x.h.engine.context(), x.h.tcb(x.socket()));
  };
  // Two losses and the destination is left alone for two minutes; the third turns Fast Open off for all.
  EXPECT_TRUE(tries());
  EXPECT_TRUE(tries());
  EXPECT_FALSE(tries());
  x.h.pass(121_s);
  EXPECT_TRUE(tries());
  EXPECT_EQ(x.h.count(Tcp::fast_open_blackhole), 1u);
  x.h.pass(Duration::seconds(3'500));
  EXPECT_FALSE(on());
  x.h.pass(Duration::seconds(101));
  EXPECT_TRUE(on());
  for (int i = 0; i < 3; ++i) {
    x.h.pass(Duration::seconds(1'000));
    EXPECT_TRUE(tries());
  }
  EXPECT_EQ(x.h.count(Tcp::fast_open_blackhole), 2u);
  x.h.pass(Duration::seconds(7'190));
  EXPECT_FALSE(on());
  x.h.pass(Duration::seconds(20));
  EXPECT_TRUE(on());
}

TEST(fast_open, the_cache_is_bounded_and_forgets_what_was_not_used_for_longest) {
  FastOpenCache cache;
  const SipKey key{1, 2};
  const IpAddr hot = Ip4Addr{1};
  cache.get(key, 1, hot).len = 8;
  for (u32 i = 2; i < 20'000; ++i) {
    static_cast<void>(cache.get(key, 1, Ip4Addr{i}));
    ASSERT_NE(cache.find(key, 1, hot), nullptr) << i;
  }
  EXPECT_EQ(cache.size(), FastOpenCache::sets * FastOpenCache::ways);
  EXPECT_EQ(cache.find(key, 1, hot)->len, 8);
  EXPECT_EQ(cache.find(key, 2, hot), nullptr);
  u32 known = 0;
  for (u32 i = 1; i < 20'000; ++i) known += cache.find(key, 1, Ip4Addr{i}) != nullptr ? 1u : 0u;
  EXPECT_EQ(known, cache.size());
}

}  // namespace
}  // namespace weir::tcp::test
