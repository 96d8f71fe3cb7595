// cli/progress.hpp
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace weir::cli {

Progress::Progress(std::FILE* out) : out_(out), terminal_(::isatty(::fileno(out)) != 0) {}

void Progress::show(u64 bytes, std::optional<u64> total, Instant now) {
  constexpr Duration between = Duration::millis(100);
  constexpr double mebi = 1 << 20;
  if (!start_) start_ = now;
  const bool is_last = total && bytes >= *total;
  if (!terminal_ || (now < next_ && !is_last)) return;
  next_ = now + between;
  drawn_ = true;
  const double seconds = std::max((now - *start_).s(), 1e-3), done = static_cast<double>(bytes);
  const std::string rate = fmt::format("{:.1f} MiB  {:.1f} MiB/s", done / mebi, done / mebi / seconds);
  if (!total || *total == 0) {
    fmt::print(out_, "\r\x1b[K{}", rate);
  } else {
    constexpr double width = 30;
    const double part = done / static_cast<double>(*total);
    const auto filled = static_cast<int>(part * width);
    fmt::print(out_, "\r\x1b[K[{:<30}] {:3.0f} %  {}", std::string(static_cast<usize>(filled), '#'), part * 100, rate);
  }
  std::fflush(out_);
}

void Progress::finish() {
  if (drawn_) fmt::print(out_, "\n");
}

}  // namespace weir::cli
