// The command line of weir bench.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "bench/case.hpp"

namespace weir::bench {

struct Options {
  std::vector<const Case*> cases;
  std::vector<std::string> variants;  // empty: all
  std::vector<std::string> peers;     // as named in --vs
  Env env;
  u32 runs = 5;
  bool json = false, list = false, help = false;

  [[nodiscard]] bool wants(const Variant& v) const;
  [[nodiscard]] bool has_peer(std::string_view name) const;
};

// The error is for the user: wrong usage.
[[nodiscard]] Result<Options, std::string> parse_options(std::span<const std::string> arguments);

}  // namespace weir::bench
