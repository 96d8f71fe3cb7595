// What a verb of the command is, and the list of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace weir::cli {

inline constexpr int success = 0, failure = 1, usage = 2;  // exit status

// A verb adds its options to the command line; the one that was chosen sets `run`, which returns the exit status. Wrong
// values throw CLI::ValidationError while options are read, and UsageError later.
struct Chosen {
  std::function<int()> run;
};
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void add_serve(CLI::App& app, Chosen& chosen);
void add_get(CLI::App& app, Chosen& chosen);
void add_ping(CLI::App& app, Chosen& chosen);
void add_nc(CLI::App& app, Chosen& chosen);
void add_up(CLI::App& app, Chosen& chosen);
void add_sim(CLI::App& app, Chosen& chosen);
void add_drill(CLI::App& app, Chosen& chosen);
void add_capture(CLI::App& app, Chosen& chosen);
void add_trace_tcp(CLI::App& app, Chosen& chosen);
void add_stat(CLI::App& app, Chosen& chosen);
void add_ss(CLI::App& app, Chosen& chosen);
void add_bench(CLI::App& app, Chosen& chosen);
void add_demo(CLI::App& app, Chosen& chosen);

extern const char completion_bash[];  // a program for the shell

// main().
int run(int argc, char** argv);
// "weir: " and the message on stderr.
int complain(const std::string& what, int status = failure);

}  // namespace weir::cli
