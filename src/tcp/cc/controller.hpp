// The algorithms there are: a closed set, held in place, and one alternative for a program's own (cc/external.hpp).
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "tcp/cc/bbr1.hpp"
#include "tcp/cc/bbr3.hpp"
#include "tcp/cc/cubic.hpp"
#include "tcp/cc/dctcp.hpp"
#include "tcp/cc/external.hpp"
#include "tcp/cc/reno.hpp"

namespace weir::tcp::cc {

// The large ones are elsewhere, so that the others do not pay for them.
using Any = std::variant<Cubic, Reno, Dctcp, std::unique_ptr<Bbr1>, std::unique_ptr<Bbr3>, External>;
static_assert(sizeof(Any) <= 128);

// Alternatives of Any, in its order; what Sysctl::tcp_congestion_control holds.
enum class Kind : u8 { cubic, reno, dctcp, bbr1, bbr3, external };

// By the names that tcp_congestion_control and TCP_CONGESTION take. Not "external": that is set by its table.
[[nodiscard]] std::optional<Kind> find(std::string_view name) noexcept;
[[nodiscard]] std::string_view name(Kind kind) noexcept;
// All that find() knows, with commas between.
[[nodiscard]] std::string_view names() noexcept;
[[nodiscard]] Any make(Kind kind) noexcept;

// Nearly all connections: no pace, nothing to be told of what is sent, growth only where the window is the limit.
[[nodiscard]] inline bool is_plain(const Any& any) noexcept { return any.index() <= static_cast<usize>(Kind::reno); }

namespace detail {

template <class C>
C& plain(C& c) noexcept {
  return c;
}
template <class C>
C& plain(std::unique_ptr<C>& c) noexcept {
  return *c;
}
template <class C>
const C& plain(const std::unique_ptr<C>& c) noexcept {
  return *c;
}

}  // namespace detail

// f is given the algorithm, wherever it is.
template <class A, class F>
  requires std::same_as<std::remove_const_t<A>, Any>
decltype(auto) visit(A& any, F&& f) noexcept {
  return std::visit([&](auto& c) -> decltype(auto) { return f(detail::plain(c)); }, any);
}

}  // namespace weir::tcp::cc
