// The heads of HTTP requests and answers, and the Range header.
#include <algorithm>
#include <array>

#include "apps/http_client.hpp"
#include "apps/http_request.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;
using namespace weir::apps;

namespace {

Bytes bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

void check_range(std::string_view header) {
  for (const u64 size : {u64{0}, u64{1}, u64{1000}, ~u64{0}}) {
    ByteRange r;
    const RangeVerdict v = parse_range(header, size, r);
    if (v == RangeVerdict::part) FUZZ_CHECK(r.length >= 1 && r.first < size && r.length <= size - r.first);
  }
}

void check_head(std::string_view head) {
  const auto r = parse_request(head);
  if (!r) {
    constexpr HttpStatus answers[] = {400, 405, 414, 431, 501, 505};
    FUZZ_CHECK(std::ranges::find(answers, r.error()) != std::end(answers) && !reason(r.error()).empty());
    return;
  }
  for (const std::string_view view : {r->target, r->range, r->if_range, r->if_modified_since})
    FUZZ_CHECK(fuzz::inside(bytes(view), bytes(head)));
  FUZZ_CHECK(r->method != HttpRequest::Method::other && r->path.starts_with('/') && r->path.find('\0') == std::string::npos);
  FUZZ_CHECK(percent_decode(percent_encode_path(r->path)) == r->path);
  check_range(r->range);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_range(text);
  if (const auto decoded = percent_decode(text)) FUZZ_CHECK(decoded->size() <= size);
  FUZZ_CHECK(escape_html(text).find_first_of("<>\"'") == std::string::npos);
  if (const auto f = parse_field(text)) FUZZ_CHECK(!f->name.empty() && fuzz::inside(bytes(f->value), bytes(text)));
  if (const auto a = parse_answer(text)) FUZZ_CHECK(a->status >= 100 && a->status <= 999);
  check_head(text);
  const usize n = head_length(text);
  FUZZ_CHECK(n <= size);
  if (n == 0) return 0;
  FUZZ_CHECK(head_length(text.substr(0, n)) == n && head_length(text.substr(0, n - 1)) == 0);  // no sooner, and not by what follows
  check_head(text.substr(0, n));
  return 0;
}
