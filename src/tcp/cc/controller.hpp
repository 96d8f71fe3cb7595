// The algorithms there are: a closed set, held in place, and one alternative for a program's own (cc/external.hpp).
#pragma once

#include <optional>
#include <variant>

#include "tcp/cc/bbr1.hpp"
#include "tcp/cc/cubic.hpp"
#include "tcp/cc/dctcp.hpp"
#include "tcp/cc/external.hpp"
#include "tcp/cc/reno.hpp"

namespace weir::tcp::cc {

using Any = std::variant<Cubic, Reno, Dctcp, Bbr1, External>;

// Alternatives of Any, in its order; what Sysctl::tcp_congestion_control holds.
enum class Kind : u8 { cubic, reno, dctcp, bbr1, external };

// By the names that tcp_congestion_control and TCP_CONGESTION take. Not "external": that is set by its table.
[[nodiscard]] std::optional<Kind> find(std::string_view name) noexcept;
[[nodiscard]] std::string_view name(Kind kind) noexcept;
// All that find() knows, with commas between.
[[nodiscard]] std::string_view names() noexcept;
[[nodiscard]] Any make(Kind kind) noexcept;

template <class F>
decltype(auto) visit(Any& any, F&& f) noexcept {
  return std::visit(std::forward<F>(f), any);
}
template <class F>
decltype(auto) visit(const Any& any, F&& f) noexcept {
  return std::visit(std::forward<F>(f), any);
}

}  // namespace weir::tcp::cc
