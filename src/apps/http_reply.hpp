// What a server of files answers: heads, listings, dates, content types. Text only.
#pragma once

#include <string>

#include "apps/file_root.hpp"
#include "apps/http_request.hpp"

namespace weir::apps {

struct HttpReplyHead {
  HttpStatus status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  u64 length = 0;
  bool keep_alive = true;
  bool accepts_ranges = false;
  std::string content_range{}, last_modified{}, location{};  // empty: left out
};

// The head with its empty line. `now_s`: since 1970.
[[nodiscard]] std::string print_head(const HttpReplyHead& head, i64 now_s);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) and back; nothing for other forms.
[[nodiscard]] std::string http_date(i64 s);
[[nodiscard]] std::optional<i64> parse_http_date(std::string_view text);
// By the ending of the name.
[[nodiscard]] std::string_view content_type(std::string_view path) noexcept;
// A page of HTML; `path` ends with '/'.
[[nodiscard]] std::string print_listing(std::string_view path, const std::vector<FileRoot::Entry>& entries);

}  // namespace weir::apps
