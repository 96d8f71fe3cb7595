// Golden table: goodput over receive buffer x loss x RTT. A cell may move by a twentieth; a change that moves it further
// writes the table anew (WEIR_GOLDEN=write) and says in its commit which RFC or paper justifies it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using test::TcpWorld;

struct Cell {
  u32 buffer_kib, loss_permille, rtt_ms;
  friend auto operator<=>(const Cell&, const Cell&) = default;
};

// kbit/s of payload over a 100 Mbit/s link with a queue of 100 packets, for as much as 10 s of it.
u64 goodput(const Cell& c, std::string& trouble) {
  HostConfig h;
  h.sysctl.tcp_rmem = h.sysctl.tcp_wmem = h.sysctl.tcp_wmem_max = c.buffer_kib * 1024;
  h.sysctl.tcp_moderate_rcvbuf = false;
  const LinkConfig clean{.bits_per_second = 100'000'000, .delay = Duration::micros(c.rtt_ms * 500), .queue_packets = 100};
  TcpWorld w{11, clean, {.static_neighbours = true}, h};
  w.link.a_to_b().configure([&] {
    LinkConfig lossy = clean;
    lossy.loss = c.loss_permille / 1000.0;
    return lossy;
  }());
  w.transfer({.bytes = 12'500'000});
  const Duration most = 10_s;
  w.world.run_until([&] { return w.moved->over(); }, most);
  const auto* s = w.moved->server();
  trouble += test::first_of(w.world.violations());
  if (s == nullptr) return 0;
  trouble += s->result().wrong;
  return static_cast<u64>(static_cast<double>(s->result().received) * 8 / 1e3 / (w.world.now() - Instant{}).s());
}

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (const u32 buffer : {16u, 64u, 256u, 1024u, 4096u})
    for (const u32 loss : {0u, 1u, 10u, 30u})
      for (const u32 rtt : {1u, 10u, 50u, 200u}) all.push_back({buffer, loss, rtt});
  return all;
}

const std::string path = std::string(WEIR_GOLDEN) + "/throughput.tsv";

std::map<Cell, u64> read_table() {
  std::map<Cell, u64> table;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Cell c{};
    u64 v = 0;
    if (!line.starts_with('#') && fields >> c.buffer_kib >> c.loss_permille >> c.rtt_ms >> v) table[c] = v;
  }
  return table;
}

TEST(sim_golden, throughput_over_buffer_loss_and_rtt) {
  const char* mode = std::getenv("WEIR_GOLDEN");
  const bool write = mode != nullptr && std::string_view{mode} == "write";
  const auto table = read_table();
  std::ostringstream out;
  out << "# Goodput in kbit/s of one connection over 100 Mbit/s (queue 100 packets), 12.5 MB or 10 s, seed 11; loss one way.\n"
         "# Written by WEIR_GOLDEN=write sim_test --gtest_filter=sim_golden*\n"
         "# buffer_kib\tloss_permille\trtt_ms\tkbit_s\n";
  for (const Cell& c : cells()) {
    std::string trouble;
    const u64 v = goodput(c, trouble);
    const std::string name =
        std::to_string(c.buffer_kib) + " KiB, " + std::to_string(c.loss_permille) + " permille, " + std::to_string(c.rtt_ms) + " ms";
    EXPECT_EQ(trouble, "") << name;
    out << c.buffer_kib << '\t' << c.loss_permille << '\t' << c.rtt_ms << '\t' << v << '\n';
    if (write) continue;
    const auto known = table.find(c);
    ASSERT_NE(known, table.end()) << name << ": not in " << path;
    EXPECT_NEAR(static_cast<double>(v), static_cast<double>(known->second), static_cast<double>(known->second) / 20 + 1) << name;
  }
  if (write) {
    EXPECT_TRUE(std::ofstream(path) << out.str() << std::flush) << path;
  }
}

}  // namespace
}  // namespace weir::sim
