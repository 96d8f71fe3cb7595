// packetdrill/settings.hpp
#include "packetdrill/settings.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <optional>
#include <sstream>

#include "api/sysctl_names.hpp"

namespace weir::packetdrill {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path);
  std::string text;
  if (!in || !std::getline(in, text)) return {};
  return text;
}

std::string last_word(const std::string& text) {
  std::istringstream in(text);
  std::string word, last;
  while (in >> word) last = word;
  return last;
}

// Where Linux's name, or unit, is another than weir's.
struct Alias {
  const char* file;
  const char* name;
};
constexpr std::array aliases{Alias{"tcp_rto_max_ms", "tcp_rto_max"}};

}  // namespace

std::string read_settings(const std::string& directory, Sysctl& into) {
  std::string unknown;
  const auto take = [&](const std::string& file, std::string_view name) {
    const auto text = read_text(directory + "/" + file);
    if (!text || text->empty()) return;
    // Of "least default most" the last counts: it is what window scaling and autotuning go by.
    const auto done = set_sysctl(into, name, last_word(*text));
    if (!done) unknown += done.error() + "\n";
  };
  for (const std::string_view name : sysctl_names())
    if (name.starts_with("tcp_") || name.starts_with("ip_default")) take(std::string(name), name);
  for (const Alias& a : aliases) take(a.file, a.name);
  if (const auto range = read_text(directory + "/ip_local_port_range")) {
    unsigned first = 0, last = 0;
    if (std::istringstream(*range) >> first >> last && first > 0 && last < 65'536 && first <= last) {
      into.port_first = static_cast<u16>(first);
      into.port_last = static_cast<u16>(last);
    }
  }
  return unknown;
}

}  // namespace weir::packetdrill
