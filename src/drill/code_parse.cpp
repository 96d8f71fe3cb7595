// Reads %{ ... }%. Precedence as in Python: or, and, not, comparisons, |, ^, &, shifts, + and -, * / // %, unary, **.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "drill/code.hpp"
#include "drill/cursor.hpp"

namespace weir::drill {
namespace {

constexpr int deepest = 64;           // levels of parentheses: recursion is bounded
constexpr int most_operators = 1000;  // a + b + c ...: so is that of who walks the tree

class Parser {
 public:
  Parser(std::string_view text, Place start) : in_(text, start) {}

  CodeBlock block() {
    CodeBlock out;
    for (;;) {
      skip();
      if (in_.at_end()) return out;
      if (in_.peek() == '\n' || in_.peek() == ';') {
        in_.take();
        continue;
      }
      out.statements.push_back(statement());
      skip();
      if (!in_.at_end() && in_.peek() != '\n' && in_.peek() != ';')
        in_.fail(fmt::format("expected the end of the statement, not {}", in_.here()));
    }
  }

 private:
  struct Level {  // of nesting
    explicit Level(Parser& p) : parser(p) {
      if (++p.depth_ > deepest) p.in_.fail("too deeply nested");
    }
    ~Level() { --parser.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Parser& parser;
  };

  void skip() {
    for (;;) {
      const char c = in_.peek();
      if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && brackets_ > 0)) {
        in_.take();
      } else if (c == '#') {
        while (!in_.at_end() && in_.peek() != '\n') in_.take();
      } else if (c == '\\' && (in_.peek(1) == '\n' || (in_.peek(1) == '\r' && in_.peek(2) == '\n'))) {
        in_.take(in_.peek(1) == '\n' ? 2 : 3);
      } else {
        return;
      }
    }
  }
  bool try_symbol(std::string_view s) {
    skip();
    return in_.try_take(s);
  }
  bool try_keyword(std::string_view k) {
    skip();
    if (in_.word() != k) return false;
    in_.take(k.size());
    return true;
  }

  CodeStatement statement() {
    CodeStatement s{.place = in_.place()};
    const std::string_view word = in_.word();
    if (word == "assert") {
      in_.take_word();
      s.kind = CodeStatement::Kind::assertion;
      skip();
      const usize from = in_.position();
      s.items.push_back(expression());
      s.text = in_.between(from, in_.position());
      if (try_symbol(",")) s.items.push_back(expression());
    } else if (word == "pass") {
      in_.take_word();
    } else if (word == "print") {
      in_.take_word();
      s.kind = CodeStatement::Kind::print;
      if (skip(); !in_.at_end() && in_.peek() != '\n' && in_.peek() != ';') s.items.push_back(expression());
    } else if (is_reserved(word)) {
      in_.fail(fmt::format("\"{}\" is Python that weir drill does not know; it knows assert, print, pass and assignments", word));
    } else {
      return assignment(std::move(s));
    }
    return s;
  }

  static bool is_reserved(std::string_view w) {
    static constexpr std::array words{"if",  "for",   "while", "def",  "import", "from",   "return", "class", "with",     "try",
                                      "del", "raise", "else",  "elif", "global", "lambda", "yield",  "break", "continue", "exec"};
    for (const std::string_view r : words)
      if (w == r) return true;
    return false;
  }

  CodeStatement assignment(CodeStatement s) {
    CodeExpr left = expression();
    skip();
    static constexpr std::array ops{"+=", "-=", "*=", "//=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "="};
    for (const std::string_view op : ops) {
      if (!in_.try_take(op)) continue;
      if (left.kind != CodeExpr::Kind::name) throw ScriptError(left.place, "only a name can be given a value");
      s.kind = CodeStatement::Kind::assign;
      s.name = left.text;
      s.op = op.substr(0, op.size() - 1);
      s.items.push_back(expression());
      return s;
    }
    s.kind = CodeStatement::Kind::evaluate;
    s.items.push_back(std::move(left));
    return s;
  }

  CodeExpr expression() {  // with "a if c else b"
    const Level level(*this);
    CodeExpr value = disjunction();
    if (!try_keyword("if")) return value;
    CodeExpr choice{.kind = CodeExpr::Kind::either, .place = value.place};
    choice.items.push_back(std::move(value));
    choice.items.push_back(disjunction());
    if (!try_keyword("else")) in_.fail(fmt::format("expected else, not {}", in_.here()));
    choice.items.push_back(expression());
    return choice;
  }

  CodeExpr disjunction() {
    CodeExpr left = conjunction();
    while (try_keyword("or")) left = joined(CodeExpr::Kind::logical_or, "or", std::move(left), conjunction());
    return left;
  }
  CodeExpr conjunction() {
    CodeExpr left = negation();
    while (try_keyword("and")) left = joined(CodeExpr::Kind::logical_and, "and", std::move(left), negation());
    return left;
  }
  CodeExpr negation() {
    const Level level(*this);
    skip();
    const Place place = in_.place();
    if (!try_keyword("not")) return comparison();
    CodeExpr e{.kind = CodeExpr::Kind::logical_not, .place = place, .text = "not"};
    e.items.push_back(negation());
    return e;
  }
  CodeExpr joined(CodeExpr::Kind kind, std::string_view op, CodeExpr left, CodeExpr right) {
    if (++operators_ > most_operators) in_.fail("there are too many operators in one block");
    CodeExpr e{.kind = kind, .place = left.place, .text = std::string(op)};
    e.items.push_back(std::move(left));
    e.items.push_back(std::move(right));
    return e;
  }

  CodeExpr comparison() {
    CodeExpr left = binary(0);
    CodeExpr chain{.kind = CodeExpr::Kind::compare, .place = left.place};
    chain.items.push_back(std::move(left));
    for (;;) {
      skip();
      static constexpr std::array ops{"==", "!=", "<=", ">=", "<", ">"};
      std::string_view found;
      for (const std::string_view op : ops)
        if (in_.looking_at(op) && !in_.looking_at("<<") && !in_.looking_at(">>")) {
          found = op;
          break;
        }
      if (found.empty()) break;
      in_.take(found.size());
      chain.operators.emplace_back(found);
      chain.items.push_back(binary(0));
    }
    return chain.operators.empty() ? std::move(chain.items[0]) : chain;
  }

  // Operators of one precedence, the weakest first.
  CodeExpr binary(usize level) {
    static const std::array<std::vector<std::string_view>, 6> levels{
        {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"//", "*", "/", "%"}}};
    if (level == levels.size()) return unary();
    CodeExpr left = binary(level + 1);
    for (;;) {
      skip();
      std::string_view found;
      for (const std::string_view op : levels[level])
        if (in_.looking_at(op) && in_.peek(op.size()) != '=' && !(op == "*" && in_.peek(1) == '*')) {
          found = op;
          break;
        }
      if (found.empty()) return left;
      in_.take(found.size());
      left = joined(CodeExpr::Kind::binary, found, std::move(left), binary(level + 1));
    }
  }

