#include "drill/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "api/sysctl_names.hpp"

namespace weir::drill {
namespace {

constexpr int deepest = 4;  // files that run files

// Linux has these; in weir there is nothing that they could change.
constexpr std::array without_effect{
    "tcp_fack",             // gone from Linux too (4.15)
    "tcp_tso_win_divisor",  // how large super-segments are: the packets on the wire are the same
    "tcp_min_tso_segs",
    "tcp_limit_output_bytes",
    "tcp_autocorking",      // waits for a device queue that is never full here
    "tcp_pacing_ss_ratio",  // of a pacer that no flow here has
    "tcp_pacing_ca_ratio",
};

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1));
}

// 0x403 becomes 1027.
std::string plain(std::string value) {
  if (!value.starts_with("0x")) return value;
  u64 v = 0;
  const auto [end, error] = std::from_chars(value.data() + 2, value.data() + value.size(), v, 16);
  return error == std::errc{} && end == value.data() + value.size() ? std::to_string(v) : value;
}

// tcp_rmem and tcp_wmem are three sizes in Linux: least, at the beginning, most. False: it is none of these.
bool set_sizes(Sysctl& sysctl, std::string_view name, const std::string& value) {
  std::istringstream words(value);
  u32 least = 0, usual = 0, most = 0;
  if ((name != "tcp_rmem" && name != "tcp_wmem") || !(words >> least >> usual >> most)) return false;
  (name == "tcp_rmem" ? sysctl.tcp_rmem : sysctl.tcp_wmem) = usual;
  (name == "tcp_rmem" ? sysctl.tcp_rmem_max : sysctl.tcp_wmem_max) = most;
  return true;
}

}  // namespace

struct CommandTable {
  // What runs and changes nothing here.
  static bool is_idle(const std::vector<std::string>& w) { return w[0] == "true" || w[0] == ":" || w[0] == "echo"; }
};

void Commands::run(const Command& command) { run_all(command.text, command.place, 0); }

void Commands::run_all(std::string_view text, Place place, int depth) {
  for (const ShellCommand& c : parse_shell(text, place)) {
    if (c.piped) throw ScriptError(c.place, fmt::format("{} | ...: pipes are not supported by weir drill", c.words[0]));
    run_one(c, depth);
  }
}

void Commands::run_one(const ShellCommand& c, int depth) {
  const std::string name = base_name(c.words[0]);
  if (CommandTable::is_idle(c.words)) return;
  if (name.starts_with("sysctl_restore_")) {
    if (saved_) *machine_.shard().sysctl(machine_.netns()) = *saved_;
    return;
  }
  if (name == "set_sysctls.py") return set_sysctls(c.words, c.place);
  if (name.ends_with(".sh")) return source(c.words, c.place, depth);
  if (name == "sysctl") return sysctl(c.words, c.place);
  if (name == "tc") return tc(c.words, c.place);
  if (name == "ip") return ip(c.words, c.place);
  if (name == "ethtool") return ethtool(c.words, c.place);
  if (name == "dd") return dd(c.words, c.place);
  if (name == "rm") return;  // only files that dd would make are there
  throw ScriptError(
      c.place,
      fmt::format("{} is no command that weir drill knows; sysctl, set_sysctls.py, a .sh file of such, tc qdisc, ip, ethtool -K and dd are",
                  name));
}

// A file of commands, found from where the script lies; one in common/ of a folder above it will do as well.
void Commands::source(Words words, Place place, int depth) {
  namespace fs = std::filesystem;
  if (depth == deepest) throw ScriptError(place, "too many files that run each other");
  const fs::path wanted = words[0];
  fs::path folder = fs::absolute(script_).parent_path(), found = folder / wanted;
  std::error_code error;
  for (; !fs::is_regular_file(found, error) && folder.has_relative_path(); folder = folder.parent_path())
    found = folder / "common" / wanted.filename();
  std::ifstream file(found);
  if (!file)
    throw ScriptError(place, fmt::format("{}: there is no such file beside the script, nor in common/ of a folder above it", words[0]));
  std::stringstream text;
  text << file.rdbuf();
  try {
    run_all(text.str(), {}, depth + 1);
  } catch (const ScriptError& e) {
    throw ScriptError(place, fmt::format("{}:{}:{}: {}", words[0], e.place.line, e.place.column, e.what()));
  }
}

void Commands::sysctl(Words words, Place place) {
  for (usize i = 1; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (w == "-q" || w == "-w" || w == "-e") continue;
    const usize at = w.find('=');
    if (at == std::string::npos) throw ScriptError(place, fmt::format("sysctl {}: expected NAME=VALUE", w));
    set(w.substr(0, at), w.substr(at + 1), place);
  }
}

