// TCP options as scripts write them: <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>, or <...> for any.
#include <fmt/format.h>

#include "drill/parse.hpp"
#include "wire/tcp_options.hpp"

namespace weir::drill {
namespace {

void named(Cursor& in, std::string_view name) {
  in.skip_blank();
  const Place at = in.place();
  if (in.take_word() != name) throw ScriptError(at, fmt::format("expected {} and a number", name));
}

// A cookie, a digest: hexadecimal digits, or a name that is given by --define.
void contents(Cursor& in, TcpOptionSpec& option, std::string_view what) {
  in.skip_spaces();
  const Place at = in.place();
  const std::string_view text = in.take_word();
  bool hex = true;
  for (const char c : text) hex = hex && is_hex(c);
  if (hex) option.bytes = parse_hex(text, at, what);
  else option.symbol = text;
}

void sack_blocks(Cursor& in, TcpOptionSpec& option) {
  for (in.skip_blank(); is_digit(in.peek()); in.skip_blank()) {
    const u32 left = parse_u32(in, "the left edge of a block");
    in.expect(":", "between the edges of a block");
    option.blocks.emplace_back(left, parse_u32(in, "the right edge of a block"));
    if (option.blocks.size() > 4) in.fail("at most four blocks fit into the options");
  }
  if (option.blocks.empty()) in.fail(fmt::format("expected the blocks of sack, not {}", in.here()));
}

// "AccECN e0b 1 ceb 0 e1b 1" or "ECN e1b 1 ceb 0 e0b 1": the order of the first two names tells the kind.
void accecn(Cursor& in, TcpOptionSpec& option) {
  option.kind = TcpOptionKind::accecn;
  for (in.skip_blank(); is_letter(in.peek()); in.skip_blank()) {
    const Place at = in.place();
    const std::string name(in.take_word());
    if (name != "e0b" && name != "e1b" && name != "ceb")
      throw ScriptError(at, fmt::format("\"{}\" is no AccECN counter; e0b, ceb and e1b are", name));
    in.skip_blank();
    option.fields.emplace_back(name, static_cast<u32>(parse_integer(in, "an AccECN counter", 0, 0xff'ffff)));
  }
  const auto is = [&](usize i, std::string_view name) { return option.fields.size() <= i || option.fields[i].first == name; };
  if (option.fields.size() > 3) throw ScriptError(option.place, "AccECN has three counters at most");
  const bool zero = is(0, "e0b") && is(1, "ceb") && is(2, "e1b"), one = is(0, "e1b") && is(1, "ceb") && is(2, "e0b");
  if (!zero && !one) throw ScriptError(option.place, "the counters of AccECN stand in the order e0b ceb e1b or e1b ceb e0b");
  option.accecn_kind = zero ? wire::tcp_option::accecn0 : wire::tcp_option::accecn1;
}

void user_timeout(Cursor& in, TcpOptionSpec& option) {
  option.kind = TcpOptionKind::user_timeout;
  in.skip_blank();
  option.number = static_cast<u32>(parse_integer(in, "the user timeout (RFC 5482: granularity bit and 15 bits)", 0, 0xffff));
}

// "exp 0xf989 1234" or "kind 99 0102": experiments (RFC 6994) and whatever has no name.
void by_number(Cursor& in, TcpOptionSpec& option, bool experiment) {
  option.kind = experiment ? TcpOptionKind::experiment : TcpOptionKind::generic;
  in.skip_blank();
  option.number =
      static_cast<u32>(parse_integer(in, experiment ? "the experiment's identifier" : "the kind", 0, experiment ? 0xffff : 255));
  contents(in, option, "the contents");
}

TcpOptionSpec parse_option(Cursor& in) {
  in.skip_blank();
  TcpOptionSpec o{.place = in.place()};
  const std::string_view word = in.take_word();
  if (word == "nop") {
    o.kind = TcpOptionKind::nop;
  } else if (word == "eol") {
    o.kind = TcpOptionKind::end;
  } else if (word == "mss") {
    o.kind = TcpOptionKind::mss;
    in.skip_blank();
    o.number = static_cast<u32>(parse_integer(in, "mss", 0, 0xffff));
  } else if (word == "wscale") {
    o.kind = TcpOptionKind::wscale;
    in.skip_blank();
    o.number = static_cast<u32>(parse_integer(in, "wscale", 0, 255));
  } else if (word == "sackOK") {
    o.kind = TcpOptionKind::sack_permitted;
  } else if (word == "sack") {
    o.kind = TcpOptionKind::sack;
    sack_blocks(in, o);
  } else if (word == "TS") {
    o.kind = TcpOptionKind::timestamps;
    named(in, "val");
    o.ts_val = parse_u32(in, "TS val");
    named(in, "ecr");
    o.ts_ecr = parse_u32(in, "TS ecr");
  } else if (word == "FO" || word == "FOEXP") {
    o.kind = word == "FO" ? TcpOptionKind::fast_open : TcpOptionKind::fast_open_exp;
    contents(in, o, "a cookie");
  } else if (word == "md5") {
    o.kind = TcpOptionKind::md5;
    contents(in, o, "a digest");
  } else if (word == "uto") {
    user_timeout(in, o);
  } else if (word == "AccECN" || word == "ECN") {
    accecn(in, o);
  } else if (word == "exp" || word == "kind") {
    by_number(in, o, word == "exp");
  } else {
    throw ScriptError(o.place,
                      fmt::format("\"{}\" is no TCP option that weir drill knows; nop eol mss wscale sackOK sack TS FO FOEXP md5 uto "
                                  "AccECN exp and kind are",
                                  word));
  }
  return o;
}

}  // namespace

std::vector<TcpOptionSpec> parse_tcp_options(Cursor& in, bool& any) {
  std::vector<TcpOptionSpec> options;
  in.take();
  in.skip_blank();
  if (in.try_take("...")) {
    any = true;
  } else {
    options.push_back(parse_option(in));
    for (in.skip_blank(); in.try_take(","); in.skip_blank()) {
      if (options.size() == 40) in.fail("more options than 40 bytes can hold");
      options.push_back(parse_option(in));
    }
  }
  in.expect(">", "or , behind a TCP option");
  return options;
}

}  // namespace weir::drill
