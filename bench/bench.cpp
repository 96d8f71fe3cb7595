// bench/bench.hpp: the runner. Each variant of a case is warmed up by one run that does not count; then runs of all of them,
// weir's and the peer's, take turns, so that what disturbs the machine disturbs them alike.
#include "bench/bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "bench/child.hpp"
#include "bench/options.hpp"
#include "bench/progress.hpp"
#include "bench/report.hpp"

namespace weir::bench {
namespace {

// A variant with its samples, or with the reason why there are none.
struct Contestant {
  const Variant* variant;
  std::string peer;
  std::vector<Sample> samples{};
  bool out = false;
};

class Runner {
 public:
  Runner(const Options& options, std::FILE* out, std::FILE* err) : options_(options), out_(out), err_(err), progress_(err) {}

  void run(const Case& c) {
    std::vector<Contestant> all;
    for (const Variant& v : c.variants)
      if (options_.wants(v)) all.push_back({&v, "weir"});
    if (options_.has_peer("linux"))
      for (const Variant& v : c.linux_variants)
        if (options_.wants(v)) all.push_back({&v, "linux"});
    for (u32 i = 0; i <= options_.runs; ++i)  // the first one warms up
      for (Contestant& x : all) take_turn(c, x, i);
    progress_.clear();
    report(c, all);
  }
  void report_absent_peers() {
    for (const std::string& peer : options_.peers) {
      if (peer != "linux") {
        fmt::print(err_, "weir bench: missing: peer {}: there is no harness for it yet\n", peer);
        continue;
      }
      for (const Case* c : options_.cases)
        if (c->linux_variants.empty()) fmt::print(err_, "weir bench: {}: linux is no peer in this case\n", c->name);
    }
  }
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  void take_turn(const Case& c, Contestant& x, u32 run) {
    if (x.out || (options_.env.quick && run == 0)) return;
    const Variant& v = *x.variant;
    const std::string what = run == 0 ? "warm-up" : fmt::format("run {} of {}", run, options_.runs);
    progress_.show(fmt::format("{} {} ({}): {}", c.name, v.name, x.peer, what));
    try {
      const Env& env = options_.env;
      Sample s = v.in_child ? in_child([&] { return v.run(env); }) : v.run(env);
      if (run != 0) x.samples.push_back(std::move(s));
    } catch (const Missing& e) {
      x.out = true;
      complain(fmt::format("missing: {} {} ({}): {}", c.name, v.name, x.peer, e.what()));
      if (x.peer == "weir") status_ = 1;
    } catch (const std::exception& e) {
      x.out = true;
      complain(fmt::format("FAILED: {} {} ({}): {}", c.name, v.name, x.peer, e.what()));
      status_ = 1;
    }
  }
  void complain(const std::string& what) {
    progress_.clear();
    fmt::print(err_, "weir bench: {}\n", what);
  }
  void report(const Case& c, const std::vector<Contestant>& all) {
    std::vector<Figure> figures;
    for (const Contestant& x : all) {
      if (x.out || x.samples.empty()) continue;
      for (Figure& f : figures_of(c, *x.variant, x.peer, x.samples)) figures.push_back(std::move(f));
    }
    if (options_.json)
      for (const Figure& f : figures) fmt::print(out_, "{}\n", json_line(f));
    else fmt::print(out_, "{}", table(figures));
    std::fflush(out_);
  }

  const Options& options_;
  std::FILE *out_, *err_;
  Progress progress_;
  int status_ = 0;
};

void list(std::FILE* out) {
  for (const Case& c : cases()) {
    fmt::print(out, "{:<9} {}\n", c.name, c.help);
    for (const Variant& v : c.variants) fmt::print(out, "            {:<34} {}\n", v.name, v.unit);
    for (const Variant& v : c.linux_variants) fmt::print(out, "            {:<34} {}   (--vs linux)\n", v.name, v.unit);
  }
}

extern "C" void end_at_once(int) { ::_exit(0); }

}  // namespace

const char* usage() noexcept {
  return R"(usage: weir bench [CASE...] [--vs PEER[,PEER]...] [--json] [--runs N] [--ms N] [--variant V]... [--quick]
       weir bench --list

  CASE             what to measure; all cases unless one is named
  --vs PEER        a peer that takes turns with weir: linux (needs root and iproute2). lwip, gvisor, dpdk: not yet
  --json           one object per line: case, variant, peer, value, unit, runs, min, max, cpu_s
  --runs N         runs of each, after a warm-up; the median, least and greatest are printed (5)
  --ms N           milliseconds of CPU of a run that can be as long as one likes (600)
  --variant V      only this variant; may be repeated
  --quick          one tiny run of each: tells whether it works, not how fast it is
  --list           the cases, their variants and units
)";
}

int run(std::span<const std::string> arguments, std::FILE* out, std::FILE* err) {
  const auto options = parse_options(arguments);
  if (!options) {
    fmt::print(err, "weir bench: {}\n", options.error());
    return 2;
  }
  if (options->help) {
    std::fputs(usage(), out);
    return 0;
  }
  if (options->list) {
    list(out);
    return 0;
  }
  std::signal(SIGINT, end_at_once);
  std::signal(SIGTERM, end_at_once);
  Runner runner(*options, out, err);
  runner.report_absent_peers();
  for (const Case* c : options->cases) runner.run(*c);
  return runner.status();
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  return run(arguments);
}

}  // namespace weir::bench
