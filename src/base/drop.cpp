#include "base/drop.hpp"

#include <array>

namespace weir {
namespace {

struct Entry {
  std::string_view name, text;
};

constexpr std::array entries{
#define X(name, text) Entry{#name, text},
    WEIR_DROPS(X)
#undef X
};

}  // namespace

std::string_view name(Drop d) noexcept { return entries[static_cast<usize>(d)].name; }
std::string_view text(Drop d) noexcept { return entries[static_cast<usize>(d)].text; }

}  // namespace weir
