#include "drill/cursor.hpp"

#include <fmt/format.h>

namespace weir::drill {

void Cursor::skip_blank() {
  for (;;) {
    if (is_space(peek()) && !at_end()) {
      take();
    } else if (looking_at("//")) {
      while (!at_end() && peek() != '\n') take();
    } else if (looking_at("/*")) {
      const Place start = place_;
      take(2);
      while (!at_end() && !looking_at("*/")) take();
      if (at_end()) throw ScriptError(start, "this comment has no end: */ is missing");
      take(2);
    } else {
      return;
    }
  }
}

void Cursor::expect(std::string_view what, std::string_view where) {
  skip_blank();
  if (!try_take(what)) fail(fmt::format("expected {} {}, not {}", what, where, here()));
}

std::string_view Cursor::word() const noexcept {
  usize n = 0;
  while (is_letter(peek(n)) || is_digit(peek(n))) ++n;
  return text_.substr(std::min(position_, text_.size()), n);
}

std::string Cursor::here() const {
  if (at_end()) return "the end of the script";
  const std::string_view w = word();
  if (!w.empty()) return fmt::format("\"{}\"", w.substr(0, 40));
  const char c = peek();
  if (c == '\n') return "the end of the line";
  if (c < ' ' || c > '~') return fmt::format("the byte 0x{:02x}", static_cast<u8>(c));
  return fmt::format("'{}'", c);
}

}  // namespace weir::drill
