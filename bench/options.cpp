// bench/options.hpp
#include "bench/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace weir::bench {
namespace {

constexpr std::string_view known_peers[] = {"linux", "lwip", "gvisor", "dpdk"};

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma != 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// How many letters differ when one is laid over the other: enough to guess what was meant.
usize distance(std::string_view a, std::string_view b) {
  std::vector<usize> row(b.size() + 1);
  for (usize j = 0; j <= b.size(); ++j) row[j] = j;
  for (usize i = 1; i <= a.size(); ++i) {
    usize before = row[0];
    row[0] = i;
    for (usize j = 1; j <= b.size(); ++j) {
      const usize here = std::min({row[j] + 1, row[j - 1] + 1, before + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      before = row[j];
      row[j] = here;
    }
  }
  return row[b.size()];
}

std::string unknown_case(std::string_view name) {
  const auto& all = cases();
  const auto nearest = std::ranges::min_element(all, {}, [&](const Case& c) { return distance(c.name, name); });
  return fmt::format("there is no case '{}'; did you mean '{}'? weir bench --list names them all", name, nearest->name);
}

Result<u32, std::string> number(std::string_view option, std::string_view text, u32 least, u32 most) {
  u32 n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < least || n > most)
    return wrong(fmt::format("{} takes a number from {} to {}, not '{}'", option, least, most, text));
  return n;
}

Result<void, std::string> add_case(Options& o, std::string_view name) {
  const auto& all = cases();
  const auto found = std::ranges::find(all, name, &Case::name);
  if (found == all.end()) return wrong(unknown_case(name));
  if (std::ranges::find(o.cases, &*found) == o.cases.end()) o.cases.push_back(&*found);
  return {};
}

Result<void, std::string> set_value(Options& o, std::string_view option, const std::string& value) {
  if (option == "--vs") {
    for (std::string& peer : split(value)) {
      if (std::ranges::find(known_peers, peer) == std::end(known_peers))
        return wrong(fmt::format("--vs knows linux, lwip, gvisor and dpdk, not '{}'", peer));
      if (!o.has_peer(peer)) o.peers.push_back(std::move(peer));
    }
    return {};
  }
  if (option == "--variant") {
    o.variants.push_back(value);
    return {};
  }
  const auto n = number(option, value, 1, option == "--runs" ? 1000 : 3'600'000);
  if (!n) return wrong(n.error());
  if (option == "--runs") o.runs = *n;
  else o.env.seconds = *n * 1e-3;
  return {};
}

bool takes_value(std::string_view option) { return option == "--vs" || option == "--runs" || option == "--variant" || option == "--ms"; }

bool set_switch(Options& o, std::string_view option) {
  if (option == "--json") o.json = true;
  else if (option == "--list") o.list = true;
  else if (option == "--help" || option == "-h") o.help = true;
  else if (option == "--quick") o.env = {.quick = true, .seconds = 0.002}, o.runs = 1;
  else return false;
  return true;
}

}  // namespace

bool Options::wants(const Variant& v) const { return variants.empty() || std::ranges::find(variants, v.name) != variants.end(); }

bool Options::has_peer(std::string_view name) const { return std::ranges::find(peers, name) != peers.end(); }

Result<Options, std::string> parse_options(std::span<const std::string> arguments) {
  Options o;
  for (usize i = 0; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    if (!argument.starts_with('-')) {
      if (const auto ok = add_case(o, argument); !ok) return wrong(ok.error());
      continue;
    }
    if (set_switch(o, argument)) continue;
    std::string value;
    const auto equals = argument.find('=');
    const bool joined = equals != std::string::npos;
    if (joined) {
      value = argument.substr(equals + 1);
      argument.resize(equals);
    }
    if (!takes_value(argument)) return wrong(fmt::format("unknown option '{}'; see weir bench --help", argument));
    if (!joined) {
      if (++i == arguments.size()) return wrong(fmt::format("{} takes a value", argument));
      value = arguments[i];
    }
    if (const auto ok = set_value(o, argument, value); !ok) return wrong(ok.error());
  }
  if (o.cases.empty())
    for (const Case& c : cases()) o.cases.push_back(&c);
  return o;
}

}  // namespace weir::bench
