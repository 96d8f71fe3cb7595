// The figures of docs/decisions/002-way-in.md: a call under the combining lock, under a mutex, under nothing.
// usage: way_in_bench [RUNS]      CPU ns per call (all threads together) and wall ns per call: median, min, max
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "rt/combining_lock.hpp"

namespace {

using namespace weir;
using namespace weir::rt;

// What a short socket call does to memory: a few lines, some of them written.
struct alignas(cache_line) Guarded {
  u64 words[8 * 8]{};
  u64 touch(u64 n) noexcept {
    u64 sum = n;
    for (u32 i = 0; i < 8; ++i) sum += words[i * 8] += sum;
    return sum;
  }
};

struct Figure {
  double cpu_ns, wall_ns;
};

double cpu_now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <class Call>
Figure measure(int threads_n, u64 calls, Call&& call) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_n; ++t)
    threads.emplace_back([&, t] {
      ++ready;
      while (!go) std::this_thread::yield();
      u64 sum = 0;
      for (u64 i = 0; i < calls; ++i) sum += call(i + static_cast<u64>(t));
      if (sum == 42) std::puts("");
    });
  while (ready != threads_n) std::this_thread::yield();
  const double cpu = cpu_now_ns();
  const Instant wall = Clock::now();
  go = true;
  for (auto& t : threads) t.join();
  const double n = static_cast<double>(calls) * threads_n;
  return {(cpu_now_ns() - cpu) / n, static_cast<double>((Clock::now() - wall).ns) / n};
}

void report(const char* name, int threads, int runs, const std::function<Figure()>& once) {
  once();
  std::vector<double> cpu, wall;
  for (int i = 0; i < runs; ++i) {
    const Figure f = once();
    cpu.push_back(f.cpu_ns);
    wall.push_back(f.wall_ns);
  }
  std::sort(cpu.begin(), cpu.end());
  std::sort(wall.begin(), wall.end());
  const usize m = cpu.size() / 2;
  std::printf("%-28s threads=%d  cpu %7.1f ns (%.1f..%.1f)  wall %7.1f ns (%.1f..%.1f)\n", name, threads, cpu[m], cpu.front(), cpu.back(),
              wall[m], wall.front(), wall.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::atoi(argv[1]) : 5;
  for (int threads : {1, 2, 4, 16}) {
    const u64 calls = 20'000'000 / static_cast<u64>(threads);
    Guarded data;
    std::mutex mutex;
    CombiningLock combining;
    if (threads == 1) report("nothing", threads, runs, [&] { return measure(threads, calls, [&](u64 n) { return data.touch(n); }); });
    report("mutex", threads, runs, [&] {
      return measure(threads, calls, [&](u64 n) {
        const std::lock_guard hold(mutex);
        return data.touch(n);
      });
    });
    report("combining", threads, runs,
           [&] { return measure(threads, calls, [&](u64 n) { return combining.call([&] { return data.touch(n); }); }); });
  }
  // A poll thread that holds the lock for a batch at a time, as it does with a busy device, and one caller.
  for (const bool combine : {false, true}) {
    Guarded data;
    std::mutex mutex;
    CombiningLock combining;
    report(combine ? "combining, busy poll thread" : "mutex, busy poll thread", 1, runs, [&] {
      std::atomic<bool> stop{false};
      std::thread poll([&] {
        const auto batch = [&] {
          for (u64 i = 0; i < 64; ++i) data.touch(i);
        };
        while (!stop.load(std::memory_order_relaxed)) {
          if (combine) {
            combining.lock();
            for (int i = 0; i < 4; ++i) {
              batch();
              combining.drain();
            }
            combining.unlock();
          } else {
            const std::lock_guard hold(mutex);
            for (int i = 0; i < 4; ++i) batch();
          }
        }
      });
      const Figure f = measure(1, 1'000'000, [&](u64 n) {
        if (combine) return combining.call([&] { return data.touch(n); });
        const std::lock_guard hold(mutex);
        return data.touch(n);
      });
      stop = true;
      poll.join();
      return f;
    });
  }
}
