// tcp/cc/controller.hpp
#include "tcp/cc/controller.hpp"

#include <array>

namespace weir::tcp::cc {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Any>> all{Cubic::name, Reno::name, Dctcp::name,
                                                                     Bbr1::name,  Bbr3::name, External::name};

}  // namespace

std::optional<Kind> find(std::string_view name) noexcept {
  if (name == "bbr") return Kind::bbr1;  // as it is called elsewhere
  for (usize i = 0; i + 1 < all.size(); ++i)
    if (all[i] == name) return static_cast<Kind>(i);
  return {};
}

std::string_view name(Kind kind) noexcept { return all[static_cast<usize>(kind)]; }

std::string_view names() noexcept { return "cubic, reno, dctcp, bbr1, bbr3"; }

Any make(Kind kind) noexcept {
  switch (kind) {
    case Kind::cubic: break;
    case Kind::reno: return Reno{};
    case Kind::dctcp: return Dctcp{};
    case Kind::bbr1: return std::make_unique<Bbr1>();
    case Kind::bbr3: return std::make_unique<Bbr3>();
    case Kind::external: break;  // without its table it is nothing
  }
  return Cubic{};
}

}  // namespace weir::tcp::cc
