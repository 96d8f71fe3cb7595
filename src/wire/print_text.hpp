// What the printers share; not for anyone else.
#pragma once

#include <string>
#include <string_view>

#include "base/drop.hpp"
#include "base/types.hpp"

namespace weir::wire::print {

[[nodiscard]] inline std::string hex(u64 v) {
  std::string s;
  do {
    s.insert(s.begin(), "0123456789abcdef"[v & 0xf]);
    v >>= 4;
  } while (v != 0);
  return "0x" + s;
}

[[nodiscard]] inline std::string num(u64 v) { return std::to_string(v); }

[[nodiscard]] inline std::string bad(Drop d) { return '[' + std::string(weir::name(d)) + ']'; }

// ", " between the parts of a list.
inline void add(std::string& out, std::string_view part) {
  if (!out.empty()) out += ", ";
  out += part;
}

struct Named {
  u8 value;
  std::string_view text;
};

// The text of a value in a table, or "PREFIX number".
template <usize N>
[[nodiscard]] std::string name_of(const Named (&table)[N], u8 value, std::string_view prefix) {
  for (const Named& n : table)
    if (n.value == value) return std::string(n.text);
  return std::string(prefix) + ' ' + num(value);
}

}  // namespace weir::wire::print
