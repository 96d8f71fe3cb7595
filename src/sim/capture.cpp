#include "sim/capture.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::sim {

Result<std::unique_ptr<Capture>, std::string> Capture::into(World& world, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return std::unexpected(fmt::format("{}: {}", directory, error.message()));
  std::unique_ptr<Capture> c{new Capture(world)};
  c->files_.reserve(world.links().size());
  for (Link& link : world.links()) {
    std::string name = link.name();
    for (char& x : name)
      if (x == ':' || x == '/') x = '.';
    if (auto ok = c->open(link, (std::filesystem::path(directory) / (name + ".pcapng")).string()); !ok) return std::unexpected(ok.error());
  }
  return c;
}

Result<void, std::string> Capture::open(Link& link, const std::string& path) {
  File& f = files_.emplace_back();
  f.path = path;
  f.file = std::fopen(path.c_str(), "wb");
  if (f.file == nullptr) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  f.writer =
      std::make_unique<wire::PcapngWriter>([file = f.file](Bytes b) { return std::fwrite(b.data(), 1, b.size(), file) == b.size(); });
  const u32 interface = f.writer->add_interface(link.name(), wire::LinkType::ethernet, "simulated link");
  for (u32 direction = 0; direction < 2; ++direction) {
    link.pipe(direction).set_observer(
        [writer = f.writer.get(), interface, direction](Bytes frame, Instant time, Drop why, std::string_view note) {
          wire::CaptureRecord r;
          r.interface = interface;
          r.time = time;
          r.data = frame;
          r.direction = direction == 0 ? wire::Direction::out : wire::Direction::in;
          r.drop = why;
          r.comment = note;
          writer->write(r);
        });
  }
  return {};
}

Capture::~Capture() {
  for (Link& link : world_.links())
    for (u32 direction = 0; direction < 2; ++direction) link.pipe(direction).set_observer({});
  for (File& f : files_) {
    f.writer.reset();
    if (f.file != nullptr) std::fclose(f.file);
  }
}

bool Capture::failed() const noexcept {
  return std::ranges::any_of(files_, [](const File& f) { return f.writer && !f.writer->ok(); });
}

}  // namespace weir::sim
