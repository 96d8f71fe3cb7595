// weir: one binary, a verb for each thing it does.
#include <fmt/format.h>

#include "cli/verb.hpp"

namespace weir::cli {
namespace {

std::string version() {
  return fmt::format("weir {}\ncompiler {}\noptional parts: none (xdp, dpdk, vectorscan, io_uring are not there yet)", WEIR_VERSION, __VERSION__);
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app{"weir: a TCP/IP stack in user space"};
  app.name("weir");
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  app.footer("weir VERB --help tells more. Exit status: 0 success, 1 failure at work, 2 wrong usage.");
  Chosen chosen;
  add_serve(app, chosen);
  add_get(app, chosen);
  add_ping(app, chosen);
  add_nc(app, chosen);
  add_up(app, chosen);
  add_capture(app, chosen);
  add_stat(app, chosen);
  add_ss(app, chosen);
  add_bench(app, chosen);
  add_demo(app, chosen);
  add_demo(app, chosen);
  try {
    app.parse(argc, argv);
    return chosen.run();
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return complain(std::string(e.what()) + "\nweir --help, and weir VERB --help, tell what there is", usage);
  } catch (const UsageError& e) {
    return complain(e.what(), usage);
  } catch (const std::exception& e) {
    return complain(e.what());
  }
}

}  // namespace weir::cli
