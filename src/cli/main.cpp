// weir: one binary, a verb for each thing it does.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <system_error>

#include "cli/verb.hpp"

namespace weir::cli {
namespace {

std::string version() {
  return fmt::format("weir {}\ncompiler {}\noptional parts: none (xdp, dpdk, vectorscan, io_uring are not there yet)", WEIR_VERSION,
                     __VERSION__);
}

// CLI11 says that a verb is missing, though there is a word where it should be.
std::string message(const CLI::App& app, const CLI::ParseError& e) {
  const auto rest = app.remaining();
  if (!app.get_subcommands().empty() || rest.empty()) return e.what();
  return "\"" + rest.front() + "\" is no verb and no option of weir";
}

int run_verb(int argc, char** argv) {
  CLI::App app{"weir: a TCP/IP stack in user space"};
  app.name("weir");
  app.set_version_flag("--version", version);
  app.add_option("--completion", "print the completion for a shell: source <(weir --completion bash)")
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash"}))
      ->each([](const std::string&) { throw CLI::CallForVersion(completion_bash, success); });
  app.require_subcommand(1);
  app.footer("weir VERB --help tells more. Exit status: 0 success, 1 failure at work, 2 wrong usage.");
  Chosen chosen;
  add_serve(app, chosen);
  add_get(app, chosen);
  add_ping(app, chosen);
  add_nc(app, chosen);
  add_up(app, chosen);
  add_sim(app, chosen);
  add_drill(app, chosen);
  add_capture(app, chosen);
  add_trace_tcp(app, chosen);
  add_stat(app, chosen);
  add_ss(app, chosen);
  add_bench(app, chosen);
  add_demo(app, chosen);
  try {
    app.parse(argc, argv);
    return chosen.run();
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return complain(message(app, e) + "\nweir --help, and weir VERB --help, tell what there is", usage);
  } catch (const UsageError& e) {
    return complain(e.what(), usage);
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::broken_pipe) return complain(e.what());
    std::clearerr(stdout);  // who reads our output has seen enough
    return success;
  } catch (const std::exception& e) {
    return complain(e.what());
  }
}

}  // namespace

// What was printed may still fail to get out: a full disk must not look like success.
int run(int argc, char** argv) {
  const int status = run_verb(argc, argv);
  errno = 0;
  std::cout.flush();
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (!failed || errno == EPIPE || status != success) return status;
  return complain("stdout: " + (errno != 0 ? std::generic_category().message(errno) : std::string("cannot be written")));
}

}  // namespace weir::cli
