// weir nc: docs/verbs/nc.md.
#include "apps/netcat.hpp"
#include "cli/net_options.hpp"
#include "cli/session.hpp"
#include "cli/verb.hpp"

namespace weir::cli {
namespace {

struct Options {
  NetOptions net;
  std::string host;
  u16 port = 0;
  bool udp = false;
};

Task<int> netcat(Host host, Endpoint to, bool udp) {
  const auto done = co_await apps::netcat(host, {.to = to, .udp = udp});
  co_return done ? success : complain(to_string(to) + ": " + std::string(text(done.error())));
}

int run(const Options& o) {
  const auto address = IpAddr::parse(o.host);
  if (!address) throw UsageError("HOST \"" + o.host + "\" is not an address; names are not supported yet");
  Session session(o.net);
  return session.run([&](Host host) { return netcat(host, {*address, o.port}, o.udp); });
}

}  // namespace

void add_nc(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("nc", "a connection between weir and the terminal");
  verb->add_option("HOST", o->host, "address, IPv4 or IPv6")->required();
  verb->add_option("PORT", o->port, "port")->required()->check(CLI::Range(1, 65'535));
  verb->add_flag("-u,--udp", o->udp, "UDP: each piece of input is a datagram");
  o->net.add_to(*verb);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
