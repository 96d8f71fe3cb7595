// Values and system calls.
#include <fmt/format.h>

#include <charconv>

#include "drill/parse.hpp"

namespace weir::drill {
namespace {

constexpr int deepest = 16;        // levels of braces
constexpr usize most_items = 1024; // an iovec has at most so many

Value value_at(Cursor& in, int level);

std::string parse_string(Cursor& in) {
  const Place start = in.place();
  in.take();
  std::string out;
  while (in.peek() != '"') {
    if (in.at_end() || in.peek() == '\n') throw ScriptError(start, "this string has no end");
    char c = in.take();
    if (c == '\\') {
      const Place at = in.place();
      switch (c = in.take()) {
        case 'n': c = '\n'; break;
        case 't': c = '\t'; break;
        case 'r': c = '\r'; break;
        case '0': c = '\0'; break;
        case '\\':
        case '"': break;
        case 'x':
          if (!is_hex(in.peek()) || !is_hex(in.peek(1))) throw ScriptError(at, "\\x wants two hexadecimal digits");
          c = static_cast<char>(hex_value(in.peek()) << 4 | hex_value(in.peek(1)));
          in.take(2);
          break;
        default: throw ScriptError(at, "an escape that is not known; \\n \\t \\r \\0 \\\\ \\\" and \\xNN are");
      }
    }
    out += c;
  }
  in.take();
  return out;
}

std::vector<Value> list_until(Cursor& in, std::string_view end, int level) {
  std::vector<Value> items;
  in.skip_blank();
  while (!in.try_take(end)) {
    if (!items.empty()) {
      if (!in.try_take(",")) in.fail(fmt::format("expected , or {}, not {}", end, in.here()));
      in.skip_blank();
    }
    if (items.size() == most_items) in.fail(fmt::format("more than {} items", most_items));
    items.push_back(value_at(in, level + 1));
    in.skip_blank();
  }
  return items;
}

Value primary(Cursor& in, int level) {
  in.skip_blank();
  if (level > deepest) in.fail("too deeply nested");
  Value v{.place = in.place()};
  const char c = in.peek();
  if (in.try_take("...")) return v;
  if (c == '"') {
    v.kind = Value::Kind::string;
    v.text = parse_string(in);
    in.skip_blank();
    v.open = in.try_take("...");
    return v;
  }
  if (c == '[' || c == '{') {
    in.take();
    v.kind = c == '[' ? Value::Kind::array : Value::Kind::record;
    v.items = list_until(in, c == '[' ? "]" : "}", level);
    return v;
  }
  if (c == '-' || is_digit(c)) {
    v.kind = Value::Kind::integer;
    v.hex = in.looking_at("0x");
    v.integer = parse_integer(in, "a number", std::numeric_limits<i64>::min(), std::numeric_limits<i64>::max());
    return v;
  }
  v.text = in.take_word();
  if (v.text.empty()) in.fail(fmt::format("expected a value, not {}", in.here()));
  v.kind = Value::Kind::word;
  in.skip_spaces();
  if (in.peek() != '(') return v;
  in.take();
  v.kind = Value::Kind::call;
  v.items = list_until(in, ")", level);
  return v;
}

Value alternatives(Cursor& in, int level) {
  Value first = primary(in, level);
  in.skip_blank();
  if (in.peek() != '|') return first;
  Value all{.kind = Value::Kind::either, .place = first.place};
  all.items.push_back(std::move(first));
  while (in.try_take("|")) {
    if (all.items.size() == most_items) in.fail(fmt::format("more than {} flags", most_items));
    all.items.push_back(primary(in, level));
    in.skip_blank();
  }
  return all;
}

Value value_at(Cursor& in, int level) {
  Value left = alternatives(in, level);
  in.skip_blank();
  if (in.peek() != '=') return left;
  in.take();
  if (level > deepest) in.fail("too deeply nested");
  Value both{.kind = Value::Kind::assigned, .place = left.place};
  both.items.push_back(std::move(left));
  both.items.push_back(value_at(in, level + 1));
  return both;
}

// (some words): for the reader only.
void skip_note(Cursor& in) {
  in.skip_spaces();
  if (in.peek() != '(') return;
  const Place start = in.place();
  while (in.peek() != ')') {
    if (in.at_end() || in.peek() == '\n') throw ScriptError(start, "this note has no end: ) is missing");
    in.take();
  }
  in.take();
}

}  // namespace

i64 parse_integer(Cursor& in, std::string_view what, i64 least, i64 most) {
  const Place start = in.place();
  const bool negative = in.try_take("-");
  const bool hex = in.looking_at("0x") || in.looking_at("0X");
  if (hex) in.take(2);
  const std::string_view digits = in.take_word();
  u64 v = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v, hex ? 16 : 10);
  if (digits.empty() && !negative && !hex) throw ScriptError(start, fmt::format("expected {}, not {}", what, in.here()));
  if (digits.empty() || end != digits.data() + digits.size() || error == std::errc::invalid_argument)
    throw ScriptError(start, fmt::format("expected {}: \"{}\" is not a whole number", what, digits));
  const u64 limit = static_cast<u64>(std::numeric_limits<i64>::max()) + (negative ? 1 : 0);
  const i64 value = v > limit ? 0 : negative ? static_cast<i64>(-v) : static_cast<i64>(v);
  if (error != std::errc{} || v > limit || value < least || value > most)
    throw ScriptError(start, fmt::format("{} must be from {} to {}", what, least, most));
  return value;
}

