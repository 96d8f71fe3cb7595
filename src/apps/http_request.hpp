// The head of an HTTP/1 request (RFC 9110, RFC 9112) as far as a server of files wants to know it. Bytes only, no sockets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace weir::apps {

struct HttpRequest {
  enum class Method : u8 { get, head, other } method = Method::other;
  std::string path;         // percent-decoded, without the query; starts with '/'
  std::string_view target;  // as it was written. All views point into the head that was parsed
  bool http11 = true;
  bool keep_alive = true;
  bool has_body = false;
  std::string_view range, if_range, if_modified_since;  // empty: not there
};

// A failure is the status code of the answer: 400, 405, 414, 431, 501, 505.
using HttpStatus = u16;

// Bytes up to and including the empty line; 0: it has not come yet.
[[nodiscard]] usize head_length(std::string_view buffer) noexcept;
// `head` is what head_length counts. Anything that two programs could read differently is a 400: that is how requests
// are smuggled (RFC 9112 11.2).
[[nodiscard]] Result<HttpRequest, HttpStatus> parse_request(std::string_view head);

// One range of bytes of a representation (RFC 9110 14.1.2).
struct ByteRange {
  u64 first = 0, length = 0;
};
enum class RangeVerdict : u8 { whole, part, unsatisfiable };
// What a Range header asks of `size` bytes. What is not understood, and several ranges at once, mean the whole: 14.2.
[[nodiscard]] RangeVerdict parse_range(std::string_view header, u64 size, ByteRange& out) noexcept;

// "%41" to "A"; nothing for a bad escape or an escaped NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode_path(std::string_view path);
[[nodiscard]] std::string escape_html(std::string_view text);
[[nodiscard]] std::string_view reason(HttpStatus status) noexcept;

// Names and tokens of HTTP compare without case, in ASCII.
[[nodiscard]] bool same_token(std::string_view a, std::string_view b) noexcept;
// Is `token` one of the comma-separated list?
[[nodiscard]] bool list_has(std::string_view list, std::string_view token) noexcept;
[[nodiscard]] std::string_view trim(std::string_view s) noexcept;
// A line of header fields: name and value. Nothing: not a legal field (RFC 9112 5.1, 5.2).
struct HttpField {
  std::string_view name, value;
};
[[nodiscard]] std::optional<HttpField> parse_field(std::string_view line) noexcept;
// Takes the next line off, without its end.
[[nodiscard]] std::string_view take_line(std::string_view& text) noexcept;

}  // namespace weir::apps
