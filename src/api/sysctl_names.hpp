// The settings of a network namespace by name, as network files and the command line give them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ip/sysctl.hpp"

namespace weir {

// Sets one of them from text: whole numbers, "true" and "false" or 1 and 0 for switches, "10min" or seconds for times,
// "1MiB" or bytes for sizes. The error is for the user: what was expected.
[[nodiscard]] Result<void, std::string> set_sysctl(Sysctl& sysctl, std::string_view name, std::string_view value);
// As it would be set.
[[nodiscard]] std::string sysctl_text(const Sysctl& sysctl, std::string_view name);
[[nodiscard]] std::vector<std::string_view> sysctl_names();

// The name of `known` that is nearest to `word`, if it is near enough to be what was meant; empty otherwise.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace weir
