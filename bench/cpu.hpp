// What a run costs: CPU time of this process and of the kernel's work for it, memory, and where threads run.
#pragma once

#include <string>
#include <vector>

#include "base/types.hpp"

namespace weir::bench {

// CPU time of all threads of this process. Work that the kernel does in softirqs while they run counts as theirs.
[[nodiscard]] double process_cpu_s() noexcept;
// Resident memory.
[[nodiscard]] u64 rss_bytes() noexcept;

// Seconds of CPU since it was made.
class CpuMeter {
 public:
  CpuMeter() noexcept : start_(process_cpu_s()) {}
  [[nodiscard]] double seconds() const noexcept { return process_cpu_s() - start_; }

 private:
  double start_;
};

// Pins the calling thread to the core, or to the last one that this process may use.
[[nodiscard]] int last_core() noexcept;
void pin_to(int core) noexcept;

// For flows with the kernel at an end: everything that concerns the flow runs on one core, and what is counted is the time
// of this process's threads, in which most softirq work is done, and of that core's ksoftirqd, which does the rest. On a
// core that does nothing else that is wall time minus idle time; other programs on the core do not count.
class CoreMeter {
 public:
  explicit CoreMeter(int core);
  [[nodiscard]] double seconds() const noexcept { return total() - start_; }

 private:
  [[nodiscard]] double total() const noexcept;
  std::vector<std::string> kernel_threads_;  // paths of their schedstat
  double start_;
};

}  // namespace weir::bench
