// apps/http_request.hpp
#include "apps/http_request.hpp"

#include <algorithm>
#include <charconv>

namespace weir::apps {
namespace {

constexpr usize longest_target = 8'000;  // RFC 9112 3: at least that

std::unexpected<HttpStatus> refuse(HttpStatus status) { return std::unexpected(status); }

// What of the target says where: the path of "/a?b", or of "http://host/a?b". Nothing: neither of these forms.
std::optional<std::string_view> path_of(std::string_view target) noexcept {
  if (target.size() >= 7 && same_token(target.substr(0, 7), "http://")) {
    const usize slash = target.find('/', 7);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (!target.starts_with('/')) return {};
  return target.substr(0, target.find_first_of("?#"));
}

Result<void, HttpStatus> parse_version(HttpRequest& r, std::string_view version) noexcept {
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return refuse(400);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!is_digit(version[5]) || !is_digit(version[7])) return refuse(400);
  if (version[5] != '1') return refuse(505);
  r.http11 = version[7] != '0';
  r.keep_alive = r.http11;
  return {};
}

Result<void, HttpStatus> parse_request_line(HttpRequest& r, std::string_view line) {
  const usize first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || first == 0) return refuse(400);
  const std::string_view method = line.substr(0, first);
  r.target = line.substr(first + 1, last - first - 1);
  if (const auto ok = parse_version(r, line.substr(last + 1)); !ok) return ok;
  if (!parse_field(std::string(method) + ":")) return refuse(400);  // not a token
  if (r.target.size() > longest_target) return refuse(414);
  if (std::ranges::any_of(r.target, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) return refuse(400);
  if (method == "GET") r.method = HttpRequest::Method::get;
  else if (method == "HEAD") r.method = HttpRequest::Method::head;
  else return {};
  const auto raw = path_of(r.target);
  if (!raw) return refuse(400);
  auto path = percent_decode(*raw);
  if (!path) return refuse(400);
  r.path = std::move(*path);
  return {};
}

// What is found in the fields while they are read.
struct Framing {
  u32 hosts = 0;
  std::optional<std::string_view> length;
  bool coded = false;
};

bool is_number(std::string_view s) noexcept {
  return !s.empty() && s.size() <= 19 && s.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<void, HttpStatus> take_field(HttpRequest& r, Framing& framing, const HttpField& f) {
  if (same_token(f.name, "host")) {
    ++framing.hosts;
  } else if (same_token(f.name, "content-length")) {
    if (!is_number(f.value) || (framing.length && *framing.length != f.value)) return refuse(400);
    framing.length = f.value;
  } else if (same_token(f.name, "transfer-encoding")) {
    framing.coded = true;
  } else if (same_token(f.name, "connection")) {
    if (list_has(f.value, "close")) r.keep_alive = false;
    else if (!r.http11 && list_has(f.value, "keep-alive")) r.keep_alive = true;
  } else if (same_token(f.name, "range")) {
    r.range = f.value;
  } else if (same_token(f.name, "if-range")) {
    r.if_range = f.value;
  } else if (same_token(f.name, "if-modified-since")) {
    r.if_modified_since = f.value;
  }
  return {};
}

std::optional<u64> to_number(std::string_view s) noexcept {
  if (!is_number(s)) return {};
  u64 n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc{} && end == s.data() + s.size() ? std::optional(n) : std::nullopt;
}

}  // namespace

usize head_length(std::string_view buffer) noexcept {
  for (usize at = buffer.find('\n'); at != std::string_view::npos; at = buffer.find('\n', at + 1)) {
    const std::string_view after = buffer.substr(at + 1);
    if (after.starts_with('\n')) return at + 2;
    if (after.starts_with("\r\n")) return at + 3;
  }
  return 0;
}

Result<HttpRequest, HttpStatus> parse_request(std::string_view head) {
  HttpRequest r;
  std::string_view line = take_line(head);
  if (const auto ok = parse_request_line(r, line); !ok) return refuse(ok.error());
  Framing framing;
  while (!(line = take_line(head)).empty()) {
    const auto field = parse_field(line);
    if (!field) return refuse(400);
    if (const auto ok = take_field(r, framing, *field); !ok) return refuse(ok.error());
  }
  if (framing.hosts > 1 || (r.http11 && framing.hosts == 0)) return refuse(400);  // RFC 9112 3.2
  if (framing.coded && (framing.length || !r.http11)) return refuse(400);          // RFC 9112 6.1
  r.has_body = framing.coded || (framing.length && framing.length->find_first_not_of('0') != std::string_view::npos);
  if (r.method == HttpRequest::Method::other) return refuse(405);
  return r;
}

RangeVerdict parse_range(std::string_view header, u64 size, ByteRange& out) noexcept {
  constexpr std::string_view unit = "bytes=";
  if (header.size() < unit.size() || !same_token(header.substr(0, unit.size()), unit)) return RangeVerdict::whole;
  const std::string_view spec = trim(header.substr(unit.size()));
  const usize dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return RangeVerdict::whole;
  const std::string_view from = spec.substr(0, dash), to = spec.substr(dash + 1);
  const auto first = to_number(from), last = to_number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return RangeVerdict::whole;
  if (!first) {  // the last so many bytes
    if (*last == 0 || size == 0) return RangeVerdict::unsatisfiable;
    out.length = std::min(*last, size);
    out.first = size - out.length;
    return RangeVerdict::part;
  }
  if (last && *last < *first) return RangeVerdict::whole;
  if (*first >= size) return RangeVerdict::unsatisfiable;
  out.first = *first;
  out.length = std::min(last ? *last : size - 1, size - 1) - *first + 1;
  return RangeVerdict::part;
}

}  // namespace weir::apps
