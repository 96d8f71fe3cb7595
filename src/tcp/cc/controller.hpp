// The algorithms there are: a closed set, held in place.
#pragma once

#include <optional>
#include <variant>

#include "tcp/cc/reno.hpp"

namespace weir::tcp::cc {

using Any = std::variant<Reno>;

enum class Kind : u8 { reno };

// By the names that tcp_congestion_control and TCP_CONGESTION take.
[[nodiscard]] std::optional<Kind> find(std::string_view name) noexcept;
[[nodiscard]] std::string_view name(Kind kind) noexcept;
[[nodiscard]] Any make(Kind kind) noexcept;

template <class F>
decltype(auto) visit(Any& any, F&& f) noexcept {
  return std::visit(std::forward<F>(f), any);
}

}  // namespace weir::tcp::cc
