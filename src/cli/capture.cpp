// weir capture: docs/verbs/capture.md.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/source.hpp"
#include "cli/verb.hpp"
#include "wire/pcap.hpp"
#include "wire/print.hpp"

namespace weir::cli {
namespace {

struct Options {
  std::string at, file, netns, interface;
  u64 count = 0;
  double duration_s = 0;
  u32 snap_len = 0;
};

// How many of these bytes are whole blocks: a file ends with one.
usize whole_blocks(std::string_view bytes) {
  usize at = 0;
  for (u32 length; at + 8 <= bytes.size(); at += length) {
    length = load_raw<u32>(bytes.data() + at + 4);  // little-endian, as weir writes it and runs
    if (length < 12 || length > bytes.size() - at) break;
  }
  return at;
}

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) data.remove_prefix(static_cast<usize>(n));
  }
  return true;
}

int to_file(Source& source, const std::string& name) {
  const io::Fd file(name == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                : ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) return complain("-w " + name + ": " + std::generic_category().message(errno));
  std::string pending;
  while (source.read_more(pending)) {
    const usize n = whole_blocks(pending);
    if (!write_all(file.get(), std::string_view(pending).substr(0, n))) {
      if (errno == EPIPE) return success;  // the reader has seen enough
      return complain("-w " + name + ": " + std::generic_category().message(errno));
    }
    pending.erase(0, n);
  }
  return success;
}

void print(const wire::CaptureReader& reader, const wire::CaptureRecord& r) {
  const i64 second = 1'000'000'000;
  const time_t s = r.time.ns / second;
  tm t{};
  ::localtime_r(&s, &t);
  const auto& interface = reader.interfaces()[r.interface];
  const bool is_ethernet = interface.link == static_cast<u16>(wire::LinkType::ethernet);
  fmt::print("{:02}:{:02}:{:02}.{:06} {} {} {}{}{}\n", t.tm_hour, t.tm_min, t.tm_sec, r.time.ns % second / 1000, interface.name,
             r.direction == wire::Direction::out ? "out" : "in ", is_ethernet ? wire::print_frame(r.data) : wire::print_packet(r.data),
             r.comment.empty() ? "" : "  # ", r.comment);
}

int to_terminal(Source& source) {
  std::string pending;
  bool refused = false;
  wire::CaptureReader reader([&](MutBytes out) -> usize {
    while (pending.empty() && !refused)
      if (!source.read_more(pending)) refused = true;
    const usize n = std::min(out.size(), pending.size());
    std::memcpy(out.data(), pending.data(), n);
    pending.erase(0, n);
    return n;
  });
  for (;;) {
    const auto record = reader.next();
    if (!record && !refused) return complain(std::string("the capture is damaged: ").append(wire::text(record.error())));
    if (!record || !*record) return success;
    print(reader, **record);
    if (pending.empty()) std::fflush(stdout);
  }
}

int run(const Options& o) {
  auto client = control::Client::connect(o.at);
  if (!client) return complain(client.error());
  control::Json request{{"cmd", "capture"}, {"count", o.count}, {"netns", o.netns}, {"interface", o.interface}};
  if (o.snap_len != 0 && !o.file.empty()) request["snap_len"] = o.snap_len;  // a line needs the whole packet
  Source source(*client, Duration::nanos(static_cast<i64>(o.duration_s * 1e9)));
  if (const auto begun = client->begin(request); !begun) return complain(begun.error());
  return o.file.empty() ? to_terminal(source) : to_file(source, o.file);
}

}  // namespace

void add_capture(CLI::App& app, Chosen& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("capture", "what a running weir sends and receives");
  verb->add_option("--at", o->at, "control socket of the running weir; not needed if only one runs")->type_name("SOCKET");
  verb->add_option("-w", o->file, "write pcapng instead of printing; - is stdout")->type_name("FILE|-");
  verb->add_option("--count", o->count, "end after so many packets")->type_name("N")->check(CLI::PositiveNumber);
  verb->add_option("--duration", o->duration_s, "end after so many seconds")->type_name("S")->check(CLI::PositiveNumber);
  verb->add_option("--snap", o->snap_len, "with -w: bytes of each packet to keep")->type_name("N")->check(CLI::Range(1, 65'553));
  verb->add_option("--netns", o->netns, "only this namespace")->type_name("NAME");
  verb->add_option("--interface", o->interface, "only this interface")->type_name("NAME");
  verb->callback([o, &chosen] { chosen.run = [o] { return run(*o); }; });
}

}  // namespace weir::cli
