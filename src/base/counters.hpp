// Counters: one writer (the shard), any number of readers, no lock prefix. Each protocol lists its counters once
// (name, MIB name, text); the CLI, Prometheus and the C API are generated from the list.
#pragma once

#include <array>
#include <atomic>
#include <string_view>

#include "base/types.hpp"

namespace weir {

struct CounterInfo {
  std::string_view name, mib, text;
};

template <class Id>
class alignas(cache_line) Counters {
 public:
  static constexpr usize size = static_cast<usize>(Id::count_);

  void add(Id id, u64 n = 1) noexcept {
    auto& c = v_[static_cast<usize>(id)];
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] u64 read(Id id) const noexcept { return v_[static_cast<usize>(id)].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<u64>, size> v_{};
};

}  // namespace weir

// Expands a list of X(name, mib, text) into `enum class Enum` and `Enum##_info`.
#define WEIR_COUNTER_NAME_(name, mib, text) name,
#define WEIR_COUNTER_INFO_(name, mib, text) ::weir::CounterInfo{#name, mib, text},
#define WEIR_DEFINE_COUNTERS(Enum, infos, LIST)                                                      \
  enum class Enum : ::weir::u16 { LIST(WEIR_COUNTER_NAME_) count_ };                                 \
  inline constexpr std::array<::weir::CounterInfo, static_cast<::weir::usize>(Enum::count_)> infos { \
    {                                                                                                \
      LIST(WEIR_COUNTER_INFO_)                                                                       \
    }                                                                                                \
  }
