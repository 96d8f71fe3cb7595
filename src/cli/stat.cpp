// weir stat: docs/verbs/stat.md.
#include <fmt/format.h>

#include "cli/verb.hpp"
#include "control/client.hpp"

namespace weir::cli {
namespace {

using control::Json;

struct Options {
  std::string at;
  bool json = false, all = false;
};

void print_interface(const Json& i) {
  fmt::print("  {}  {}  mac {}  mtu {}  {}{}\n", i["name"].get<std::string>(), i["kind"].get<std::string>(), i["mac"].get<std::string>(),
             i["mtu"].get<u32>(), i["up"].get<bool>() ? "up" : "down", i["carrier"].get<bool>() ? "" : ", no carrier");
  for (const Json& a : i["addresses"]) fmt::print("    {}  {}\n", a["address"].get<std::string>(), a["state"].get<std::string>());
  for (const char* direction : {"rx", "tx"}) {
    const Json& d = i[direction];
    fmt::print("    {}  {} packets  {} bytes  {} errors  {} dropped  {} {}  queue {}\n", direction, d["packets"].get<u64>(),
               d["bytes"].get<u64>(), d["errors"].get<u64>(), d["dropped"].get<u64>(), d.value("multicast", d.value("collisions", u64{0})),
               d.contains("multicast") ? "multicast" : "collisions", d["queue"].get<u64>());
  }
}

void print_counters(const Json& counters, bool all) {
  for (const auto& [group, list] : counters.items())
    for (const auto& [name, c] : list.items()) {
      const u64 value = c["value"].get<u64>();
      if (value == 0 && !all) continue;
      fmt::print("  {:<8}{:<32}{:>16}  {}{}\n", group, name, value, c["text"].get<std::string>(),
                 c.contains("mib") ? fmt::format(" ({})", c["mib"].get<std::string>()) : "");
    }
}

void print_totals(const Json& r) {
  const Json &p = r["pool"]["packets"], &b = r["pool"]["buffers"], &t = r["tcp"];
  fmt::print("pool\n  packets  {} in use  {} free  {} hits  {} misses\n", p["in_use"].get<u64>(), p["free"].get<u64>(),
             p["hits"].get<u64>(), p["misses"].get<u64>());
  fmt::print("  buffers  {} in use  {} small free  {} large free  {} hits  {} misses\n", b["in_use"].get<u64>(), b["small_free"].get<u64>(),
             b["large_free"].get<u64>(), b["hits"].get<u64>(), b["misses"].get<u64>());
  fmt::print("tcp\n  {} connections  {} half open  {} in TIME-WAIT\n", t["connections"].get<u64>(), t["half_open"].get<u64>(),
             t["time_wait"].get<u64>());
  fmt::print("neighbours\n  {}\n", r["neighbours"].get<u64>());
}

int run(const Options& o) {
  auto client = control::Client::connect(o.at);
  if (!client) return complain(client.error());
  const auto r = client->ask({{"cmd", "stat"}});
  if (!r) return complain(r.error());
  if (o.json) {
    fmt::print("{}\n", r->dump(2));
    return success;
  }
  for (const Json& ns : (*r)["namespaces"]) {
    fmt::print("netns {}\n", ns["netns"].get<std::string>());
    for (const Json& i : ns["interfaces"]) print_interface(i);
    print_counters(ns["counters"], o.all);
  }
  print_totals(*r);
  return success;
}

}  // namespace

void add_stat(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("stat", "counters of a running weir");
  verb->add_option("--at", o->at, "control socket of the running weir; not needed if only one runs")->type_name("SOCKET");
  verb->add_flag("--json", o->json, "everything, as JSON");
  verb->add_flag("--all", o->all, "counters that are zero, too");
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
