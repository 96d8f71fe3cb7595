// Runs a script against the real core, in virtual time.
#pragma once

#include <functional>
#include <set>

#include "drill/settings.hpp"

namespace weir::drill {

struct RunResult {
  enum class Kind : u8 { passed, failed, not_understood };
  Kind kind = Kind::passed;
  std::string path;
  Place place{};
  std::string message{};            // of a failure; several lines where packets differ
  std::set<std::string> missing{};  // settings that weir does not have, passed over with ignore_missing
  u32 events = 0;                   // that went as the script says
  Duration time{};                  // virtual
};

using Log = std::function<void(const std::string& line)>;  // what happens, for --verbose

// Never throws for what is in the script.
[[nodiscard]] RunResult run_script(std::string_view text, const std::string& path, const Settings& settings, const Log& log = {});
// Reads the file first.
[[nodiscard]] RunResult run_file(const std::string& path, const Settings& settings, const Log& log = {});
// "path:line:column: message"
[[nodiscard]] std::string to_text(const RunResult& result);

}  // namespace weir::drill