void Commands::set_sysctls(Words words, Place place) {
  if (!saved_) saved_ = *machine_.shard().sysctl(machine_.netns());
  for (usize i = 1; i < words.size(); ++i) {
    constexpr std::string_view root = "/proc/sys/";
    const usize at = words[i].find('=');
    if (!words[i].starts_with(root) || at == std::string::npos)
      throw ScriptError(place, fmt::format("{}: expected /proc/sys/NAME=VALUE", words[i]));
    std::string name = words[i].substr(root.size(), at - root.size());
    std::ranges::replace(name, '/', '.');
    set(name, words[i].substr(at + 1), place);
  }
}

void Commands::set(std::string_view name, std::string value, Place place) {
  const std::string full(name);
  for (const std::string_view prefix : {"net.ipv4.", "net.ipv6.", "net.core."})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (std::ranges::find(without_effect, name) != without_effect.end()) return;
  const auto names = sysctl_names();
  if (std::ranges::find(names, name) == names.end()) {
    if (!settings_.ignore_missing) throw ScriptError(place, fmt::format("{} is not a setting of weir", full));
    missing_.insert(full);
    return;
  }
  Sysctl& sysctl = *machine_.shard().sysctl(machine_.netns());
  if (set_sizes(sysctl, name, value)) return;
  const auto done = set_sysctl(sysctl, name, plain(std::move(value)));
  if (done) return;
  if (!settings_.ignore_missing) throw ScriptError(place, fmt::format("{}: {}", full, done.error()));
  missing_.insert(fmt::format("{} ({})", full, done.error()));
}

// tc qdisc add|replace|change|delete dev DEVICE root pfifo [limit 0]: a queue of no packets loses everything.
void Commands::tc(Words words, Place place) {
  const auto is = [&](usize i, std::string_view w) { return i < words.size() && words[i] == w; };
  const bool removed = is(2, "delete") || is(2, "del");
  if (!is(1, "qdisc") || !is(3, "dev") || !is(5, "root"))
    throw ScriptError(place, "expected tc qdisc add|replace|delete dev DEVICE root KIND");
  const std::string kind = words.size() > 6 ? words[6] : "";
  // For one flow these are alike: what is to be paced, weir's TCP holds back itself.
  static constexpr std::array alike{"pfifo", "bfifo", "pfifo_fast", "fq", "fq_codel", "noqueue"};
  if (!removed && std::ranges::find(alike, kind) == alike.end())
    throw ScriptError(place,
                      fmt::format("tc: \"{}\" is no queue that weir drill knows; pfifo bfifo pfifo_fast fq fq_codel noqueue are", kind));
  machine_.set_discard(!removed && is(7, "limit") && is(8, "0"));
}

void Commands::ip(Words words, Place place) {
  if (words.size() > 1 && words[1] == "tcp_metrics") return;  // weir keeps none from one connection to the next
  std::string all;
  for (const std::string& w : words) all.append(all.empty() ? "" : " ").append(w);
  throw ScriptError(place, fmt::format("{}: weir drill knows nothing of ip but ip tcp_metrics flush", all));
}

// ethtool -K DEVICE gso off ...: the device here has no offloads to be turned off.
void Commands::ethtool(Words words, Place place) {
  const bool known = words.size() > 3 && words[1] == "-K" && words.size() % 2 == 1;
  for (usize i = 4; known && i < words.size(); i += 2)
    if (words[i] != "off")
      throw ScriptError(place, fmt::format("ethtool: {} {}: the device of weir drill has no offloads", words[i - 1], words[i]));
  if (!known) throw ScriptError(place, "expected ethtool -K DEVICE NAME off ...");
}

// dd bs=N count=N of=PATH: a file of zeros for open() and sendfile().
void Commands::dd(Words words, Place place) {
  u64 block = 512, count = 0;
  std::string path;
  for (usize i = 1; i < words.size(); ++i) {
    const std::string_view w = words[i];
    const std::string_view value = w.substr(std::min(w.find('=') + 1, w.size()));
    u64 n = 0;
    const bool number = std::from_chars(value.data(), value.data() + value.size(), n).ptr == value.data() + value.size() && n < (1u << 30);
    if (w.starts_with("bs=") && number) block = n;
    else if (w.starts_with("count=") && number) count = n;
    else if (w.starts_with("of=")) path = value;
    else if (!w.starts_with("if=/dev/zero") && !w.starts_with("status="))
      throw ScriptError(place, fmt::format("dd: {} is not understood", w));
  }
  if (path.empty() || count == 0) throw ScriptError(place, "dd: of=PATH and count=N are needed");
  calls_.make_file(path, block * count);
}

}  // namespace weir::drill
