// Captures of simulated links: a pcapng file for each, with every frame that was put on the wire or dropped on the way
// there, in virtual time.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sim/world.hpp"
#include "wire/pcap.hpp"

namespace weir::sim {

// Made after the links, before anything runs. The files are complete when it is destroyed; a comment tells what was dropped
// and why.
class Capture {
 public:
  // Directory and files are made. The error is for the user.
  [[nodiscard]] static Result<std::unique_ptr<Capture>, std::string> into(World& world, const std::string& directory);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  // A disk was full: what follows is missing.
  [[nodiscard]] bool failed() const noexcept;

 private:
  struct File {
    std::FILE* file = nullptr;
    std::unique_ptr<wire::PcapngWriter> writer;
    std::string path;
  };
  explicit Capture(World& world) : world_(world) {}
  Result<void, std::string> open(Link& link, const std::string& path);

  World& world_;
  std::vector<File> files_;
};

}  // namespace weir::sim
