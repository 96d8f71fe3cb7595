// weir serve: docs/verbs/serve.md.
#include "apps/service.hpp"
#include "cli/net_options.hpp"
#include "cli/session.hpp"
#include "cli/verb.hpp"

namespace weir::cli {
namespace {

struct Options {
  NetOptions net;
  std::string kind;
  u16 port = 0;
  std::string root = ".";
};

Task<int> serve(Host host, const Options& o) {
  const auto started = apps::start_service(
      host, {.kind = *apps::service_kind(o.kind), .port = o.port, .root = o.root, .to_wall_clock = rt::Clock::to_wall_clock()});
  if (!started) co_return complain(started.error().what);
  tell_ready();
  co_await forever(host);
  co_return success;
}

int run(const Options& o) {
  Session session(o.net);
  return session.run([&](Host host) { return serve(host, o); });
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("serve", "a server on weir: http, echo, discard, chargen");
  verb->add_option("KIND", o->kind, "http, echo, discard or chargen")
      ->required()
      ->check(CLI::IsMember({"http", "echo", "discard", "chargen"}));
  verb->add_option("--port", o->port, "port to listen on (http 80, echo 7, discard 9, chargen 19)")
      ->type_name("N")
      ->check(CLI::Range(1, 65'535));
  verb->add_option("--root", o->root, "http: directory to serve")->type_name("DIR")->check(CLI::ExistingDirectory)->capture_default_str();
  o->net.add_to(*verb);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
