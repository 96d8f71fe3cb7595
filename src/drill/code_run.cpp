// Computes %{ ... }%.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "drill/code.hpp"

namespace weir::drill {
namespace {

[[noreturn]] void fail(Place at, const std::string& what) { throw ScriptError(at, what); }

bool truth(const CodeValue& value) {
  return std::visit(
      [](const auto& v) {
        if constexpr (requires { v.empty(); }) return !v.empty();
        else return v != 0;
      },
      value.v);
}

bool is_number(const CodeValue& v) { return v.v.index() < 2; }
double as_double(const CodeValue& v) {
  return std::holds_alternative<i64>(v.v) ? static_cast<double>(std::get<i64>(v.v)) : std::get<double>(v.v);
}

// Python divides towards minus infinity.
i64 floor_divide(i64 a, i64 b) { return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0); }

i64 raise(i64 base, i64 exponent, Place at) {
  i64 out = 1;
  if (exponent < 0) fail(at, "a negative power of a whole number");
  for (i64 i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(out, base, &out)) fail(at, "the power is too large");
    if (out == 0 || (out == 1 && base == 1)) break;
    if (i > 63 && base == -1) return exponent % 2 == 0 ? 1 : -1;
  }
  return out;
}

i64 whole(const std::string& op, i64 a, i64 b, Place at) {
  i64 out = 0;
  bool over = false;
  if ((op == "//" || op == "%") && b == 0) fail(at, "a division by zero");
  if ((op == "//" || op == "%") && b == -1 && a == std::numeric_limits<i64>::min()) fail(at, "the result is too large");
  if ((op == "<<" || op == ">>") && (b < 0 || b > 62)) fail(at, "a shift by less than 0 or more than 62");
  if (op == "+") over = __builtin_add_overflow(a, b, &out);
  else if (op == "-") over = __builtin_sub_overflow(a, b, &out);
  else if (op == "*") over = __builtin_mul_overflow(a, b, &out);
  else if (op == "<<") over = __builtin_mul_overflow(a, i64{1} << b, &out);
  else if (op == ">>") out = a >> b;
  else if (op == "//") out = floor_divide(a, b);
  else if (op == "%") out = a - floor_divide(a, b) * b;
  else if (op == "|") out = a | b;
  else if (op == "&") out = a & b;
  else if (op == "^") out = a ^ b;
  else if (op == "**") out = raise(a, b, at);
  else fail(at, fmt::format("the operator {} is not known", op));
  if (over) fail(at, "the result is too large");
  return out;
}

CodeValue decimal(const std::string& op, double a, double b, Place at) {
  if (op == "+") return {a + b};
  if (op == "-") return {a - b};
  if (op == "*") return {a * b};
  if (op == "**") return {std::pow(a, b)};
  if (op == "/" || op == "//" || op == "%") {
    if (b == 0) fail(at, "a division by zero");
    if (op == "/") return {a / b};
    if (op == "//") return {std::floor(a / b)};
    return {a - std::floor(a / b) * b};
  }
  fail(at, fmt::format("the operator {} does not work on decimals", op));
}

// '...%d...' % value
std::string format(const std::string& pattern, const CodeValue& value, Place at) {
  const CodeTuple one{value};
  const CodeTuple& values = std::holds_alternative<CodeTuple>(value.v) ? std::get<CodeTuple>(value.v) : one;
  std::string out;
  usize next = 0;
  for (usize i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      out += pattern[i];
      continue;
    }
    usize k = i + 1;
    while (k < pattern.size() && (pattern[k] == '.' || (pattern[k] >= '0' && pattern[k] <= '9'))) ++k;
    const char c = k < pattern.size() ? pattern[k] : '\0';
    i = k;
    if (c == '%') {
      out += '%';
      continue;
    }
    if (next >= values.size()) fail(at, "there are more % in the text than values behind it");
    const CodeValue& v = values[next++];
    if (c == 'x' && std::holds_alternative<i64>(v.v)) out += fmt::format("{:x}", std::get<i64>(v.v));
    else if (c == 'd' || c == 'u' || c == 'i' || c == 's' || c == 'r' || c == 'f' || c == 'g') out += to_text(v);
    else fail(at, fmt::format("%{} is a format that weir drill does not know", c));
  }
  if (next != values.size()) fail(at, "there are fewer % in the text than values behind it");
  return out;
}

