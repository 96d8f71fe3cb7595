// The little of a shell that scripts use between back-quotes: words with quotes, $((1024*4)), ; and newlines between commands,
// redirections, pipes, comments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drill/place.hpp"

namespace weir::drill {

struct ShellCommand {
  std::vector<std::string> words;
  Place place;         // of the first word
  bool piped = false;  // its output goes into the next one
};

// Redirections are left out: nothing that is run here prints. Throws ScriptError.
[[nodiscard]] std::vector<ShellCommand> parse_shell(std::string_view text, Place start);

}  // namespace weir::drill
