// weir up: docs/verbs/up.md.
#include <fmt/format.h>

#include "apps/service.hpp"
#include "cli/session.hpp"
#include "cli/verb.hpp"

namespace weir::cli {
namespace {

std::string at(const NetworkFile& file, u32 line) { return file.path + ":" + std::to_string(line) + ": "; }

// Loads need the other end's answer at a virtual time of their own: they are the simulator's.
void check_services(const NetworkFile& file) {
  for (const FileNetns& ns : file.netns)
    for (const FileService& s : ns.services)
      if (!apps::service_kind(s.kind))
        throw UsageError(at(file, s.line) + "service \"" + s.kind + "\" is for weir sim only; weir up has http, echo, discard, chargen");
}

void note_links(const NetworkFile& file) {
  for (const FileLink& l : file.links)
    if (l.there.bits_per_second != 0 || l.there.delay.ns != 0 || l.there.loss > 0)
      fmt::print(stderr, "weir: {}a plain wire here: rate, delay and faults are for weir sim only\n", at(file, l.line));
}

bool start_services(Session& session, const NetworkFile& file) {
  for (usize n = 0; n < file.netns.size(); ++n)
    for (const FileService& s : file.netns[n].services) {
      const auto started = apps::start_service(
          session.host(n),
          {.kind = *apps::service_kind(s.kind), .port = s.port, .root = s.root, .to_wall_clock = rt::Clock::to_wall_clock()});
      if (!started) return complain(at(file, s.line) + started.error().what) == success;
    }
  return true;
}

Task<int> stay_up(Session& session, const NetworkFile& file, Host host) {
  if (!start_services(session, file)) co_return failure;
  tell_ready();
  co_await forever(host);
  co_return success;
}

int run(const std::string& path) {
  const NetworkFile file = load_network(path);
  check_services(file);
  note_links(file);
  Session session(file);
  return session.run([&](Host host) { return stay_up(session, file, host); });
}

}  // namespace

void add_up(CLI::App& app, Chosen& chosen) {
  const auto path = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("up", "bring a network up in real time");
  verb->add_option("FILE", *path, "network file, TOML")->required()->type_name("FILE.toml")->check(CLI::ExistingFile);
  verb->callback([path, &chosen] { chosen.run = [path] { return run(*path); }; });
}

}  // namespace weir::cli
