// Options whose value is a time.
#pragma once

#include "api/units.hpp"
#include "cli/verb.hpp"

namespace weir::cli {

// Throws UsageError. `name`: of the option, with its dashes.
inline Duration time_option(const std::string& name, const std::string& text) {
  const auto time = parse_duration(text);
  if (!time || time->ns <= 0) throw UsageError(name + " " + text + ": not a time above 0; write 10s, 250ms, 2min");
  return *time;
}

}  // namespace weir::cli
