// The server of files, in virtual time: what it answers, and that no client can harm another.
#include <gmock/gmock.h>

#include <sys/stat.h>

#include "site.hpp"

namespace weir::apps {
namespace {

using HttpServerTest = Site;
struct Talk : Site {
  using Site::talk;
};
using ::testing::HasSubstr;
using ::testing::Not;

Bytes text_bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

TEST_F(HttpServerTest, a_file) {
  put("a.txt", "content");
  serve();
  const std::string answer = get("/a.txt");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain"));
  EXPECT_THAT(answer, HasSubstr("Date: Thu, 01 Jan 1970"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(body_of(answer), "content");
}

TEST_F(HttpServerTest, an_empty_file_and_one_of_many_buffers) {
  put("empty", "");
  std::string big(3'000'000, ' ');
  for (usize i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + i / 251);
  put("big", big);
  serve();
  EXPECT_THAT(get("/empty"), HasSubstr("Content-Length: 0\r\n"));
  EXPECT_TRUE(body_of(get("/big")) == big);
}

TEST_F(HttpServerTest, head_has_no_body) {
  put("a.txt", "content");
  serve();
  const std::string answer = exchange("HEAD /a.txt HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(body_of(answer), "");
}

TEST_F(HttpServerTest, ranges) {
  put("a", "0123456789");
  serve();
  const std::string part = get("/a", "Range: bytes=2-4\r\n");
  EXPECT_EQ(status_of(part), 206);
  EXPECT_EQ(body_of(part), "234");
  EXPECT_THAT(part, HasSubstr("Content-Range: bytes 2-4/10\r\n"));
  EXPECT_EQ(body_of(get("/a", "Range: bytes=-3\r\n")), "789");
  const std::string beyond = get("/a", "Range: bytes=10-\r\n");
  EXPECT_EQ(status_of(beyond), 416);
  EXPECT_THAT(beyond, HasSubstr("Content-Range: bytes */10\r\n"));
  EXPECT_EQ(status_of(get("/a", "Range: bytes=1-2,4-5\r\n")), 200);
  EXPECT_EQ(status_of(get("/a", "Range: bytes=2-4\r\nIf-Range: Thu, 01 Jan 1970 00:00:00 GMT\r\n")), 200);
}

TEST_F(HttpServerTest, not_modified) {
  put("a", "0123456789");
  serve();
  EXPECT_EQ(status_of(get("/a", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n")), 304);
  EXPECT_EQ(status_of(get("/a", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n")), 200);
  EXPECT_EQ(status_of(get("/a", "If-Modified-Since: nonsense\r\n")), 200);
}

TEST_F(HttpServerTest, directories) {
  put("d/x&y", "1");
  put("d/sub/z", "2");
  put("i/index.html", "<p>index</p>");
  serve();
  const std::string moved = get("/d");
  EXPECT_EQ(status_of(moved), 301);
  EXPECT_THAT(moved, HasSubstr("Location: ./d/\r\n"));
  const std::string list = get("/d/");
  EXPECT_EQ(status_of(list), 200);
  EXPECT_THAT(list, HasSubstr("href=\"./x&amp;y\""));
  EXPECT_THAT(list, HasSubstr(">sub/<"));
  EXPECT_EQ(body_of(get("/i/")), "<p>index</p>");
  EXPECT_EQ(status_of(get("/d/x&y/")), 404);
}

TEST_F(HttpServerTest, what_is_not_there_and_what_is_not_allowed) {
  put("a", "x");
  serve();
  EXPECT_EQ(status_of(get("/nothing")), 404);
  EXPECT_EQ(status_of(get("/a/b")), 404);
  const std::string refused = exchange("DELETE /a HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_EQ(status_of(refused), 405);
  EXPECT_THAT(refused, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_EQ(status_of(exchange("nonsense\r\n\r\n")), 400);
  EXPECT_EQ(status_of(exchange("GET /" + std::string(20'000, 'x'))), 431);
}

TEST_F(HttpServerTest, there_is_no_way_out_of_the_root) {
  put("in/a", "inside");
  std::ofstream(dir / "secret") << "secret";
  std::filesystem::create_symlink("../secret", dir / "in/relative");
  std::filesystem::create_symlink(dir / "secret", dir / "in/absolute");
  std::filesystem::create_directory_symlink("..", dir / "in/up");
  std::filesystem::create_symlink("a", dir / "in/inside");
  ASSERT_EQ(::mkfifo((dir / "in/fifo").c_str(), 0666), 0);
  dir /= "in";
  serve();
  dir = dir.parent_path();
  for (const char* path : {"/../secret", "/%2e%2e/secret", "/..%2fsecret", "/a/../../secret", "/relative", "/absolute", "/up/secret",
                           "/up/", "/fifo", "//../secret", "/./../secret", "/up"}) {
    const std::string answer = get(path);
    EXPECT_TRUE(status_of(answer) == 403 || status_of(answer) == 404) << path << "\n" << answer;
    EXPECT_THAT(answer, Not(HasSubstr("secret\n"))) << path;
  }
  EXPECT_EQ(body_of(get("/inside")), "inside");
}

TEST_F(HttpServerTest, requests_in_a_row_are_answered_in_order) {
  put("1", "one");
  put("2", "two");
  serve();
  const std::string answer = exchange(
      "GET /1 HTTP/1.1\r\nHost: b\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\nGET /none HTTP/1.1\r\nHost: b\r\n\r\n"
      "GET /1 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
  const usize one = answer.find("one"), two = answer.find("two"), none = answer.find("404 Not Found"), again = answer.find("one", one + 1);
  EXPECT_TRUE(one < two && two < none && none < again && again != std::string::npos) << answer;
  EXPECT_EQ(answer.find("two", two + 1), std::string::npos);  // behind the close
}

TEST_F(HttpServerTest, an_old_client_gets_one_answer_and_the_end) {
  put("1", "one");
  serve();
  EXPECT_EQ(body_of(exchange("GET /1 HTTP/1.0\r\n\r\n")), "one");
}

TEST_F(HttpServerTest, who_sends_nothing_or_too_slowly_is_sent_away) {
  put("1", "one");
  serve({.head_timeout = 5_s, .idle_timeout = 10_s});
  const Instant start = world.now();
  EXPECT_EQ(exchange("", 30_s), "");
  EXPECT_EQ(b.stats().connections, 1u);  // the listener
  EXPECT_EQ(status_of(exchange("GET /1 HTT", 30_s)), 408);
  EXPECT_GT(world.now() - start, 20_s);
}

Task<void> trickle(Host host, Endpoint to, bool& ended) {
  auto s = co_await host.connect(to);
  const std::string request = "GET / HTTP/1.1\r\nHost: b\r\nX: ";
  for (usize i = 0;; ++i) {
    const std::string one = i < request.size() ? request.substr(i, 1) : "x";
    if (!co_await s->write(text_bytes(one))) break;
    co_await host.sleep_for(1_s);
    if (s->info()->state != tcp::State::established) break;
  }
  ended = true;
}

TEST_F(HttpServerTest, a_head_that_never_ends_does) {
  serve({.head_timeout = 5_s});
  bool ended = false;
  a.spawn(trickle(a, at_b(80), ended));
  run(20_s);
  EXPECT_TRUE(ended);
}

Task<void> ask_and_hang(Host host, Endpoint to) {
  auto s = co_await host.connect(to);
  if (!s) co_return;
  (void)s->set(Option::receive_buffer, 4096);
  (void)co_await s->write(text_bytes("GET /big HTTP/1.1\r\nHost: b\r\n\r\n"));
  co_await host.sleep_for(300_s);
}

TEST_F(HttpServerTest, clients_that_do_not_read_do_not_starve_one_that_does) {
  put("big", std::string(8'000'000, 'x'));
  put("small", "small");
  serve({.head_timeout = 60_s});
  for (int i = 0; i < 100; ++i) a.spawn(ask_and_hang(a, at_b(80)));
  run(5_s);
  const Instant start = world.now();
  EXPECT_EQ(body_of(get("/small")), "small");
  EXPECT_TRUE(body_of(exchange("GET /big HTTP/1.0\r\n\r\n", 30_s)).size() == 8'000'000);
  EXPECT_LT(world.now() - start, 120_s);
  run(400_s);
}

Task<void> download(Host host, Endpoint to, std::string path, usize& done, usize size) {
  std::string answer;
  co_await Talk::talk(host, to, "GET " + path + " HTTP/1.0\r\n\r\n", 600_s, answer);
  if (body_of(answer).size() == size) ++done;
}

TEST_F(HttpServerTest, many_clients_at_once) {
  put("f", std::string(200'000, 'y'));
  serve();
  usize done = 0;
  for (int i = 0; i < 200; ++i) a.spawn(download(a, at_b(80), "/f", done, 200'000));
  run(100_s);
  EXPECT_EQ(done, 200u);
}

TEST_F(HttpServerTest, more_clients_than_allowed_are_turned_away) {
  put("f", "y");
  serve({.max_clients = 2, .idle_timeout = 100_s});
  std::string first, second;
  a.spawn(talk(a, at_b(80), "", 50_s, first));
  a.spawn(talk(a, at_b(80), "", 50_s, second));
  run(1_s);
  EXPECT_EQ(exchange("GET /f HTTP/1.0\r\n\r\n", 10_s), "");
  run(60_s);
  EXPECT_EQ(body_of(exchange("GET /f HTTP/1.0\r\n\r\n", 10_s)), "y");
}

TEST_F(HttpServerTest, a_file_that_gets_shorter_ends_the_connection_and_nothing_else) {
  put("f", std::string(4'000'000, 'y'));
  put("g", "still here");
  serve();
  std::string answer;
  a.spawn(talk(a, at_b(80), "GET /f HTTP/1.0\r\n\r\n", 60_s, answer));
  run(11_ms);
  std::filesystem::resize_file(dir / "f", 10);
  run(10_s);
  EXPECT_LT(answer.size(), 4'000'000u);
  EXPECT_EQ(body_of(get("/g")), "still here");
}

}  // namespace
}  // namespace weir::apps
