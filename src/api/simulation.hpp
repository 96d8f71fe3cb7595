// A network file in virtual time: what `weir sim` does.
//
//   auto file = NetworkFile::load("two-hosts.toml");
//   auto report = run_simulation(*file, {.seed = 7, .time = 10_s});
//   std::puts(report->text.c_str());
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/network_file.hpp"
#include "sim/loads.hpp"

namespace weir {

namespace sim {
class Capture;
}

// Makes a service that the simulator does not know itself (http) on a host.
using ServiceMaker = std::function<std::unique_ptr<sim::Load>(sim::Host& host, const FileService& service)>;

struct SimulationOptions {
  u64 seed = 1;
  std::optional<Duration> time{};   // nothing: until all loads are over and nothing happens any more, an hour at most
  std::string pcap_directory{};     // a capture of each link; empty: none
  std::map<std::string, ServiceMaker> services{};  // by kind
};

struct SimulationReport {
  bool good = false;  // the monitor and everything else that watches is silent
  std::string json, text;
};

// A world made of a file. The world may be looked at and meddled with before and between runs.
class Simulation {
 public:
  // The error is for the user, with FILE:LINE where a line is to blame.
  [[nodiscard]] static Result<std::unique_ptr<Simulation>, std::string> make(const NetworkFile& file, const SimulationOptions& options);
  ~Simulation();
  void run();
  [[nodiscard]] SimulationReport report();
  // Both. The error is for the user.
  [[nodiscard]] Result<SimulationReport, std::string> run_and_report();
  [[nodiscard]] sim::World& world() noexcept { return world_; }
  [[nodiscard]] std::vector<sim::FlowResult> flows() const;

 private:
  Simulation(const NetworkFile& file, const SimulationOptions& options);
  Result<void, std::string> build();
  Result<void, std::string> add_interfaces(u32 n);
  Result<void, std::string> add_veth(u32 n, u32 k);
  Result<void, std::string> add_addresses(u32 n);
  Result<void, std::string> add_routes(u32 n);
  void add_link(const FileLink& link);
  Result<void, std::string> add_service(u32 n, const FileService& service);
  [[nodiscard]] std::unique_ptr<sim::Load> make_load(sim::Host& host, const FileService& s, const sim::LoadPlan& plan) const;
  [[nodiscard]] std::vector<u32> groups() const;
  [[nodiscard]] std::string at(u32 line) const;
  [[nodiscard]] InterfaceConfig interface_config(u32 n, u32 k) const;

  NetworkFile file_;
  SimulationOptions options_;
  sim::World world_;
  std::vector<sim::Host*> hosts_;                 // by netns of the file
  std::vector<std::vector<IfIndex>> interfaces_;  // and interface; 0: not yet
  std::vector<std::unique_ptr<sim::Load>> loads_;
  std::unique_ptr<sim::Capture> capture_;
};

[[nodiscard]] Result<SimulationReport, std::string> run_simulation(const NetworkFile& file, const SimulationOptions& options);

}  // namespace weir
