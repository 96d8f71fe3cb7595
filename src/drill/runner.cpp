#include "drill/runner.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "drill/commands.hpp"
#include "drill/match.hpp"

namespace weir::drill {
namespace {

class Runner {
 public:
  Runner(const Script& script, const Settings& settings, const Log& log)
      : script_(script),
        settings_(settings),
        log_(log),
        machine_(settings),
        flows_(settings),
        calls_(settings, machine_, flows_),
        commands_(settings, machine_, calls_, script.path),
        matcher_(settings, machine_, flows_, [this](Instant until, const std::function<bool()>& stop) { pass_time(until, stop); }),
        last_(machine_.now()) {
    scope_.outside = [this](const std::string& name, Place place) { return calls_.tcp_info(name, place); };
    scope_.print = [this](const std::string& line) { say("print", line); };
  }

  void run(RunResult& result) {
    try {
      if (script_.init) commands_.run(*script_.init);
      for (const Event& e : script_.events) {
        step(e);
        ++result.events;
      }
      if (pending_) await_pending();
      if (script_.cleanup) commands_.run(*script_.cleanup);
      check_end();
    } catch (...) {
      tell(result);
      throw;
    }
    tell(result);
  }

 private:
  void tell(RunResult& result) {
    result.missing = commands_.missing();
    result.time = machine_.now() - machine_.beginning();
  }

  void say(std::string_view what, const std::string& text) const {
    if (log_) log_(fmt::format("{:12.6f}  {:<8} {}", (machine_.now() - machine_.beginning()).s(), what, text));
  }

  // -- time
  void pass_time(Instant until, const std::function<bool()>& stop) {
    const auto look = [&] {
      try_pending();
      return stop();
    };
    for (;;) {
      Instant limit = until;
      if (pending_ && pending_->deadline) limit = std::min(limit, std::max(*pending_->deadline, machine_.now()));
      if (pending_) limit = std::min(limit, pending_latest());
      machine_.advance(limit, look);
      if (look() || machine_.now() >= until) return;
      if (pending_ && machine_.now() >= pending_latest())
        throw RunFailure(pending_->place, fmt::format("{}() still blocks, and should have returned at {:g} s", pending_->spec->name,
                                                      (pending_end_ - machine_.beginning()).s()));
    }
  }
  [[nodiscard]] Instant pending_latest() const { return pending_end_ + settings_.tolerance; }

  void try_pending() {
    if (!pending_ || !calls_.attempt(*pending_)) return;
    const PendingCall call = std::move(*pending_);
    pending_.reset();
    if (machine_.now() + settings_.tolerance < pending_end_)
      throw RunFailure(call.place,
                       fmt::format("{}() returned {} at {:g} s, and should have blocked until {:g} s", call.spec->name, call.outcome.value,
                                   (machine_.now() - machine_.beginning()).s(), (pending_end_ - machine_.beginning()).s()));
    calls_.finish(call);
  }

  void await_pending() {
    pass_time(pending_latest() + Duration::nanos(1), [this] { return !pending_.has_value(); });
  }

  // -- events
  void step(const Event& e) {
    const auto* packet = std::get_if<PacketSpec>(&e.action);
    if (packet != nullptr && !packet->inbound) return expect(*packet, e);
    const Instant when = start_of(e);
    if (when < last_) throw ScriptError(e.place, "this event is before the one ahead of it");
    if (std::holds_alternative<SystemCall>(e.action) && pending_ && when > machine_.now()) pass_time(when, [] { return false; });
    if (std::holds_alternative<SystemCall>(e.action) && pending_) await_pending();
    pass_time(when, [] { return false; });
    if (machine_.now() > when + settings_.tolerance)
      throw RunFailure(e.place,
                       fmt::format("this comes {} ms late: a call before it had not returned", (machine_.now() - when).ns / 1'000'000));
    last_ = std::max(when, last_);
    if (packet != nullptr) {
      say("<", e.text);
      machine_.deliver(build_inbound(*packet, flows_.of_inbound(*packet, e.place), settings_, e.place));
    } else if (const auto* call = std::get_if<SystemCall>(&e.action)) {
      begin_call(*call, e);
    } else if (const auto* command = std::get_if<Command>(&e.action)) {
      say("`", e.text);
      commands_.run(*command);
    } else {
      run_code(std::get<CodeBlock>(e.action), scope_);
    }
    try_pending();
  }