  CodeExpr unary() {
    const Level level(*this);
    skip();
    const Place place = in_.place();
    for (const std::string_view op : {"-", "+", "~"})
      if (in_.try_take(op)) {
        CodeExpr e{.kind = CodeExpr::Kind::unary, .place = place, .text = std::string(op)};
        e.items.push_back(unary());
        return e;
      }
    CodeExpr base = atom();
    if (!try_symbol("**")) return base;
    return joined(CodeExpr::Kind::binary, "**", std::move(base), unary());
  }

  CodeExpr atom() {
    skip();
    const Place place = in_.place();
    const char c = in_.peek();
    if (c == '(') return parenthesised(place);
    if (c == '\'' || c == '"') return {.kind = CodeExpr::Kind::constant, .place = place, .constant = {string()}};
    if (is_digit(c) || (c == '.' && is_digit(in_.peek(1)))) return {.kind = CodeExpr::Kind::constant, .place = place, .constant = number()};
    const std::string_view name = in_.take_word();
    if (name.empty()) in_.fail(fmt::format("expected a value, not {}", in_.here()));
    if (name == "True" || name == "False") return {.place = place, .constant = {i64{name == "True"}}};
    if (is_reserved(name)) throw ScriptError(place, fmt::format("\"{}\" is Python that weir drill does not know", name));
    CodeExpr e{.kind = CodeExpr::Kind::name, .place = place, .text = std::string(name)};
    if (!try_symbol("(")) return e;
    e.kind = CodeExpr::Kind::call;
    e.items = list(")");
    return e;
  }

  CodeExpr parenthesised(Place place) {
    in_.take();
    std::vector<CodeExpr> items = list(")");
    if (items.size() == 1 && !trailing_comma_) return std::move(items[0]);
    return {.kind = CodeExpr::Kind::tuple, .place = place, .items = std::move(items)};
  }

  std::vector<CodeExpr> list(std::string_view end) {
    ++brackets_;
    std::vector<CodeExpr> items;
    bool comma = false;
    while (!try_symbol(end)) {
      if (in_.at_end()) in_.fail(fmt::format("{} is missing", end));
      if (!items.empty() && !comma) in_.fail(fmt::format("expected , or {}, not {}", end, in_.here()));
      items.push_back(expression());
      comma = try_symbol(",");
    }
    --brackets_;
    trailing_comma_ = comma;
    return items;
  }

  std::string string() {
    const char quote = in_.take();
    std::string out;
    while (in_.peek() != quote) {
      if (in_.at_end() || in_.peek() == '\n') in_.fail("this string has no end");
      char c = in_.take();
      if (c == '\\') {
        c = in_.take();
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      out += c;
    }
    in_.take();
    return out;
  }

  CodeValue number() {
    const Place place = in_.place();
    usize n = 0;
    bool decimal = false;
    const bool hex = in_.looking_at("0x") || in_.looking_at("0X");
    if (hex) n = 2;
    for (;; ++n) {
      const char c = in_.peek(n);
      if (!hex && c == '.' && !decimal) decimal = true;
      else if (!(hex ? is_hex(c) : is_digit(c))) break;
    }
    const std::string_view text = in_.between(in_.position(), in_.position() + n);
    in_.take(n);
    if (is_letter(in_.peek())) throw ScriptError(place, fmt::format("\"{}{}\" is not a number", text, in_.take_word()));
    if (decimal) {
      double v = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
      if (error != std::errc{} || end != text.data() + text.size()) throw ScriptError(place, fmt::format("\"{}\" is not a number", text));
      return {v};
    }
    i64 v = 0;
    const std::string_view digits = text.substr(hex ? 2 : 0);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v, hex ? 16 : 10);
    if (error != std::errc{} || end != digits.data() + digits.size())
      throw ScriptError(place, fmt::format("{} is not a whole number below 2^63", text));
    return {v};
  }

  Cursor in_;
  int depth_ = 0, brackets_ = 0, operators_ = 0;
  bool trailing_comma_ = false;
};

}  // namespace

CodeBlock parse_code(std::string_view text, Place start) { return Parser(text, start).block(); }

}  // namespace weir::drill
