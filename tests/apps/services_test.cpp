// Echo, discard, chargen, ping and http get, in virtual time.
#include <gmock/gmock.h>

#include "apps/http_client.hpp"
#include "apps/ping.hpp"
#include "apps/service.hpp"
#include "site.hpp"

namespace weir::apps {
namespace {

using ServicesTest = Site;
using Kind = ServiceConfig::Kind;

TEST_F(ServicesTest, names_and_ports) {
  EXPECT_EQ(service_kind("http"), Kind::http);
  EXPECT_EQ(service_kind("echo"), Kind::echo);
  EXPECT_FALSE(service_kind("ftp"));
  EXPECT_EQ(usual_port(Kind::chargen), 19);
}

TEST_F(ServicesTest, echo_over_tcp_and_udp) {
  ASSERT_TRUE(start_service(b, {.kind = Kind::echo}));
  auto s = a.connect(at_b(7)).wait();
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->write(text("hello")).wait());
  std::array<std::byte, 64> back;
  const auto n = s->read(back).within(5_s).wait();
  ASSERT_TRUE(n) << name(n.error());
  EXPECT_EQ(*n, 5u);
  ASSERT_TRUE(s->shutdown());
  EXPECT_EQ(*s->read(back).within(5_s).wait(), 0u);
  auto u = a.udp();
  ASSERT_TRUE(u->send_to(text("ping"), at_b(7)).wait());
  EXPECT_EQ(u->receive(back).within(5_s).wait()->copied, 4u);
}

TEST_F(ServicesTest, discard_takes_everything_and_answers_nothing) {
  ASSERT_TRUE(start_service(b, {.kind = Kind::discard}));
  auto s = a.connect(at_b(9)).wait();
  ASSERT_TRUE(s);
  const std::vector<std::byte> data(2'000'000);
  EXPECT_EQ(*s->write(data).wait(), data.size());
  EXPECT_TRUE(s->finish().within(20_s).wait());
  std::array<std::byte, 8> back;
  EXPECT_EQ(*s->read(back).within(5_s).wait(), 0u);
}

TEST_F(ServicesTest, chargen_sends_lines_that_turn) {
  ASSERT_TRUE(start_service(b, {.kind = Kind::chargen}));
  auto s = a.connect(at_b(19)).wait();
  ASSERT_TRUE(s);
  std::vector<std::byte> data(74 * 96);
  ASSERT_EQ(*s->read_all(data).wait(), data.size());
  const std::string lines = as_text(data);
  EXPECT_EQ(lines.substr(0, 5), " !\"#$");
  EXPECT_EQ(lines.substr(74, 5), "!\"#$%");
  EXPECT_EQ(lines.substr(74 * 95, 5), " !\"#$");
  s->abort();
  run(100_s);
}

// Takes nothing until `start`, then `bytes`, and says how many were as they should be.
Task<void> sleep_then_read(Host host, Endpoint to, Instant start, usize bytes, usize& right) {
  auto s = co_await host.connect(to);
  if (!s) co_return;
  co_await host.sleep_for(start - host.now());
  std::string lines;
  while (lines.size() < bytes) {
    const auto chunk = co_await s->read().within(60_s);
    if (!chunk || chunk->empty()) co_return;
    for (const Bytes piece : *chunk) lines.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  for (usize i = 0; i < bytes; ++i)
    right += lines[i] == (i % 74 < 72 ? static_cast<char>(' ' + (i / 74 + i % 74) % 95) : i % 74 == 72 ? '\r' : '\n') ? 1 : 0;
  s->abort();
}

Task<void> send_and_hang(Host host, Endpoint to) {
  auto s = co_await host.connect(to);
  if (!s) co_return;
  const std::vector<std::byte> data(4'000'000);
  (void)co_await s->write(data).within(60_s);
  co_await host.sleep_for(60_s);
}

// Many who do not read leave something for others, at both ends, and go on when they read at last.
TEST_F(ServicesTest, who_does_not_read_leaves_buffers_for_others_and_is_served_later) {
  ASSERT_TRUE(start_service(b, {.kind = Kind::chargen}));
  ASSERT_TRUE(start_service(b, {.kind = Kind::echo}));
  constexpr usize clients = 100, bytes = 1'000'000;
  usize right = 0;
  for (usize i = 0; i < clients; ++i) a.spawn(sleep_then_read(a, at_b(19), world.now() + 20_s, bytes, right));
  for (usize i = 0; i < clients; ++i) a.spawn(send_and_hang(a, at_b(7)));
  run(10_s);
  for (sim::Host* h : {&a_, &b_}) {
    EXPECT_GE(h->shard().pool().share(), buf::Pool::small_stride) << h->name();
    EXPECT_LT(h->shard().pool().share(), 1u << 20) << h->name() << ": the pool is not full, and nothing is tested";
  }
  auto s = a.connect(at_b(7)).within(5_s).wait();
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->write(text("hello")).wait());
  std::array<std::byte, 64> back;
  EXPECT_EQ(*s->read(back).within(5_s).wait(), 5u);
  s->close();
  run(200_s);
  EXPECT_EQ(right, clients * bytes);
}

TEST_F(ServicesTest, a_port_that_is_taken_is_told) {
  ASSERT_TRUE(start_service(b, {.kind = Kind::echo}));
  const auto again = start_service(b, {.kind = Kind::echo});
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().what, ::testing::HasSubstr("port 7"));
}

Task<void> fetch(Host host, HttpGet get, std::optional<Result<u64, std::string>>& out) { out = co_await http_get(host, std::move(get)); }

