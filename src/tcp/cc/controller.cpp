// tcp/cc/controller.hpp
#include "tcp/cc/controller.hpp"

#include <array>

namespace weir::tcp::cc {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Any>> names{Reno::name};

}  // namespace

std::optional<Kind> find(std::string_view name) noexcept {
  for (usize i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<Kind>(i);
  return {};
}

std::string_view name(Kind kind) noexcept { return names[static_cast<usize>(kind)]; }

Any make(Kind kind) noexcept {
  switch (kind) {
    case Kind::reno: return Reno{};
  }
  return Reno{};
}

}  // namespace weir::tcp::cc
