// What a poll thread asks of the system. All of it is advice: what is refused is reported and lived without.
#pragma once

#include <string>
#include <vector>

#include "base/types.hpp"

namespace weir::rt {

struct ThreadConfig {
  std::string name = "weir";
  int cpu = -1;  // to be pinned to; -1: any
};

// For the calling thread. What could not be had, in words; empty: all was.
std::vector<std::string> set_up_this_thread(const ThreadConfig& config);

// Keeps all memory of the process, present and future, in RAM. Without the privilege (RLIMIT_MEMLOCK, CAP_IPC_LOCK)
// nothing happens; false then.
bool lock_memory() noexcept;
// Asks for huge pages behind the range.
bool advise_huge_pages(void* p, usize bytes) noexcept;

}  // namespace weir::rt
