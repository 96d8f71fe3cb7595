// What a bench is made of: cases with variants, each a function that does one run and says what it measured.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/types.hpp"

namespace weir::bench {

// How long and how large a run is to be.
struct Env {
  bool quick = false;    // tiny sizes: for tests of the benches themselves
  double seconds = 0.6;  // of CPU, for runs that can be as long as one likes
  // n, or a little of it when there is no time.
  [[nodiscard]] u64 count(u64 n, u64 when_quick) const noexcept { return quick ? when_quick : n; }
};

// A figure beside the main one: `p99` of a case's variant is printed as variant "VARIANT,p99".
struct Extra {
  std::string suffix, unit;
  double value = 0;
};

struct Sample {
  double value = 0;
  double cpu_s = 0;  // CPU seconds that the run was measured over
  std::vector<Extra> extras{};
};

// The run showed that something does not work: a wrong byte, a lost frame, an error where there must be none.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// It cannot be measured here: no root, no such program or kernel.
struct Missing : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Better : u8 { higher, lower };

struct Variant {
  std::string name, unit;
  Better better = Better::higher;
  std::function<Sample(const Env&)> run;
  // Variants of the peer's that it is compared with in the table: linux only, for now.
  std::vector<std::string> against{};
  // Each run in a process of its own: what it does to memory or namespaces is gone afterwards.
  bool in_child = false;
};

struct Case {
  std::string name, help;
  std::vector<Variant> variants;
  std::vector<Variant> linux_variants{};
};

// Every case, in the order in which they run.
[[nodiscard]] const std::vector<Case>& cases();

// One per file bench/case_*.cpp.
Case checksum_case();
Case connect_case();
Case fib_case();
Case forward_case();
Case growth_case();
Case idle_case();
Case ping_case();
Case rtt_case();
Case rx_case();
Case tap_case();
Case tcp_case();
Case timer_case();
Case udp_case();
Case veth_case();

}  // namespace weir::bench
