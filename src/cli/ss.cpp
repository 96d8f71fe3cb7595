// weir ss: docs/verbs/ss.md.
#include <fmt/format.h>

#include "cli/verb.hpp"
#include "control/client.hpp"

namespace weir::cli {
namespace {

using control::Json;

struct Options {
  std::string at;
  bool json = false;
};

void print_socket(const Json& s, bool with_netns) {
  const std::string netns = with_netns ? s["netns"].get<std::string>() + " " : "";
  fmt::print("{}{:<5} {:<13} {:>9} {:>9} {:>28} {:>28}", netns, s["protocol"].get<std::string>(), s["state"].get<std::string>(),
             s.value("receive_queue", 0u), s.value("send_queue", 0u), s["local"].get<std::string>(), s["remote"].get<std::string>());
  if (s.contains("cwnd_bytes") && s["state"] != "LISTEN")
    fmt::print("  cwnd {} rtt {:.3f}/{:.3f} ms rto {} ms mss {} retrans {} timer {}", s["cwnd_bytes"].get<u64>(),
               s["srtt_us"].get<double>() / 1e3, s["rttvar_us"].get<double>() / 1e3, s["rto_us"].get<u64>() / 1000, s["snd_mss"].get<u64>(),
               s["retransmitted"].get<u64>(), s["timer"].get<std::string>());
  fmt::print("\n");
}

int run(const Options& o) {
  auto client = control::Client::connect(o.at);
  if (!client) return complain(client.error());
  const auto r = client->ask({{"cmd", "ss"}});
  if (!r) return complain(r.error());
  if (o.json) {
    fmt::print("{}\n", r->dump(2));
    return success;
  }
  bool several = false;
  for (const Json& s : *r) several = several || s["netns"] != r->front()["netns"];
  fmt::print("{}proto state            recv-q    send-q {:>28} {:>28}\n", several ? "netns " : "", "local", "remote");
  for (const Json& s : *r) print_socket(s, several);
  return success;
}

}  // namespace

void add_ss(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("ss", "sockets of a running weir");
  verb->add_option("--at", o->at, "control socket of the running weir; not needed if only one runs")->type_name("SOCKET");
  verb->add_flag("--json", o->json, "everything, as JSON");
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
