// What a long run is at, on one line of a terminal that is overwritten; nothing where it is no terminal.
#pragma once

#include <cstdio>
#include <string>

namespace weir::bench {

class Progress {
 public:
  explicit Progress(std::FILE* err);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(const std::string& text);
  void clear();

 private:
  std::FILE* err_;
  bool terminal_, shown_ = false;
};

}  // namespace weir::bench
