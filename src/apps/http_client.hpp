// Fetching a URL: GET over HTTP/1.1 (RFC 9110, 9112), redirects followed.
#pragma once

#include <functional>

#include "weir/stack.hpp"

namespace weir::apps {

struct Url {
  std::string host;  // as in the URL, without brackets
  Endpoint at;
  std::string path;  // with the query

  // "http://ADDRESS[:PORT]/PATH". The error says what is wrong and what would be right.
  [[nodiscard]] static Result<Url, std::string> parse(std::string_view text);
  // What a Location header means, seen from here (RFC 3986 5.2).
  [[nodiscard]] Result<Url, std::string> resolve(std::string_view location) const;
  [[nodiscard]] std::string host_header() const;
};

struct HttpGet {
  Url url;
  Duration connect_timeout = Duration::seconds(30);
  Duration stall_timeout = Duration::seconds(60);  // without a byte from the server
  u32 max_redirects = 10;
  std::function<Task<bool>(Bytes)> sink;  // gets the body, of a success only; false: it can take no more (a full disk)
  std::function<void(u64 bytes, std::optional<u64> total)> progress{};  // now and then; may be empty
};

// What came of it: bytes of the body; the error is for the user.
[[nodiscard]] Task<Result<u64, std::string>> http_get(Host host, HttpGet get);

// The head of an answer.
struct HttpAnswer {
  u16 status = 0;
  std::optional<u64> length;
  bool in_chunks = false;
  std::string location;
};
[[nodiscard]] std::optional<HttpAnswer> parse_answer(std::string_view head);

}  // namespace weir::apps
