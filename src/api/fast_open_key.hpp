// The text of tcp_fastopen_key, as Linux writes it: four groups of eight hexadecimal digits, and after a comma the key before, whose
// cookies are good too. All zeros: none, the shard makes its own.
#pragma once

#include <string>
#include <string_view>

#include "ip/sysctl.hpp"

namespace weir {

inline constexpr std::string_view fast_open_key_name = "tcp_fastopen_key";

// False: it is no such text, and nothing was set.
[[nodiscard]] bool set_fast_open_key(Sysctl& sysctl, std::string_view text);
[[nodiscard]] std::string fast_open_key_text(const Sysctl& sysctl);

}  // namespace weir
