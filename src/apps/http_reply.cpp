// apps/http_reply.hpp
#include "apps/http_reply.hpp"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <iterator>

namespace weir::apps {

std::string print_head(const HttpReplyHead& head, i64 now_s) {
  std::string s = fmt::format("HTTP/1.1 {} {}\r\nServer: weir\r\nDate: {}\r\n", head.status, reason(head.status), http_date(now_s));
  const auto out = std::back_inserter(s);
  if (head.status != 304) fmt::format_to(out, "Content-Length: {}\r\nContent-Type: {}\r\n", head.length, head.type);
  if (head.status == 405) s += "Allow: GET, HEAD\r\n";
  if (head.accepts_ranges) s += "Accept-Ranges: bytes\r\n";
  if (!head.content_range.empty()) fmt::format_to(out, "Content-Range: {}\r\n", head.content_range);
  if (!head.last_modified.empty()) fmt::format_to(out, "Last-Modified: {}\r\n", head.last_modified);
  if (!head.location.empty()) fmt::format_to(out, "Location: {}\r\n", head.location);
  s += head.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return s;
}

std::string http_date(i64 s) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t t = s;
  tm v{};
  if (::gmtime_r(&t, &v) == nullptr) return {};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[static_cast<usize>(v.tm_wday)], v.tm_mday,
                     months[static_cast<usize>(v.tm_mon)], v.tm_year + 1900, v.tm_hour, v.tm_min, v.tm_sec);
}

std::optional<i64> parse_http_date(std::string_view text) {
  tm v{};
  const std::string s(text);
  const char* const end = ::strptime(s.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &v);
  if (end == nullptr || *end != '\0') return {};
  return ::timegm(&v);
}

std::string_view content_type(std::string_view path) noexcept {
  struct Type {
    std::string_view ending, type;
  };
  constexpr std::array types{
      Type{".html", "text/html; charset=utf-8"},
      Type{".htm", "text/html; charset=utf-8"},
      Type{".txt", "text/plain; charset=utf-8"},
      Type{".md", "text/markdown; charset=utf-8"},
      Type{".css", "text/css; charset=utf-8"},
      Type{".js", "text/javascript; charset=utf-8"},
      Type{".json", "application/json"},
      Type{".xml", "application/xml"},
      Type{".svg", "image/svg+xml"},
      Type{".png", "image/png"},
      Type{".jpg", "image/jpeg"},
      Type{".jpeg", "image/jpeg"},
      Type{".gif", "image/gif"},
      Type{".webp", "image/webp"},
      Type{".ico", "image/x-icon"},
      Type{".pdf", "application/pdf"},
      Type{".wasm", "application/wasm"},
      Type{".mp4", "video/mp4"},
      Type{".webm", "video/webm"},
      Type{".mp3", "audio/mpeg"},
      Type{".zip", "application/zip"},
      Type{".gz", "application/gzip"},
  };
  const usize dot = path.find_last_of("./");
  if (dot != std::string_view::npos)
    for (const Type& t : types)
      if (same_token(path.substr(dot), t.ending)) return t.type;
  return "application/octet-stream";
}

std::string print_listing(std::string_view path, const std::vector<FileRoot::Entry>& entries) {
  const std::string title = escape_html(path);
  std::string s =
      fmt::format("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{0}</title></head>\n<body><h1>{0}</h1>\n<table>\n", title);
  if (path != "/") s += "<tr><td><a href=\"../\">../</a></td><td></td></tr>\n";
  for (const FileRoot::Entry& e : entries) {
    const std::string_view slash = e.is_directory ? "/" : "";
    // "./" in front: a name with a colon is no scheme then
    fmt::format_to(std::back_inserter(s), "<tr><td><a href=\"./{}{}\">{}{}</a></td><td align=\"right\">{}</td></tr>\n",
                   escape_html(percent_encode_path(e.name)), slash, escape_html(e.name), slash,
                   e.is_directory ? std::string() : std::to_string(e.size));
  }
  return s + "</table></body></html>\n";
}

}  // namespace weir::apps
