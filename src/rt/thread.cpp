// rt/thread.hpp
#include "rt/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

namespace weir::rt {

std::vector<std::string> set_up_this_thread(const ThreadConfig& config) {
  std::vector<std::string> refused;
  constexpr usize longest_name = 15;
  ::pthread_setname_np(::pthread_self(), config.name.substr(0, longest_name).c_str());
  ::prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);  // deadlines to the nanosecond, not to 50 us
  if (config.cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<usize>(config.cpu), &set);
    if (const int e = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set); e != 0)
      refused.push_back(std::string("cannot pin to CPU ").append(std::to_string(config.cpu)).append(": ").append(std::strerror(e)));
  }
  return refused;
}

bool lock_memory() noexcept { return ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0; }

bool advise_huge_pages(void* p, usize bytes) noexcept { return ::madvise(p, bytes, MADV_HUGEPAGE) == 0; }

}  // namespace weir::rt
