// NET: the options that every verb with a network has.
#pragma once

#include <CLI/CLI.hpp>

#include "api/network_file.hpp"
#include "weir/config.hpp"

namespace weir::cli {

class NetOptions {
 public:
  void add_to(CLI::App& verb);
  // Throws UsageError if there is no network among them. The values were checked while they were read.
  void check() const;
  [[nodiscard]] StackConfig config() const;
  [[nodiscard]] const std::string& file() const noexcept { return file_; }  // --net, empty: none

 private:
  StackConfig config_{.device = ""};
  std::vector<std::string> dns_;
  std::string file_;
  u32 vlan_ = 0;
};

// A network file that is a network; else throws UsageError with what is wrong in it.
[[nodiscard]] NetworkFile load_network(const std::string& path);

}  // namespace weir::cli
