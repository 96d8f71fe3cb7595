// weir ping: docs/verbs/ping.md.
#include "apps/ping.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/net_options.hpp"
#include "cli/session.hpp"
#include "cli/verb.hpp"

namespace weir::cli {
namespace {

struct Options {
  NetOptions net;
  std::string host;
  u32 count = 0;
  double interval_s = 1, timeout_s = 10;
  u32 size = 56;
  bool json = false;
};

Duration seconds(double s) { return Duration::nanos(static_cast<i64>(s * 1e9)); }

void print_reply(const apps::PingReply& r) {
  if (r.kind == apps::PingReply::Kind::error) fmt::print("From {} icmp_seq={} {}\n", to_string(r.from), r.seq, r.error);
  else
    fmt::print("{} bytes from {}: icmp_seq={} ttl={} time={:.3f} ms{}\n", r.bytes, to_string(r.from), r.seq, r.ttl, r.rtt.s() * 1e3,
               r.kind == apps::PingReply::Kind::duplicate ? " (DUP!)" : "");
  if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "stdout");
}

void print_summary(const Options& o, const apps::PingStats& s) {
  if (o.json) {
    nlohmann::ordered_json j{
        {"host", o.host}, {"sent", s.sent}, {"received", s.received}, {"duplicates", s.duplicates}, {"errors", s.errors}};
    const auto ms = [](Duration d) { return static_cast<double>(d.ns) / 1e6; };
    if (s.received != 0)
      j["rtt_ms"] = {{"min", ms(s.least)}, {"avg", ms(s.sum / s.received)}, {"max", ms(s.most)}, {"mdev", s.deviation_ms()}};
    fmt::print("{}\n", j.dump());
    return;
  }
  fmt::print("\n--- {} ping statistics ---\n{} packets transmitted, {} received, ", o.host, s.sent, s.received);
  if (s.duplicates != 0) fmt::print("+{} duplicates, ", s.duplicates);
  if (s.errors != 0) fmt::print("+{} errors, ", s.errors);
  fmt::print("{:.6g}% packet loss\n", s.loss_percent());
  if (s.received != 0)
    fmt::print("rtt min/avg/max/mdev = {:.3f}/{:.3f}/{:.3f}/{:.3f} ms\n", s.least.s() * 1e3, s.mean_ms(), s.most.s() * 1e3,
               s.deviation_ms());
}

Task<int> ping_until_done(Host host, apps::PingConfig config, apps::PingStats& stats, std::exception_ptr& trouble) {
  try {
    const auto done = co_await apps::ping(host, std::move(config), stats);
    if (!done) co_return complain(std::string(text(done.error())));
    co_return stats.received != 0 ? success : failure;
  } catch (...) {  // of the output: nobody reads it, or there is no room for it
    trouble = std::current_exception();
  }
  co_return failure;
}

int run(const Options& o) {
  const auto address = IpAddr::parse(o.host);
  if (!address) throw UsageError("HOST \"" + o.host + "\" is not an address; names are not supported yet");
  apps::PingConfig config{.to = {*address, 0},
                          .count = o.count,
                          .interval = seconds(o.interval_s),
                          .timeout = seconds(o.timeout_s),
                          .payload = static_cast<u16>(o.size),
                          .id = static_cast<u16>(::getpid())};
  Session session(o.net);
  if (!o.json) {
    config.on_reply = print_reply;
    fmt::print("PING {} {} bytes of data\n", o.host, o.size);
    std::fflush(stdout);
  }
  apps::PingStats stats;
  std::exception_ptr trouble;
  const int status = session.run([&](Host host) { return ping_until_done(host, std::move(config), stats, trouble); });
  if (trouble) std::rethrow_exception(trouble);
  if (stats.sent != 0) print_summary(o, stats);
  return status;
}

}  // namespace

void add_ping(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("ping", "ICMP echo from weir");
  verb->add_option("HOST", o->host, "address, IPv4 or IPv6")->required();
  verb->add_option("-c,--count", o->count, "requests to send; 0: until interrupted")->type_name("N");
  verb->add_option("-i,--interval", o->interval_s, "seconds between requests")
      ->type_name("S")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  verb->add_option("-s,--size", o->size, "bytes of payload")->type_name("N")->check(CLI::Range(0, 65'507))->capture_default_str();
  verb->add_option("-W,--timeout", o->timeout_s, "seconds to wait for the last reply")
      ->type_name("S")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  verb->add_flag("--json", o->json, "only a summary, as JSON");
  o->net.add_to(*verb);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
