// weir sim: docs/verbs/sim.md.
#include <fmt/format.h>

#include <charconv>

#include "api/sim_executor.hpp"
#include "api/simulation.hpp"
#include "apps/service.hpp"
#include "cli/net_options.hpp"
#include "cli/time_option.hpp"
#include "cli/verb.hpp"
#include "plot/recorder.hpp"

namespace weir::cli {
namespace {

struct SimOptions {
  std::string path, time, pcap, plot, seed = "1";
  bool json = false;
};

// The file server of weir serve on a host of the simulation: coroutines on virtual time.
class HttpService final : public sim::Load {
 public:
  HttpService(sim::Host& host, const FileService& service) : executor_(std::make_shared<SimExecutor>(host.world(), host.shard_index())) {
    const auto started = apps::start_service(Host(executor_, host.netns()),
                                             {.kind = apps::ServiceConfig::Kind::http, .port = service.port, .root = service.root});
    if (!started) throw std::runtime_error(started.error().what);
  }
  void stop() override { executor_->end(); }

 private:
  std::shared_ptr<SimExecutor> executor_;
};

u64 seed_of(const std::string& text) {
  u64 seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc{} || end != text.data() + text.size()) throw UsageError("--seed " + text + ": not a number from 0 to 2^64 - 1");
  return seed;
}

int run(const SimOptions& o) {
  SimulationOptions options{.seed = seed_of(o.seed), .pcap_directory = o.pcap};
  if (!o.time.empty()) options.time = time_option("--for", o.time);
  options.services["http"] = [](sim::Host& host, const FileService& s) { return std::make_unique<HttpService>(host, s); };
  const NetworkFile file = load_network(o.path);
  const auto simulation = Simulation::make(file, options);
  if (!simulation) return complain(simulation.error());
  std::optional<plot::Recorder> recorder;
  if (!o.plot.empty()) recorder.emplace((*simulation)->world());
  const auto report = (*simulation)->run_and_report();
  if (!report) return complain(report.error());
  fmt::print("{}{}", o.json ? report->json : report->text, o.json ? "\n" : "");
  if (recorder)
    if (const auto wrote = recorder->write(o.plot); !wrote) return complain("--plot " + wrote.error());
  return report->good ? success : failure;
}

}  // namespace

void add_sim(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<SimOptions>();
  CLI::App* verb = app.add_subcommand("sim", "run a network in virtual time, watched by a monitor");
  verb->add_option("FILE", o->path, "network file, TOML")->required()->type_name("FILE.toml")->check(CLI::ExistingFile);
  verb->add_option("--for", o->time, "virtual time to simulate; without it until all loads are over")->type_name("TIME");
  verb->add_option("--seed", o->seed, "another seed is another run")->type_name("N")->capture_default_str();
  verb->add_option("--pcap", o->pcap, "a capture of each link goes into this directory")->type_name("DIR");
  verb->add_option("--plot", o->plot, "pictures of each TCP connection and link go into this directory, and a page with all: index.html")
      ->type_name("DIR");
  verb->add_flag("--json", o->json, "the whole report");
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
