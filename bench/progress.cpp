// bench/progress.hpp
#include "bench/progress.hpp"

#include <unistd.h>

namespace weir::bench {

Progress::Progress(std::FILE* err) : err_(err), terminal_(::isatty(::fileno(err)) == 1) {}

void Progress::show(const std::string& text) {
  if (!terminal_) return;
  std::fprintf(err_, "\r\033[K%s", text.c_str());
  std::fflush(err_);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs("\r\033[K", err_);
  std::fflush(err_);
  shown_ = false;
}

}  // namespace weir::bench
