#include "drill/shell.hpp"

#include <fmt/format.h>

#include <charconv>

#include "drill/cursor.hpp"

namespace weir::drill {
namespace {

class Shell {
 public:
  Shell(std::string_view text, Place start) : in_(text, start) {}

  std::vector<ShellCommand> parse() {
    for (;;) {
      skip();
      if (in_.at_end()) break;
      const char c = in_.peek();
      if (c == '\n' || c == ';') {
        in_.take();
        end(false);
      } else if (c == '|' || in_.looking_at("&&")) {
        in_.take(in_.looking_at("||") || in_.looking_at("&&") ? 2 : 1);
        end(c == '|');
      } else if (c == '#' && fresh_) {
        while (!in_.at_end() && in_.peek() != '\n') in_.take();
      } else if (redirection()) {
        continue;
      } else {
        if (current_.words.empty()) current_.place = in_.place();
        current_.words.push_back(word());
      }
    }
    end(false);
    return std::move(all_);
  }

 private:
  void skip() {
    fresh_ = in_.position() == 0 || fresh_;
    for (;;) {
      const char c = in_.peek();
      if (c == ' ' || c == '\t' || c == '\r') in_.take();
      else if (c == '\\' && in_.peek(1) == '\n') in_.take(2);
      else break;
      fresh_ = true;
    }
  }

  void end(bool piped) {
    current_.piped = piped;
    if (!current_.words.empty()) all_.push_back(std::move(current_));
    current_ = {};
    fresh_ = true;
  }

  // > FILE, 2> FILE, 2>&1
  bool redirection() {
    usize n = is_digit(in_.peek()) && in_.peek(1) == '>' ? 1 : 0;
    if (in_.peek(n) != '>' && in_.peek(n) != '<') return false;
    while (in_.peek(n) == '>' || in_.peek(n) == '<' || in_.peek(n) == '&') ++n;
    in_.take(n);
    skip();
    (void)word();
    return true;
  }

  std::string word() {
    std::string out;
    fresh_ = false;
    for (;;) {
      const char c = in_.peek();
      if (in_.at_end() || is_space(c) || c == ';' || c == '|' || c == '>' || c == '<') return out;
      if (c == '\'' || c == '"') {
        quoted(out, c);
      } else if (c == '$') {
        dollar(out);
      } else {
        if (c == '\\') in_.take();
        out += in_.take();
      }
    }
  }

  void quoted(std::string& out, char quote) {
    const Place start = in_.place();
    in_.take();
    while (in_.peek() != quote) {
      if (in_.at_end()) throw ScriptError(start, "this quote has no end");
      if (in_.peek() == '$' && quote == '"') dollar(out);
      else out += in_.take();
    }
    in_.take();
  }

  void dollar(std::string& out) {
    const Place start = in_.place();
    if (in_.looking_at("$((")) {
      in_.take(3);
      out += std::to_string(product());
      if (!in_.try_take("))")) in_.fail("expected )) behind a product of numbers, which is the only arithmetic that weir drill knows here");
      return;
    }
    for (const std::string_view name : {"${PPID}", "$PPID", "${PACKETDRILL_PID}"})
      if (in_.try_take(name)) {
        out += "PID";  // there is no process: one name is as good as another
        return;
      }
    throw ScriptError(start, "a variable of the shell that weir drill does not know; ${PPID} is");
  }

  i64 product() {
    i64 value = 1;
    do {
      skip();
      const i64 factor = [&] {
        usize n = 0;
        while (is_digit(in_.peek(n))) ++n;
        i64 v = 0;
        const std::string_view digits = in_.between(in_.position(), in_.position() + n);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + n, v);
        if (n == 0 || error != std::errc{}) in_.fail("expected a number");
        in_.take(n);
        return v;
      }();
      if (__builtin_mul_overflow(value, factor, &value)) in_.fail("the product is too large");
      skip();
    } while (in_.try_take("*"));
    return value;
  }

  Cursor in_;
  ShellCommand current_{};
  std::vector<ShellCommand> all_;
  bool fresh_ = true;  // a word would begin here
};

}  // namespace

std::vector<ShellCommand> parse_shell(std::string_view text, Place start) { return Shell(text, start).parse(); }

}  // namespace weir::drill