  [[nodiscard]] Instant start_of(const Event& e) const {
    const bool absolute = e.time.kind == EventTime::Kind::absolute || e.time.kind == EventTime::Kind::absolute_range;
    return (absolute ? machine_.beginning() : last_) + e.time.from;
  }

  void expect(const PacketSpec& packet, const Event& e) {
    Window window{.from = start_of(e), .to = start_of(e), .any = e.time.kind == EventTime::Kind::any};
    const bool range = e.time.kind == EventTime::Kind::absolute_range || e.time.kind == EventTime::Kind::relative_range;
    if (range) window.to = window.from + (e.time.to - e.time.from);
    const Instant at = matcher_.expect(packet, e.place, window);
    last_ = window.any ? std::max(last_, at) : std::max(window.from, at);
    say(">", e.text);
  }

  void begin_call(const SystemCall& call, const Event& e) {
    say("call", e.text);
    PendingCall c = calls_.prepare(call, e.place);
    const Instant base = e.time.kind == EventTime::Kind::absolute ? machine_.beginning() : last_ - e.time.from;
    if (calls_.attempt(c)) {
      if (call.end && base + *call.end > machine_.now() + settings_.tolerance)
        throw RunFailure(e.place, fmt::format("{}() returned {} at once, and should have blocked until {:g} s", call.name, c.outcome.value,
                                              (base + *call.end - machine_.beginning()).s()));
      return calls_.finish(c);
    }
    if (!call.end)
      throw RunFailure(
          e.place, fmt::format("{}() blocks, and the script does not say for how long: +0...0.1 {}(...) would let it until then", call.name,
                               call.name));
    pending_end_ = base + *call.end;
    pending_ = std::move(c);
  }

  void check_end() {
    machine_.settle();
    std::string all;
    for (const Sent& s : machine_.sent) all += fmt::format("\n  at {:.6f} s  {}", (s.at - machine_.beginning()).s(), matcher_.describe(s));
    if (all.empty()) return;
    if (settings_.strict_end)
      throw RunFailure(script_.events.back().place, fmt::format("packets were sent that the script does not expect:{}", all));
    if (log_) log_(fmt::format("sent, and not spoken of by the script:{}", all));
  }

  const Script& script_;
  const Settings& settings_;
  const Log& log_;
  Machine machine_;
  Flows flows_;
  Calls calls_;
  Commands commands_;
  Matcher matcher_;
  CodeScope scope_;
  std::optional<PendingCall> pending_;  // a call that blocks
  Instant pending_end_;
  Instant last_;  // of the event before
};

}  // namespace

RunResult run_script(std::string_view text, const std::string& path, const Settings& given, const Log& log) {
  RunResult result{.path = path};
  const auto note = [&](RunResult::Kind kind, Place place, const char* what) {
    result.kind = kind;
    result.place = place;
    result.message = what;
  };
  try {
    const Script script = parse_script(text, path);
    Settings settings = given;
    apply_options(script, settings);
    Runner(script, settings, log).run(result);
  } catch (const ScriptError& e) {
    note(RunResult::Kind::not_understood, e.place, e.what());
  } catch (const RunFailure& e) {
    note(RunResult::Kind::failed, e.place, e.what());
  } catch (const std::exception& e) {
    note(RunResult::Kind::failed, {}, e.what());
  }
  return result;
}

RunResult run_file(const std::string& path, const Settings& settings, const Log& log) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return {.kind = RunResult::Kind::not_understood, .path = path, .message = "this file cannot be read"};
  return run_script(text.str(), path, settings, log);
}

std::string to_text(const RunResult& r) { return fmt::format("{}:{}:{}: {}", r.path, r.place.line, r.place.column, r.message); }

}  // namespace weir::drill
