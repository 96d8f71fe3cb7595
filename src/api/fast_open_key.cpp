// api/fast_open_key.hpp
#include "api/fast_open_key.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace weir {
namespace {

using Key = std::array<u64, 2>;

std::optional<Key> parse_key(std::string_view text) {
  if (text.size() != 35) return {};
  Key key{};
  for (usize group = 0; group < 4; ++group) {
    if (group != 0 && text[group * 9 - 1] != '-') return {};
    const char* const from = text.data() + group * 9;
    u32 v = 0;
    const auto [end, error] = std::from_chars(from, from + 8, v, 16);
    if (error != std::errc{} || end != from + 8) return {};
    key[group / 2] = key[group / 2] << 32 | v;
  }
  return key;
}

std::string key_text(const Key& k) {
  return fmt::format("{:08x}-{:08x}-{:08x}-{:08x}", k[0] >> 32, k[0] & 0xffff'ffff, k[1] >> 32, k[1] & 0xffff'ffff);
}

}  // namespace

bool set_fast_open_key(Sysctl& sysctl, std::string_view text) {
  const usize comma = text.find(',');
  const auto now = parse_key(text.substr(0, comma));
  const auto before = comma == std::string_view::npos ? std::optional{Key{}} : parse_key(text.substr(comma + 1));
  if (!now || !before) return false;
  sysctl.tcp_fastopen_key = *now;
  sysctl.tcp_fastopen_key_before = *before;
  return true;
}

std::string fast_open_key_text(const Sysctl& sysctl) {
  const std::string now = key_text(sysctl.tcp_fastopen_key);
  return sysctl.tcp_fastopen_key_before == Key{} ? now : now + "," + key_text(sysctl.tcp_fastopen_key_before);
}

}  // namespace weir
