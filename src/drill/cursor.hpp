// A position in a script's text. Every look is bounds-checked: past the end there are zeros.
#pragma once

#include <string>
#include <string_view>

#include "drill/place.hpp"

namespace weir::drill {

class Cursor {
 public:
  explicit Cursor(std::string_view text, Place start = {}) noexcept : text_(text), place_(start) {}

  [[nodiscard]] bool at_end() const noexcept { return position_ >= text_.size(); }
  [[nodiscard]] char peek(usize ahead = 0) const noexcept { return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0'; }
  [[nodiscard]] bool looking_at(std::string_view what) const noexcept { return text_.substr(position_).starts_with(what); }
  [[nodiscard]] Place place() const noexcept { return place_; }
  [[nodiscard]] usize position() const noexcept { return position_; }
  [[nodiscard]] std::string_view between(usize from, usize to) const noexcept { return text_.substr(from, to - from); }

  char take() noexcept {
    const char c = peek();
    if (at_end()) return c;
    ++position_;
    if (c == '\n') place_ = {place_.line + 1, 1};
    else ++place_.column;
    return c;
  }
  void take(usize n) noexcept {
    for (usize i = 0; i < n; ++i) take();
  }

  // White space and comments: // to the end of the line, and /* */. Throws ScriptError for a comment without an end.
  void skip_blank();
  // The same on this line only.
  void skip_spaces() noexcept {
    while (peek() == ' ' || peek() == '\t') take();
  }

  bool try_take(std::string_view what) noexcept {  // after blanks were skipped
    if (!looking_at(what)) return false;
    take(what.size());
    return true;
  }
  // Skips blanks, then demands it.
  void expect(std::string_view what, std::string_view where);

  // Letters, digits and _ from here on; empty when there is none.
  [[nodiscard]] std::string_view word() const noexcept;
  std::string_view take_word() noexcept {
    const std::string_view w = word();
    take(w.size());
    return w;
  }
  // What stands here, for messages: a word, a character, or the end.
  [[nodiscard]] std::string here() const;

  [[noreturn]] void fail(const std::string& what) const { throw ScriptError(place_, what); }

 private:
  std::string_view text_;
  usize position_ = 0;
  Place place_;
};

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
[[nodiscard]] constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
[[nodiscard]] constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
[[nodiscard]] constexpr u8 hex_value(char c) noexcept { return static_cast<u8>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10); }

}  // namespace weir::drill
