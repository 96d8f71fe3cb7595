// %{ ... }%: the part of Python that scripts use to check what TCP says of itself. Integers, decimals, strings and tuples;
// arithmetic, comparisons (chained ones too), and, or, not; assignments; assert, print, pass. Anything else is an error.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/types.hpp"
#include "drill/place.hpp"

namespace weir::drill {

struct CodeValue;
using CodeTuple = std::vector<CodeValue>;
struct CodeValue {
  std::variant<i64, double, std::string, CodeTuple> v = i64{0};
};
[[nodiscard]] std::string to_text(const CodeValue& value);

// An expression: an operator and what it works on.
struct CodeExpr {
  enum class Kind : u8 { constant, name, unary, binary, compare, logical_and, logical_or, logical_not, call, tuple, either };
  Kind kind = Kind::constant;
  Place place{};
  CodeValue constant{};
  std::string text{};                    // a name, an operator, or what is called
  std::vector<std::string> operators{};  // of a chain of comparisons
  std::vector<CodeExpr> items{};
};

struct CodeStatement {
  enum class Kind : u8 { assertion, assign, evaluate, print, pass };
  Kind kind = Kind::pass;
  Place place{};
  std::string name{}, op{};     // assign: name op= value
  std::vector<CodeExpr> items{};  // assertion: condition and message
  std::string text{};           // the condition as it was written
};

struct CodeBlock {
  std::vector<CodeStatement> statements;
};

// Throws ScriptError.
[[nodiscard]] CodeBlock parse_code(std::string_view text, Place start);

// Names that the script has given values, and those that come from outside (tcpi_*): they are asked for when they are used.
struct CodeScope {
  std::map<std::string, CodeValue, std::less<>> variables;
  std::function<CodeValue(const std::string& name, Place)> outside;  // throws ScriptError for what it does not know
  std::function<void(const std::string& line)> print;
};
// Throws RunFailure for an assertion that does not hold, ScriptError for what cannot be computed.
void run_code(const CodeBlock& block, CodeScope& scope);

}  // namespace weir::drill