u32 parse_u32(Cursor& in, std::string_view what) {
  in.skip_blank();
  return static_cast<u32>(parse_integer(in, what, 0, 0xffff'ffff));
}

Duration parse_seconds(Cursor& in) {
  const Place start = in.place();
  i64 seconds = 0, nanos = 0;
  usize digits = 0;
  for (; is_digit(in.peek()); ++digits) {
    seconds = seconds * 10 + (in.take() - '0');
    if (seconds > 1'000'000'000) throw ScriptError(start, "a time must be below 10^9 seconds");
  }
  if (in.peek() == '.' && is_digit(in.peek(1))) {
    in.take();
    for (i64 unit = 100'000'000; is_digit(in.peek()); ++digits, unit /= 10) nanos += unit * (in.take() - '0');
  } else if (digits > 0 && in.peek() == '.' && in.peek(1) != '.') {
    in.take();  // "1."
  }
  if (digits == 0) throw ScriptError(start, fmt::format("expected a time in seconds, like 0.250, not {}", in.here()));
  return Duration::nanos(seconds * 1'000'000'000 + nanos);
}

std::vector<u8> parse_hex(std::string_view digits, Place at, std::string_view what) {
  std::vector<u8> out;
  for (const char c : digits)
    if (!is_hex(c)) throw ScriptError(at, fmt::format("{}: \"{}\" is not hexadecimal", what, digits));
  if (digits.size() % 2 != 0) throw ScriptError(at, fmt::format("{}: {} has an odd number of digits", what, digits));
  for (usize i = 0; i < digits.size(); i += 2) out.push_back(static_cast<u8>(hex_value(digits[i]) << 4 | hex_value(digits[i + 1])));
  return out;
}

Value parse_value(Cursor& in) { return value_at(in, 0); }

// name(arguments) = result ERRNO (note)
SystemCall parse_call(Cursor& in) {
  SystemCall call;
  call.name = in.take_word();
  in.skip_spaces();
  if (!in.try_take("(")) in.fail(fmt::format("expected ( behind {}, not {}", call.name, in.here()));
  call.arguments = list_until(in, ")", 0);
  in.expect("=", fmt::format("and the result behind {}(...)", call.name));
  in.skip_blank();
  call.result = primary(in, 0);
  if (call.result.kind != Value::Kind::integer && call.result.kind != Value::Kind::ellipsis && call.result.kind != Value::Kind::word)
    throw ScriptError(call.result.place, fmt::format("the result of {}() must be a number", call.name));
  in.skip_spaces();
  if (is_letter(in.peek())) call.error = in.take_word();
  skip_note(in);
  return call;
}

}  // namespace weir::drill
