// Commands between back-quotes, as far as they say something about the machine under test: settings, its queue, files to send.
#pragma once

#include <filesystem>
#include <set>

#include "drill/calls.hpp"
#include "drill/shell.hpp"

namespace weir::drill {

class Commands {
 public:
  Commands(const Settings& settings, Machine& machine, Calls& calls, std::filesystem::path script)
      : settings_(settings), machine_(machine), calls_(calls), script_(std::move(script)) {}

  // Throws ScriptError for what is not understood.
  void run(const Command& command);
  // Settings that weir does not have, and that were passed over (--ignore-missing).
  [[nodiscard]] const std::set<std::string>& missing() const noexcept { return missing_; }

 private:
  friend struct CommandTable;
  using Words = const std::vector<std::string>&;
  void run_all(std::string_view text, Place place, int depth);
  void run_one(const ShellCommand& command, int depth);
  void source(Words words, Place place, int depth);
  void sysctl(Words words, Place place);
  void set_sysctls(Words words, Place place);
  void set(std::string_view name, std::string value, Place place);
  void tc(Words words, Place place);
  void ip(Words words, Place place);
  void ethtool(Words words, Place place);
  void dd(Words words, Place place);

  const Settings& settings_;
  Machine& machine_;
  Calls& calls_;
  std::filesystem::path script_;
  std::optional<Sysctl> saved_;  // by set_sysctls.py, for its restoring script
  std::set<std::string> missing_;
};

}  // namespace weir::drill
