// Two hosts and a wire, a transfer between them, and everything that must hold afterwards.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "sim/monitor.hpp"
#include "sim/oracle.hpp"
#include "sim/stream.hpp"
#include "wire/print.hpp"

namespace weir::sim::test {

inline std::string first_of(const std::vector<std::string>& all) {
  return all.empty() ? "" : std::to_string(all.size()) + " violations, first: " + all[0];
}

// With WEIR_TRACE=1 in the environment: every frame as a line on stderr, where it is sent (>) and where it arrives (<).
class Trace : public WireListener {
 public:
  explicit Trace(World& world) {
    if (std::getenv("WEIR_TRACE") != nullptr) world.add_listener(this);
  }
  void on_address(u32, const IpAddr&) override {}
  void on_sent(u32 host, const Link&, Bytes frame, Instant now) override { line('>', host, frame, false, now); }
  void on_delivered(u32 host, const Link&, Bytes frame, bool hurt, Instant now) override { line('<', host, frame, hurt, now); }

 private:
  static void line(char way, u32 host, Bytes frame, bool hurt, Instant now) {
    fmt::print(stderr, "{:.6f} host {} {} {}{}\n", now.s(), host, way, wire::print_frame(frame), hurt ? " HURT" : "");
  }
};

struct TcpWorld {
  explicit TcpWorld(u64 seed, const LinkConfig& config, const WorldConfig& wc = {}, const HostConfig& hosts = {})
      : world(seed, wc),
        client(world.host("client", hosts)),
        server(world.host("server", hosts)),
        link(world.link(client, server, config)) {}

  Transfer& transfer(const TransferConfig& config) { return moved.emplace(client, server, config); }
  [[nodiscard]] Instant done_at() const { return done; }

  // Runs to the end of everything. "" when both ends have what they should, the monitor is silent and nothing is left.
  std::string finish(Duration at_most = Duration::seconds(600)) {
    std::string out;
    if (moved) {
      world.run_until([&] { return moved->over(); }, at_most);
      done = world.now();
      out += moved->trouble();
      moved->listener().stop();
    }
    if (out.empty()) out += leftovers(world, Duration::seconds(4000));
    out += first_of(world.violations());
    return out;
  }

  World world;
  Trace trace{world};
  Host& client;
  Host& server;
  Link& link;
  std::optional<Transfer> moved{};
  Instant done{};
};

}  // namespace weir::sim::test
