// weir drill: docs/verbs/drill.md.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "cli/verb.hpp"
#include "drill/runner.hpp"

namespace weir::cli {
namespace {

using drill::RunResult;

struct DrillOptions {
  std::vector<std::string> scripts, defines;
  u32 jobs = 1;
  bool verbose = false, json = false, strict_end = false, ignore_missing = false;
  std::string profile = "linux", family = "ipv4", local, remote, gateway;
  u16 mtu = 0;
  i64 tolerance_usecs = -1;
  u64 seed = 1;
};

struct Timed {
  RunResult result;
  std::vector<std::string> log{};
  double ms = 0;  // of real time
};

drill::Settings settings_of(const DrillOptions& o) {
  drill::Settings s;
  s.mode = o.family == "ipv6" ? drill::Mode::ipv6 : o.family == "ipv4-mapped" ? drill::Mode::ipv4_mapped : drill::Mode::ipv4;
  s.rfc_profile = o.profile == "rfc";
  s.mtu = o.mtu;
  s.strict_end = o.strict_end;
  s.ignore_missing = o.ignore_missing;
  s.seed = o.seed;
  s.local = o.local;
  s.remote = o.remote;
  s.gateway = o.gateway;
  if (o.tolerance_usecs >= 0) s.tolerance = Duration::micros(o.tolerance_usecs);
  for (const std::string& d : o.defines)
    if (!drill::add_define(d, s)) throw UsageError("--define " + d + ": expected NAME=VALUE");
  try {
    (void)s.local_address();
    (void)s.remote_address();
    (void)s.gateway_address();
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("{}; --family is {}", e.what(), o.family));
  }
  return s;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < ' ') out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else out += c;
  }
  return out += '"';
}

std::string_view name_of(RunResult::Kind kind) {
  return kind == RunResult::Kind::passed ? "passed" : kind == RunResult::Kind::failed ? "failed" : "not understood";
}

std::string to_json(const std::vector<Timed>& all) {
  std::string out = "[";
  for (const Timed& t : all) {
    const RunResult& r = t.result;
    out += fmt::format("{}\n  {{\"script\": {}, \"result\": \"{}\", \"events\": {}, \"virtual_seconds\": {:.6f}, \"real_ms\": {:.3f}",
                       &t == all.data() ? "" : ",", json_text(r.path), name_of(r.kind), r.events, r.time.s(), t.ms);
    if (r.kind != RunResult::Kind::passed)
      out += fmt::format(", \"line\": {}, \"column\": {}, \"message\": {}", r.place.line, r.place.column, json_text(r.message));
    std::string missing;
    for (const std::string& m : r.missing) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", json_text(m));
    out += fmt::format(", \"missing_settings\": [{}]}}", missing);
  }
  return out + "\n]\n";
}

void print(const Timed& t) {
  for (const std::string& line : t.log) fmt::print("{}\n", line);
  const RunResult& r = t.result;
  if (r.kind == RunResult::Kind::passed) fmt::print("ok    {}  ({} events, {:.3f} s in {:.1f} ms)\n", r.path, r.events, r.time.s(), t.ms);
  else fmt::print("{}  {}\n", r.kind == RunResult::Kind::failed ? "FAIL" : "ERROR", to_text(r));
  for (const std::string& m : r.missing) fmt::print("      passed over: {}\n", m);
}

int summarise(const std::vector<Timed>& all, bool json) {
  const auto count = [&](RunResult::Kind k) { return std::ranges::count_if(all, [k](const Timed& t) { return t.result.kind == k; }); };
  const auto failed = count(RunResult::Kind::failed), not_understood = count(RunResult::Kind::not_understood);
  if (json) fmt::print("{}", to_json(all));
  else if (all.size() > 1) fmt::print("{} passed, {} failed, {} not understood\n", count(RunResult::Kind::passed), failed, not_understood);
  return not_understood != 0 ? usage : failed != 0 ? failure : success;
}

int run(const DrillOptions& o) {
  const drill::Settings settings = settings_of(o);
  std::vector<Timed> all(o.scripts.size());
  std::atomic<usize> next = 0;
  const auto work = [&] {
    for (usize i; (i = next++) < all.size();) {
      const auto start = std::chrono::steady_clock::now();
      drill::Log log;
      if (o.verbose) log = [&all, i](const std::string& line) { all[i].log.push_back(line); };
      all[i].result = drill::run_file(o.scripts[i], settings, log);
      all[i].ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (u32 i = 1; i < std::min<usize>(o.jobs, all.size()); ++i) threads.emplace_back(work);
    work();
  }
  if (!o.json)
    for (const Timed& t : all) print(t);
  return summarise(all, o.json);
}

}  // namespace

void add_drill(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<DrillOptions>();
  CLI::App* verb = app.add_subcommand("drill", "run conformance scripts of the packetdrill language in virtual time");
  verb->add_option("SCRIPT", o->scripts, "scripts")->required()->type_name("SCRIPT.pkt")->check(CLI::ExistingFile);
  verb->add_option("-j,--jobs", o->jobs, "so many at once, each in a thread of its own")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_flag("-v,--verbose", o->verbose, "each event with its time, and what was sent beyond the script");
  verb->add_flag("--json", o->json, "the results for a program to read");
  verb->add_option("--profile", o->profile, "defaults of the settings")
      ->type_name("linux|rfc")
      ->check(CLI::IsMember({"linux", "rfc"}))
      ->capture_default_str();
  verb->add_option("--family", o->family, "of sockets and packets")
      ->type_name("ipv4|ipv6|ipv4-mapped")
      ->check(CLI::IsMember({"ipv4", "ipv6", "ipv4-mapped"}))
      ->capture_default_str();
  verb->add_option("--mtu", o->mtu, "of the device; 1500, with IPv6 1520")->type_name("N")->check(CLI::Range(576, 65535));
  verb->add_option("--local", o->local, "address of the machine under test")->type_name("A");
  verb->add_option("--remote", o->remote, "address of its peer, which the script plays")->type_name("A");
  verb->add_option("--gateway", o->gateway, "address that ICMP messages come from")->type_name("A");
  verb->add_option("--tolerance-usecs", o->tolerance_usecs, "how far times may be off, 4000 by default")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000'000));
  verb->add_option("-D,--define", o->defines, "a name that scripts use for a cookie or a code")->type_name("NAME=VALUE");
  verb->add_flag("--strict-end", o->strict_end, "what was sent and not expected is a failure");
  verb->add_flag("--ignore-missing", o->ignore_missing, "pass over settings that weir does not have");
  verb->add_option("--seed", o->seed, "another seed is another run")->type_name("N")->capture_default_str();
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