int order(const CodeValue& a, const CodeValue& b, Place at) {
  if (std::holds_alternative<i64>(a.v) && std::holds_alternative<i64>(b.v)) {
    const i64 x = std::get<i64>(a.v), y = std::get<i64>(b.v);
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (is_number(a) && is_number(b)) {
    const double x = as_double(a), y = as_double(b);
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (std::holds_alternative<std::string>(a.v) && std::holds_alternative<std::string>(b.v))
    return std::get<std::string>(a.v).compare(std::get<std::string>(b.v));
  fail(at, fmt::format("{} and {} cannot be compared", to_text(a), to_text(b)));
}

bool holds(const std::string& op, int order) {
  if (op == "==") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

class Machine {
 public:
  explicit Machine(CodeScope& scope) : scope_(scope) {}

  CodeValue value(const CodeExpr& e) {
    switch (e.kind) {
      case CodeExpr::Kind::constant: return e.constant;
      case CodeExpr::Kind::name: return name(e);
      case CodeExpr::Kind::unary: return unary(e);
      case CodeExpr::Kind::binary: return binary(e.text, value(e.items[0]), value(e.items[1]), e.place);
      case CodeExpr::Kind::compare: return compare(e);
      case CodeExpr::Kind::logical_not: return {i64{!truth(value(e.items[0]))}};
      case CodeExpr::Kind::logical_and: {
        CodeValue left = value(e.items[0]);
        return truth(left) ? value(e.items[1]) : left;
      }
      case CodeExpr::Kind::logical_or: {
        CodeValue left = value(e.items[0]);
        return truth(left) ? left : value(e.items[1]);
      }
      case CodeExpr::Kind::either: return value(truth(value(e.items[1])) ? e.items[0] : e.items[2]);
      case CodeExpr::Kind::tuple: {
        CodeTuple all;
        for (const CodeExpr& i : e.items) all.push_back(value(i));
        return {std::move(all)};
      }
      case CodeExpr::Kind::call: return call(e);
    }
    return {};
  }

  CodeValue binary(const std::string& op, const CodeValue& a, const CodeValue& b, Place at) {
    if (op == "%" && std::holds_alternative<std::string>(a.v)) return {format(std::get<std::string>(a.v), b, at)};
    if (op == "+" && std::holds_alternative<std::string>(a.v) && std::holds_alternative<std::string>(b.v))
      return {std::get<std::string>(a.v) + std::get<std::string>(b.v)};
    if (!is_number(a) || !is_number(b)) fail(at, fmt::format("{} does not work on {} and {}", op, to_text(a), to_text(b)));
    if (op != "/" && std::holds_alternative<i64>(a.v) && std::holds_alternative<i64>(b.v))
      return {whole(op, std::get<i64>(a.v), std::get<i64>(b.v), at)};
    return decimal(op, as_double(a), as_double(b), at);
  }

 private:
  CodeValue name(const CodeExpr& e) {
    const auto found = scope_.variables.find(e.text);
    return found != scope_.variables.end() ? found->second : scope_.outside(e.text, e.place);
  }
  CodeValue unary(const CodeExpr& e) {
    const CodeValue v = value(e.items[0]);
    if (!is_number(v)) fail(e.place, fmt::format("{} does not work on {}", e.text, to_text(v)));
    if (e.text == "+") return v;
    if (e.text == "~") {
      if (!std::holds_alternative<i64>(v.v)) fail(e.place, "~ does not work on decimals");
      return {~std::get<i64>(v.v)};
    }
    return binary("-", {i64{0}}, v, e.place);
  }
  CodeValue compare(const CodeExpr& e) {
    CodeValue left = value(e.items[0]);
    for (usize i = 0; i < e.operators.size(); ++i) {
      CodeValue right = value(e.items[i + 1]);
      if (!holds(e.operators[i], order(left, right, e.place))) return {i64{0}};
      left = std::move(right);
    }
    return {i64{1}};
  }
  CodeValue call(const CodeExpr& e) {
    CodeTuple arguments;
    for (const CodeExpr& i : e.items) arguments.push_back(value(i));
    if ((e.text == "min" || e.text == "max") && !arguments.empty()) {
      CodeValue best = arguments[0];
      for (const CodeValue& v : arguments)
        if (const int o = order(v, best, e.place); e.text == "min" ? o < 0 : o > 0) best = v;
      return best;
    }
    const bool one_number = arguments.size() == 1 && is_number(arguments[0]);
    if (e.text == "abs" && one_number)
      return order(arguments[0], {i64{0}}, e.place) < 0 ? binary("-", {i64{0}}, arguments[0], e.place) : arguments[0];
    if (e.text == "int" && one_number) {
      const double d = as_double(arguments[0]);
      if (std::holds_alternative<i64>(arguments[0].v)) return arguments[0];
      if (!(std::fabs(d) < 9.2e18)) fail(e.place, "int() of what is no whole number below 2^63");
      return {static_cast<i64>(d)};
    }
    if (e.text == "str" && arguments.size() == 1) return {to_text(arguments[0])};
    fail(e.place, fmt::format("{}() is a function that weir drill does not know; it knows min, max, abs, int, str", e.text));
  }

  CodeScope& scope_;
};

void check(const CodeStatement& s, Machine& machine) {
  if (truth(machine.value(s.items[0]))) return;
  std::string what = fmt::format("assert {} does not hold", s.text);
  if (s.items.size() > 1) what += ": " + to_text(machine.value(s.items[1]));
  throw RunFailure(s.place, what);
}

}  // namespace

std::string to_text(const CodeValue& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return v;
        } else if constexpr (std::is_same_v<T, CodeTuple>) {
          std::string out;
          for (const CodeValue& i : v) out += (out.empty() ? "" : ", ") + to_text(i);
          return fmt::format("({})", out);
        } else {
          return fmt::format("{}", v);
        }
      },
      value.v);
}

void run_code(const CodeBlock& block, CodeScope& scope) {
  Machine machine(scope);
  for (const CodeStatement& s : block.statements) {
    switch (s.kind) {
      case CodeStatement::Kind::pass: break;
      case CodeStatement::Kind::assertion: check(s, machine); break;
      case CodeStatement::Kind::evaluate: (void)machine.value(s.items[0]); break;
      case CodeStatement::Kind::print: {
        const std::string line = s.items.empty() ? "" : to_text(machine.value(s.items[0]));
        if (scope.print) scope.print(line);
        break;
      }
      case CodeStatement::Kind::assign: {
        CodeValue v = machine.value(s.items[0]);
        if (!s.op.empty()) {
          const auto old = scope.variables.find(s.name);
          if (old == scope.variables.end()) fail(s.place, fmt::format("{} has no value yet", s.name));
          v = machine.binary(s.op, old->second, v, s.place);
        }
        scope.variables[s.name] = std::move(v);
        break;
      }
    }
  }
}

}  // namespace weir::drill
