// The parser of HTTP requests: what it takes, what it refuses and how, and that no bytes confuse it.
#include "apps/http_request.hpp"

#include <gtest/gtest.h>

#include <random>

namespace weir::apps {
namespace {

HttpStatus status_of(std::string_view head) {
  const auto r = parse_request(head);
  return r ? HttpStatus{200} : r.error();
}

TEST(http_request, the_end_of_a_head_is_an_empty_line) {
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"), 27u);
  EXPECT_EQ(head_length("GET / HTTP/1.1\nHost: a\n\nx"), 24u);
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\nHost: a\r\n"), 0u);
  EXPECT_EQ(head_length(""), 0u);
}

TEST(http_request, an_ordinary_one) {
  const auto r = parse_request("GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\nIf-Modified-Since: y\r\n\r\n");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->path, "/a b");
  EXPECT_EQ(r->target, "/a%20b?c=d");
  EXPECT_EQ(r->range, "bytes=1-2");
  EXPECT_EQ(r->if_modified_since, "y");
  EXPECT_TRUE(r->http11 && r->keep_alive && !r->has_body);
  EXPECT_EQ(r->method, HttpRequest::Method::get);
}

TEST(http_request, the_form_that_proxies_get) {
  EXPECT_EQ(parse_request("GET http://host:80/x HTTP/1.1\r\nHost: host\r\n\r\n")->path, "/x");
  EXPECT_EQ(parse_request("GET http://host HTTP/1.1\r\nHost: host\r\n\r\n")->path, "/");
}

TEST(http_request, how_long_the_connection_stays) {
  const auto keeps = [](std::string_view version, std::string_view connection) {
    return parse_request(std::string("GET / ").append(version).append("\r\nHost: x\r\n").append(connection).append("\r\n"))->keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: foo, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
}

TEST(http_request, what_is_refused_and_with_which_status) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);                                    // no Host
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);              // two
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"), 400);                // space before the colon
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/11\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
  EXPECT_EQ(status_of(" / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /%0 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(status_of("get / HTTP/1.1\r\nHost: a\r\n\r\n"), 405);                         // methods are case-sensitive
  EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(status_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
}

TEST(http_request, bodies_that_two_readers_could_see_differently_are_refused) {
  const auto with = [](std::string_view fields) {
    return status_of(std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n"));
  };
  EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(with("Content-Length: +5\r\n"), 400);
  EXPECT_EQ(with("Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(with("Content-Length: 99999999999999999999\r\n"), 400);
  EXPECT_EQ(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_TRUE(parse_request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")->has_body);
  EXPECT_FALSE(parse_request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")->has_body);
}

TEST(http_range, what_is_asked_for) {
  struct Case {
    const char* header;
    u64 size;
    RangeVerdict verdict;
    u64 first = 0, length = 0;
  };
  constexpr auto part = RangeVerdict::part;
  constexpr auto whole = RangeVerdict::whole;
  constexpr auto none = RangeVerdict::unsatisfiable;
  for (const Case& c : {Case{"bytes=0-0", 10, part, 0, 1},
                        Case{"bytes=2-5", 10, part, 2, 4},
                        Case{"bytes=5-", 10, part, 5, 5},
                        Case{"bytes=-3", 10, part, 7, 3},
                        Case{"bytes=-30", 10, part, 0, 10},
                        Case{"bytes=0-99", 10, part, 0, 10},
                        Case{"Bytes=1-1", 10, part, 1, 1},
                        Case{"bytes=10-", 10, none},
                        Case{"bytes=10-20", 10, none},
                        Case{"bytes=-0", 10, none},
                        Case{"bytes=-1", 0, none},
                        Case{"bytes=0-", 0, none},
                        Case{"bytes=5-2", 10, whole},
                        Case{"bytes=a-b", 10, whole},
                        Case{"bytes=-", 10, whole},
                        Case{"bytes=1-2,4-5", 10, whole},
                        Case{"lines=1-2", 10, whole},
                        Case{"", 10, whole},
                        Case{"bytes=99999999999999999999-", 10, whole},
                        Case{"bytes=9223372036854775807-", 10, none},
                        Case{"bytes=0-9223372036854775807", 10, part, 0, 10}}) {
    ByteRange r;
    EXPECT_EQ(parse_range(c.header, c.size, r), c.verdict) << c.header;
    if (c.verdict == part) {
      EXPECT_TRUE(r.first == c.first && r.length == c.length) << c.header << ": " << r.first << "+" << r.length;
    }
  }
}

TEST(http_text, escapes) {
  EXPECT_EQ(percent_decode("a%2Fb%41"), "a/bA");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%4"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_EQ(percent_encode_path("a b<\xff>"), "a%20b%3C%FF%3E");
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

// Whatever arrives: an answer, never more than was there, and no range outside of the file.
TEST(http_request, any_bytes_at_all) {
  std::mt19937 random(11);
  const std::string good = "GET /a/b%20c?d HTTP/1.1\r\nHost: x\r\nRange: bytes=3-5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  constexpr std::string_view spice = "\r\n :%?/=-,0123456789GETHP.\t\0bytes";
  for (int i = 0; i < 50'000; ++i) {
    std::string head = i % 3 == 0 ? std::string(random() % 200, ' ') : good;
    const usize changes = head.empty() ? 0 : random() % 8 + (i % 3 == 0 ? head.size() : 0);
    for (usize k = 0; k < changes; ++k)
      head[random() % head.size()] = random() % 2 != 0 ? spice[random() % spice.size()] : static_cast<char>(random());
    const usize n = head_length(head);
    ASSERT_LE(n, head.size());
    const auto r = parse_request(std::string_view(head).substr(0, n != 0 ? n : head.size()));
    if (!r) {
      ASSERT_TRUE(r.error() >= 400 && r.error() < 600);
      continue;
    }
    ASSERT_TRUE(r->path.starts_with('/'));
    ASSERT_EQ(r->path.find('\0'), std::string::npos);
    ByteRange range;
    const u64 size = random() % 100;
    if (parse_range(r->range, size, range) == RangeVerdict::part) {
      ASSERT_LE(range.first + range.length, size);
      ASSERT_GT(range.length, 0u);
    }
  }
}

}  // namespace
}  // namespace weir::apps
