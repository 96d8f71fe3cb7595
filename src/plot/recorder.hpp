// Watches a simulated world and draws what it has seen: a picture for each TCP connection and each link, and a page with all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plot/flow.hpp"
#include "plot/link_queue.hpp"
#include "sim/world.hpp"

namespace weir::plot {

// Made after the hosts and links, before anything runs; the world must outlive it.
//   plot::Recorder recorder(world);
//   world.run_for(10_s);
//   auto wrote = recorder.write("plots");
class Recorder {
 public:
  struct Limits {
    u64 events = 4'000'000;   // of all hosts together; the oldest go first
    u64 samples = 2'000'000;  // of each direction of a link; later ones are left out, and counted
    u32 pictures = 1'000;     // of connections: those with the most payload
  };

  explicit Recorder(sim::World& world) : Recorder(world, Limits{}) {}
  Recorder(sim::World& world, const Limits& limits);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Each connection once, seen by who has sent more of its payload; the one that began first comes first. What was traced is given
  // away: a second call has only what came since.
  [[nodiscard]] std::vector<Flow> take_flows();
  [[nodiscard]] std::vector<LinkQueues> links() const;
  // FLOW.svg, LINK.svg and index.html into the directory, which is made. The error is for the user.
  [[nodiscard]] Result<void, std::string> write(const std::string& directory);

 private:
  sim::World& world_;
  Limits limits_;
  std::vector<std::unique_ptr<tcp::Trace>> traces_;  // by shard
  std::vector<LinkDirection> queues_;                // two for each link
};

}  // namespace weir::plot
