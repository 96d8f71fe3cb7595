// A script: options, a command at the beginning, events, a command at the end.
#include <fmt/format.h>

#include <algorithm>

#include "drill/parse.hpp"

namespace weir::drill {
namespace {

constexpr usize largest = 4 << 20, most_events = 200'000;

// --name=value or --name, to the end of the line or a comment.
ScriptOption parse_option_line(Cursor& in) {
  ScriptOption o{.place = in.place()};
  in.take(2);
  const usize from = in.position();
  while (is_letter(in.peek()) || is_digit(in.peek()) || in.peek() == '-') in.take();
  o.name = in.between(from, in.position());
  if (o.name.empty()) in.fail("expected the name of an option behind --");
  in.skip_spaces();
  if (!in.try_take("=")) return o;
  in.skip_spaces();
  if (in.peek() == '"') {
    o.value = parse_value(in).text;
    return o;
  }
  const usize start = in.position();
  while (!in.at_end() && !is_space(in.peek()) && !in.looking_at("//")) {
    if (in.peek() == '"' || in.peek() == '`') {  // NAME="TEXT"
      const char quote = in.take();
      while (!in.at_end() && in.peek() != quote) in.take();
    }
    in.take();
  }
  o.value = in.between(start, in.position());
  if (o.value.empty()) in.fail(fmt::format("expected the value of --{}", o.name));
  return o;
}

Command parse_command(Cursor& in) {
  const Place start = in.place();
  in.take();
  Command c{.text = {}, .place = in.place()};
  const usize from = in.position();
  while (!in.at_end() && in.peek() != '`') in.take();
  if (in.at_end()) throw ScriptError(start, "this command has no end: ` is missing");
  c.text = in.between(from, in.position());
  in.take();
  return c;
}

CodeBlock parse_code_block(Cursor& in) {
  const Place start = in.place();
  in.take(2);
  const Place inner = in.place();
  const usize from = in.position();
  while (!in.at_end() && !in.looking_at("}%")) in.take();
  if (in.at_end()) throw ScriptError(start, "this block has no end: }% is missing");
  const std::string_view text = in.between(from, in.position());
  in.take(2);
  return parse_code(text, inner);
}

EventTime parse_time(Cursor& in) {
  if (in.try_take("*")) return {.kind = EventTime::Kind::any};
  const Place start = in.place();
  EventTime t;
  const bool relative = in.try_take("+");
  t.kind = relative ? EventTime::Kind::relative : EventTime::Kind::absolute;
  t.from = parse_seconds(in);
  in.skip_spaces();
  if (in.peek() != '~') return t;
  in.take();
  in.skip_spaces();
  t.kind = relative ? EventTime::Kind::relative_range : EventTime::Kind::absolute_range;
  if (relative != in.try_take("+")) throw ScriptError(start, "both ends of a time range have a +, or neither");
  t.to = parse_seconds(in);
  if (t.to < t.from) throw ScriptError(start, "this time range ends before it begins");
  return t;
}

// Everything of an event on one line, comments and needless blanks left out.
std::string one_line(std::string_view text) {
  std::string out;
  for (usize i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("//")) {
      while (i < text.size() && text[i] != '\n') ++i;
      --i;
      continue;
    }
    if (!is_space(text[i])) out += text[i];
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

void parse_action(Cursor& in, Event& e) {
  std::optional<Duration> end;
  if (in.try_take("...")) {
    in.skip_spaces();
    end = parse_seconds(in);
    in.skip_blank();
  }
  const char c = in.peek();
  const bool call = is_letter(c);
  if (end && !call) in.fail(fmt::format("expected a system call, which is all that lasts, not {}", in.here()));
  if (c == '<' || c == '>') {
    e.action = parse_packet(in);
  } else if (c == '`') {
    e.action = parse_command(in);
  } else if (in.looking_at("%{")) {
    e.action = parse_code_block(in);
  } else if (call) {
    e.action = parse_call(in);
    std::get<SystemCall>(e.action).end = end;
  } else {
    in.fail(fmt::format("expected a packet (< or >), a system call, a `command` or %{{ code }}%, not {}", in.here()));
  }
}

Event parse_event(Cursor& in) {
  Event e{.place = in.place(), .time = parse_time(in), .action = Command{}, .text = {}};
  in.skip_blank();
  const usize from = in.position();
  parse_action(in, e);
  if (e.time.kind == EventTime::Kind::any || e.time.kind == EventTime::Kind::absolute_range ||
      e.time.kind == EventTime::Kind::relative_range) {
    const auto* packet = std::get_if<PacketSpec>(&e.action);
    if (packet == nullptr || packet->inbound) throw ScriptError(e.place, "only an outbound packet may come at any time or within a range");
  }
  if (const auto* call = std::get_if<SystemCall>(&e.action); call != nullptr && call->end && *call->end < e.time.from)
    throw ScriptError(e.place, fmt::format("{}() ends before it begins", call->name));
  e.text = one_line(in.between(from, in.position()));
  return e;
}

}  // namespace

Script parse_script(std::string_view text, std::string path) {
  Script script{.path = std::move(path), .options = {}, .init = {}, .cleanup = {}, .events = {}};
  Cursor in(text);
  if (text.size() > largest) in.fail(fmt::format("a script has at most {} bytes", largest));
  if (const usize zero = text.find('\0'); zero != std::string_view::npos) {
    in.take(zero);
    in.fail("a script has no zero bytes");
  }
  for (in.skip_blank(); in.looking_at("--"); in.skip_blank()) script.options.push_back(parse_option_line(in));
  if (in.peek() == '`') script.init = parse_command(in);
  for (in.skip_blank(); !in.at_end(); in.skip_blank()) {
    if (in.peek() == '`') {
      script.cleanup = parse_command(in);
      in.skip_blank();
      if (!in.at_end()) in.fail("the command at the end, which has no time before it, is the last thing in a script");
      return script;
    }
    if (script.events.size() == most_events) in.fail(fmt::format("a script has at most {} events", most_events));
    const char c = in.peek();
    if (c != '+' && c != '*' && c != '.' && !is_digit(c))
      in.fail(fmt::format("expected an event, which begins with its time: 0.1, +.1, * or +1~+2; not {}", in.here()));
    script.events.push_back(parse_event(in));
  }
  if (script.events.empty()) in.fail("there is no event in this script");
  return script;
}

}  // namespace weir::drill
