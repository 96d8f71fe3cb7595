// weir bench: docs/verbs/bench.md. The benches are a part of their own, which has its own command line.
#include "cli/verb.hpp"

#ifdef WEIR_HAS_BENCH
#include "bench/bench.hpp"
#endif

namespace weir::cli {

#ifdef WEIR_HAS_BENCH
void add_bench(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("bench", "benches; --list names the cases");
  verb->prefix_command();
  verb->set_help_flag();
  verb->callback([verb, &chosen] { chosen.run = [arguments = verb->remaining()] { return bench::run(arguments); }; });
}
#else
void add_bench(CLI::App&, Chosen&) {}
#endif

}  // namespace weir::cli
