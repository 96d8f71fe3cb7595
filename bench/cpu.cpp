// bench/cpu.hpp
#include "bench/cpu.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace weir::bench {

double process_cpu_s() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

u64 rss_bytes() noexcept {
  std::FILE* f = std::fopen("/proc/self/statm", "re");
  if (f == nullptr) return 0;
  unsigned long size = 0, resident = 0;
  const int n = std::fscanf(f, "%lu %lu", &size, &resident);  // NOLINT(cert-err34-c): the kernel's own numbers
  std::fclose(f);
  return n == 2 ? u64{resident} * static_cast<u64>(::sysconf(_SC_PAGESIZE)) : 0;
}

int last_core() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  int last = 0;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(static_cast<unsigned>(i), &set)) last = i;
  return last;
}

void pin_to(int core) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  (void)::sched_setaffinity(0, sizeof set, &set);
}

CoreMeter::CoreMeter(int core) : start_(0) {
  const std::string name = "ksoftirqd/" + std::to_string(core);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    std::string comm;
    std::ifstream(entry.path() / "comm") >> comm;
    if (comm == name) kernel_threads_.push_back(entry.path() / "schedstat");
  }
  start_ = total();
}

double CoreMeter::total() const noexcept {
  double s = process_cpu_s();
  for (const std::string& path : kernel_threads_) {
    std::FILE* f = std::fopen(path.c_str(), "re");
    if (f == nullptr) continue;
    unsigned long long ns = 0;
    if (std::fscanf(f, "%llu", &ns) == 1) s += static_cast<double>(ns) * 1e-9;  // NOLINT(cert-err34-c)
    std::fclose(f);
  }
  return s;
}

}  // namespace weir::bench
