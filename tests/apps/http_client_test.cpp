// URLs, answers and bodies as the client reads them.
#include "apps/http_client.hpp"

#include <gtest/gtest.h>

#include <random>

#include "apps/http_body.hpp"

namespace weir::apps {
namespace {

TEST(http_url, parts) {
  const auto u = Url::parse("http://10.0.0.1:8080/a?b#c");
  ASSERT_TRUE(u);
  EXPECT_EQ(to_string(u->at), "10.0.0.1:8080");
  EXPECT_EQ(u->path, "/a?b");
  EXPECT_EQ(u->host_header(), "10.0.0.1:8080");
  EXPECT_EQ(Url::parse("HTTP://[fd00::1]")->host_header(), "[fd00::1]");
  // An IPv4 address in IPv6 clothes is IPv4 to the stack, and still needs its brackets in a header.
  EXPECT_EQ(Url::parse("http://[::ffff:10.0.0.1]:81/")->host_header(), "[::ffff:10.0.0.1]:81");
  EXPECT_EQ(Url::parse("http://[fd00::1]:81/x")->at.port, 81);
  EXPECT_EQ(Url::parse("http://1.2.3.4?q")->path, "/?q");
}

TEST(http_url, what_is_not_one) {
  for (const char* bad :
       {"", "1.2.3.4", "ftp://1.2.3.4/", "https://1.2.3.4/", "http://", "http://host/", "http://1.2.3.4:0/", "http://1.2.3.4:x/",
        "http://1.2.3.4:65536/", "http://[fd00::1", "http://u:p@1.2.3.4/", "http://1.2.3.4/a b", "http://[fd00::1]x/"})
    EXPECT_FALSE(Url::parse(bad)) << bad;
}

TEST(http_url, where_a_redirect_leads) {
  const Url u = *Url::parse("http://1.2.3.4:81/a/b/c?q");
  const auto leads = [&](std::string_view location) {
    const auto to = u.resolve(location);
    return to ? to->host_header() + to->path : std::string("nowhere");
  };
  EXPECT_EQ(leads("http://5.6.7.8/x"), "5.6.7.8/x");
  EXPECT_EQ(leads("//5.6.7.8/x"), "5.6.7.8/x");
  EXPECT_EQ(leads("/x"), "1.2.3.4:81/x");
  EXPECT_EQ(leads("x"), "1.2.3.4:81/a/b/x");
  EXPECT_EQ(leads("./x/"), "1.2.3.4:81/a/b/x/");
  EXPECT_EQ(leads("../x"), "1.2.3.4:81/a/x");
  EXPECT_EQ(leads("../../../x"), "1.2.3.4:81/x");
  EXPECT_EQ(leads("?r"), "1.2.3.4:81/a/b/c?r");
  EXPECT_EQ(leads("https://1.2.3.4/"), "nowhere");
}

TEST(http_answer, head) {
  const auto a = parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->status, 200);
  EXPECT_EQ(a->length, 12u);
  EXPECT_TRUE(parse_answer("HTTP/1.0 404 \r\n\r\n"));
  EXPECT_TRUE(parse_answer("HTTP/1.1 200\r\n\r\n"));
  EXPECT_TRUE(parse_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n")->in_chunks);
  const auto none = parse_answer("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");  // RFC 9112 6.3, first case
  EXPECT_FALSE(none->in_chunks);
  EXPECT_EQ(none->length, 0u);
  for (const char* bad :
       {"", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n"})
    EXPECT_FALSE(parse_answer(bad)) << bad;
}

// The body that comes out of `bytes`, given in pieces; nothing: it makes no sense.
std::optional<std::string> body_of(HttpBody body, std::string_view bytes, usize piece, bool* ended = nullptr) {
  std::string out;
  while (!bytes.empty() && !body.is_done()) {
    const std::string_view now = bytes.substr(0, piece);
    bytes.remove_prefix(now.size());
    for (Bytes data = std::as_bytes(std::span(now)); !data.empty() && !body.is_done();) {
      const auto part = body.next(data);
      if (!part) return {};
      out.append(reinterpret_cast<const char*>(part->data()), part->size());
    }
  }
  if (ended != nullptr) *ended = body.finish();
  return out;
}

TEST(http_body, in_chunks_however_they_are_cut) {
  const std::string_view text = "4\r\nWiki\r\n6;name=value\r\npedia \r\nE \r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\nbehind";
  for (usize piece = 1; piece < 80; ++piece) {
    bool ended = false;
    EXPECT_EQ(body_of(HttpBody::in_chunks(), text, piece, &ended), "Wikipedia in \r\n\r\nchunks.") << piece;
    EXPECT_TRUE(ended);
  }
}

TEST(http_body, chunks_that_make_no_sense) {
  for (const char* bad : {"x\r\n", "\r\n", "4\nWiki", "4\r\nWikiX", "4\r\nWiki\rX", "1000000000000000\r\n", "-1\r\n", "4;x\ny"})
    EXPECT_FALSE(body_of(HttpBody::in_chunks(), bad, 100)) << bad;
}

TEST(http_body, by_length_and_to_the_end) {
  bool ended = false;
  EXPECT_EQ(body_of(HttpBody::of_length(3), "abcdef", 2, &ended), "abc");
  EXPECT_TRUE(ended);
  EXPECT_EQ(body_of(HttpBody::of_length(9), "abcdef", 2, &ended), "abcdef");
  EXPECT_FALSE(ended);
  EXPECT_EQ(body_of(HttpBody::to_the_end(), "abcdef", 2, &ended), "abcdef");
  EXPECT_TRUE(ended);
  EXPECT_TRUE(HttpBody::of_length(0).is_done());
}

TEST(http_body, any_bytes_at_all) {
  std::mt19937 random(5);
  constexpr std::string_view spice = "0123456789abcdefF;\r\n\r\n ";
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 60, ' ');
    for (char& c : bytes) c = random() % 4 != 0 ? spice[random() % spice.size()] : static_cast<char>(random());
    const auto whole = body_of(HttpBody::in_chunks(), bytes, bytes.size() + 1);
    const auto cut = body_of(HttpBody::in_chunks(), bytes, 1 + random() % 5);
    ASSERT_EQ(whole, cut);
    if (whole) {
      ASSERT_LE(whole->size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace weir::apps
