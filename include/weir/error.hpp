// Errors. Operations return Result<T>: a value, or an Errc with its errno (to_errno), name and text. What a user has
// configured wrongly is told with words, in an Error.
#pragma once

#include <string>

#include "base/error.hpp"

namespace weir {

// Why a stack could not be set up, for a person to read.
//   auto stack = weir::Stack::open(config);
//   if (!stack) { std::cerr << stack.error().what << '\n'; return stack.error().is_usage() ? 2 : 1; }
struct Error {
  Errc code = Errc::io_error;  // invalid: the configuration is wrong; else: it could not be done
  std::string what;            // what was wrong, where, and what would be right

  [[nodiscard]] bool is_usage() const noexcept { return code == Errc::invalid; }
};

}  // namespace weir
