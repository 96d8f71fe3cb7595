#include "base/error.hpp"

#include <array>

namespace weir {
namespace {

struct Entry {
  int posix;
  std::string_view name, text;
};

constexpr std::array entries{
#define X(name, posix, text) Entry{posix, #name, text},
    WEIR_ERRORS(X)
#undef X
};

const Entry& entry(Errc e) noexcept { return entries[static_cast<usize>(e)]; }

}  // namespace

int to_errno(Errc e) noexcept { return entry(e).posix; }
std::string_view name(Errc e) noexcept { return entry(e).name; }
std::string_view text(Errc e) noexcept { return entry(e).text; }

Errc from_errno(int posix) noexcept {
  for (usize i = 0; i < entries.size(); ++i)
    if (entries[i].posix == posix) return static_cast<Errc>(i);
  return Errc::io_error;
}

}  // namespace weir
