// A capture as a device: the file's packets come in, what is sent is written to another file.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "io/driver.hpp"
#include "wire/pcap.hpp"

namespace weir::io {

struct PcapConfig {
  std::string in;                // pcap or pcapng; "-": standard input; empty: nothing comes in
  std::string out{};             // empty: what is sent is dropped. pcapng if the name ends so, else pcap
  bool recorded_pace = false;    // as the packets' times say, else as fast as they are taken
  Duration to_wall_clock{};      // as in OpenOptions
};

// When the input ends the device stays, silent. A full disk ends the writing, is counted and reported by write_failed().
class Pcap : public DriverDefaults {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Pcap>, std::string> open(const PcapConfig& config);

  [[nodiscard]] Caps caps() const noexcept;
  [[nodiscard]] std::string_view name() const noexcept { return config_.in; }
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept;
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept;
  [[nodiscard]] Instant wake_at(Instant now) const noexcept;
  [[nodiscard]] bool at_end() const noexcept { return !next_; }
  [[nodiscard]] bool write_failed() const noexcept { return write_failed_; }

  explicit Pcap(PcapConfig config) noexcept : config_(std::move(config)) {}

 private:
  struct Close {
    void operator()(std::FILE* f) const noexcept;
  };
  using File = std::unique_ptr<std::FILE, Close>;

  Result<void, std::string> open_in();
  Result<void, std::string> open_out();
  void read_next() noexcept;
  [[nodiscard]] bool write(const wire::CaptureRecord& record);

  PcapConfig config_;
  File in_, out_;
  std::unique_ptr<wire::CaptureReader> reader_;
  std::unique_ptr<wire::PcapWriter> pcap_;
  std::unique_ptr<wire::PcapngWriter> pcapng_;
  std::optional<wire::CaptureRecord> next_;  // read and not yet received; its bytes are the reader's
  std::optional<wire::CaptureError> bad_;
  std::optional<Duration> offset_;           // from recorded times to ours, once the first packet was received
  wire::LinkType link_type_ = wire::LinkType::ethernet;
  bool write_failed_ = false;
};

}  // namespace weir::io
