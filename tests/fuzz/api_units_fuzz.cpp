// Quantities, and settings by name: "NAME VALUE".
#include <algorithm>

#include "api/sysctl_names.hpp"
#include "api/units.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace weir;

namespace {

void check_setting(std::string_view name, std::string_view value) {
  Sysctl s;
  const auto done = set_sysctl(s, name, value);
  if (!done) {
    FUZZ_CHECK(done.error().find(name) != std::string::npos);
    return;
  }
  // What it was set to can be printed, and sets it to the same.
  const std::string text = sysctl_text(s, name);
  Sysctl again;
  FUZZ_CHECK(set_sysctl(again, name, text) && sysctl_text(again, name) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto d = parse_duration(text)) FUZZ_CHECK(d->ns >= 0);
  if (const auto p = parse_probability(text)) FUZZ_CHECK(*p >= 0 && *p <= 1);
  if (const auto q = parse_queue(text)) FUZZ_CHECK(q->packets == 0 || q->bytes == 0);
  constexpr u64 most = u64{1} << 63;
  FUZZ_CHECK(parse_rate(text).value_or(0) <= most && parse_size(text).value_or(0) <= most);
  const auto names = sysctl_names();
  const std::string_view near = nearest(text, names);
  FUZZ_CHECK(near.empty() || std::ranges::find(names, near) != names.end());
  const usize space = std::min(text.find(' '), size);
  check_setting(text.substr(0, space), text.substr(std::min(space + 1, size)));
  for (const std::string_view name : names) check_setting(name, text);
  return 0;
}
