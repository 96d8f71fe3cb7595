// Where something stands in a script, and the error that names it.
#pragma once

#include <stdexcept>
#include <string>

#include "base/types.hpp"

namespace weir::drill {

struct Place {
  u32 line = 1, column = 1;  // from 1; columns count bytes
  friend constexpr bool operator==(const Place&, const Place&) noexcept = default;
};

// The script cannot be read, or asks for what weir does not know: what is wrong there, and what would be right.
struct ScriptError : std::runtime_error {
  ScriptError(Place at, const std::string& what) : std::runtime_error(what), place(at) {}
  Place place;
};

// The script was read and did not go as it says.
struct RunFailure : std::runtime_error {
  RunFailure(Place at, const std::string& what) : std::runtime_error(what), place(at) {}
  Place place;
};

}  // namespace weir::drill
