// weir demo: docs/verbs/demo.md.
#include "cli/demo.hpp"

#include <map>

#include "cli/verb.hpp"

namespace weir::cli {
namespace {

const std::map<std::string, int (*)()> demos{
    {"handshake", demo_handshake}, {"states", demo_states}, {"routes", demo_routes}, {"buffers", demo_buffers}, {"timers", demo_timers}};

}  // namespace

void add_demo(CLI::App& app, Chosen& chosen) {
  const auto name = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("demo", "how it works inside, in print: handshake, states, routes, buffers, timers");
  verb->add_option("WHAT", *name, "handshake, states, routes, buffers or timers")->required()->check(CLI::IsMember(demos));
  verb->callback([name, &chosen] { chosen.run = [name] { return demos.at(*name)(); }; });
}

}  // namespace weir::cli
