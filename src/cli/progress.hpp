// A progress bar on a terminal; on anything else nothing.
#pragma once

#include <cstdio>
#include <optional>

#include "base/time.hpp"

namespace weir::cli {

class Progress {
 public:
  explicit Progress(std::FILE* out);
  // Draws it again at most ten times a second.
  void show(u64 bytes, std::optional<u64> total, Instant now);
  void finish();  // leaves what was drawn last, and begins a new line

 private:
  std::FILE* out_;
  bool terminal_;
  bool drawn_ = false;
  std::optional<Instant> start_;
  Instant next_{};
};

}  // namespace weir::cli
