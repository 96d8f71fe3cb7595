// weir serve: docs/verbs/serve.md.
#include <map>

#include "apps/http_server.hpp"
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

std::string why(std::string what, Errc e) { return what.append(": ").append(text(e)); }

Task<int> serve_http(Host host, const Options& o) {
  apps::HttpConfig config{.root = o.root, .to_wall_clock = rt::Clock::to_wall_clock()};
  auto root = apps::FileRoot::open(o.root);
  if (!root) co_return complain(why("--root " + o.root, root.error()));
  auto listener = host.listen({.addr = {}, .port = o.port});
  if (!listener) co_return complain(why("port " + std::to_string(o.port), listener.error()));
  host.spawn(apps::serve_http(host, std::move(*listener), std::move(*root), std::move(config)));
  tell_ready();
  co_await forever(host);
  co_return success;
}

const std::map<std::string, u16> usual_ports{{"http", 80}, {"echo", 7}, {"discard", 9}, {"chargen", 19}};

int run(const Options& options) {
  Options o = options;
  if (o.port == 0) o.port = usual_ports.at(o.kind);
  Session session(o.net.config());
  return session.run([&](Host host) { return serve_http(host, o); });
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("serve", "a server on weir: http, echo, discard, chargen");
  verb->add_option("KIND", o->kind, "http, echo, discard or chargen")->required()->check(CLI::IsMember({"http", "echo", "discard", "chargen"}));
  verb->add_option("--port", o->port, "port to listen on (http 80, echo 7, discard 9, chargen 19)")->type_name("N")->check(CLI::Range(1, 65'535));
  verb->add_option("--root", o->root, "http: directory to serve")->type_name("DIR")->check(CLI::ExistingDirectory)->capture_default_str();
  o->net.add_to(*verb);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
