// weir get: docs/verbs/get.md.
#include <fcntl.h>

#include "apps/file_io.hpp"
#include "apps/http_client.hpp"
#include "cli/net_options.hpp"
#include "cli/progress.hpp"
#include "cli/session.hpp"
#include "cli/verb.hpp"

namespace weir::cli {
namespace {

struct Options {
  NetOptions net;
  std::string url;
  std::string output = "-";
};

io::Fd open_output(const std::string& name) {
  io::Fd fd(name == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                        : ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) throw std::runtime_error("--output " + name + ": " + std::generic_category().message(errno));
  return fd;
}

Task<int> get(Host host, apps::Url url, int output) {
  Progress progress(stderr);
  apps::HttpGet request{.url = std::move(url), .sink = {}};
  std::string trouble;
  request.sink = [&, host](Bytes data) -> Task<bool> {
    const auto written = co_await apps::write_file(host, output, data);
    if (!written) trouble = written.error() == Errc::broken_pipe ? "nobody reads it any more" : text(written.error());
    co_return written.has_value();
  };
  request.progress = [&](u64 bytes, std::optional<u64> total) { progress.show(bytes, total, host.now()); };
  const auto got = co_await apps::http_get(host, std::move(request));
  progress.finish();
  if (!got) co_return complain(trouble.empty() ? got.error() : got.error() + ": " + trouble);
  co_return success;
}

int run(const Options& o) {
  auto url = apps::Url::parse(o.url);
  if (!url) throw UsageError(url.error());
  o.net.check();
  const io::Fd output = open_output(o.output);
  Session session(o.net);
  return session.run([&](Host host) { return get(host, *url, output.get()); });
}

}  // namespace

void add_get(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("get", "fetch a URL over weir");
  verb->add_option("URL", o->url, "http://ADDRESS[:PORT]/PATH")->required();
  verb->add_option("--output", o->output, "file to write, - for stdout")->type_name("FILE|-")->capture_default_str();
  o->net.add_to(*verb);
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