struct Fetched {
  std::string body;
  std::optional<Result<u64, std::string>> result{};

  HttpGet request(const std::string& url) {
    HttpGet get{.url = *Url::parse(url), .sink = [this](Bytes data) { return keep(data); }};
    return get;
  }
  Task<bool> keep(Bytes data) {
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    co_return true;
  }
};

class GetTest : public Site {
 protected:
  GetTest() : Site({.bits_per_second = 50'000'000, .delay = 10_ms, .loss = 0.01}) {}
  Fetched fetch_url(const std::string& path) {
    Fetched f;
    a.spawn(fetch(a, f.request("http://" + to_string(b_.address()) + path), f.result));
    run(200_s);
    return f;
  }
};

TEST_F(GetTest, a_file_over_a_bad_line) {
  const std::string big(700'000, 'z');
  put("big", big);
  serve();
  const Fetched f = fetch_url("/big");
  ASSERT_TRUE(f.result && *f.result);
  EXPECT_EQ(**f.result, big.size());
  EXPECT_TRUE(f.body == big);
}

TEST_F(GetTest, redirects_are_followed) {
  put("d/index.html", "found");
  serve();
  EXPECT_EQ(fetch_url("/d").body, "found");
}

TEST_F(GetTest, an_error_of_the_server_is_one) {
  serve();
  const Fetched f = fetch_url("/none");
  ASSERT_TRUE(f.result && !*f.result);
  EXPECT_THAT(f.result->error(), ::testing::HasSubstr("404"));
  EXPECT_EQ(f.body, "");
}

// A server that says what it is told to, and hangs up.
Task<void> say(TcpListener listener, std::string what, int times) {
  for (int i = 0; i < times; ++i) {
    auto peer = co_await listener.accept();
    std::array<std::byte, 2000> request;
    (void)co_await peer->read(request);
    (void)co_await peer->write(std::as_bytes(std::span(what)));
    (void)co_await peer->finish().within(5_s);
    (void)co_await peer->read().within(5_s);
  }
}

TEST_F(GetTest, bodies_of_all_kinds) {
  const auto said = [&](const std::string& what, int times = 1) {
    b.spawn(say(std::move(*b.listen({.port = 80})), what, times));
    return fetch_url("/");
  };
  EXPECT_EQ(said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body, "abcde");
  EXPECT_EQ(said("HTTP/1.0 200 OK\r\n\r\nto the end").body, "to the end");
  EXPECT_EQ(said("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").body, "ok");
  EXPECT_FALSE(*said("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").result);
  EXPECT_FALSE(*said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").result);
  EXPECT_FALSE(*said("nonsense\r\n\r\n").result);
  EXPECT_FALSE(*said("").result);
  const Fetched circle = said("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 11);
  EXPECT_THAT(circle.result->error(), ::testing::HasSubstr("redirects"));
  EXPECT_THAT(said("HTTP/1.1 302 Found\r\nLocation: https://1.2.3.4/\r\n\r\n").result->error(), ::testing::HasSubstr("https"));
}

Task<void> ping_all(Host host, PingConfig config, PingStats& stats, std::optional<Result<void>>& out) {
  out = co_await ping(host, config, stats);
}

class PingTest : public TwoHosts, public ::testing::WithParamInterface<Family> {
 protected:
  [[nodiscard]] IpAddr peer() const { return b_.address(GetParam()); }
};

TEST_P(PingTest, each_request_is_answered) {
  PingStats stats;
  std::optional<Result<void>> r;
  std::vector<u16> order;
  a.spawn(
      ping_all(a, {.to = {peer(), 0}, .count = 5, .id = 77, .on_reply = [&](const PingReply& p) { order.push_back(p.seq); }}, stats, r));
  run(20_s);
  ASSERT_TRUE(r && *r);
  EXPECT_EQ(stats.sent, 5u);
  EXPECT_EQ(stats.received, 5u);
  EXPECT_EQ(order, (std::vector<u16>{1, 2, 3, 4, 5}));
  EXPECT_GE(stats.least, 10_ms);
  EXPECT_LT(stats.least, 11_ms);
}

TEST_P(PingTest, what_is_lost_and_what_comes_twice_is_counted) {
  PingStats stats;
  std::optional<Result<void>> r;
  a.spawn(ping_all(a, {.to = {peer(), 0}, .count = 1, .id = 77}, stats, r));
  run(20_s);
  wire.drop(sim::nth_frame(3));
  wire.add_fault({.kind = sim::FaultKind::duplicate, .filter = sim::nth_frame(4)});
  stats = {};
  a.spawn(ping_all(a, {.to = {peer(), 0}, .count = 4, .timeout = 2_s, .id = 78}, stats, r));
  run(20_s);
  EXPECT_EQ(stats.sent, 4u);
  EXPECT_LT(stats.received, 4u);
  EXPECT_GE(stats.duplicates, 1u);
}
INSTANTIATE_TEST_SUITE_P(families, PingTest, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& p) { return p.param == Family::v4 ? "v4" : "v6"; });

TEST_F(ServicesTest, ping_without_a_route_says_so) {
  PingStats stats;
  std::optional<Result<void>> r;
  a.spawn(ping_all(a, {.to = {*IpAddr::parse("203.0.113.1"), 0}, .count = 1}, stats, r));
  run(5_s);
  ASSERT_TRUE(r && !*r);
  EXPECT_EQ(r->error(), Errc::net_unreachable);
}

}  // namespace
}  // namespace weir::apps
