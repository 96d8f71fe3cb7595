// Names of system constants as scripts use them, and names of errnos.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/types.hpp"

namespace weir::drill {

[[nodiscard]] std::optional<i64> find_constant(std::string_view name);
[[nodiscard]] std::vector<std::string_view> constant_names();
[[nodiscard]] std::optional<int> find_errno(std::string_view name);
[[nodiscard]] std::string_view errno_name(int error);  // empty: none that is known

}  // namespace weir::drill
