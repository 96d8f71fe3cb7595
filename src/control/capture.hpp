// Packet capture of a running weir: a tap on the shard, records as pcapng, in a bounded queue for a reader that may be slow.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shard/shard.hpp"
#include "wire/pcap.hpp"

namespace weir::control {

struct CaptureConfig {
  u32 snap_len = 65'535 + 18;
  u64 count = 0;                  // packets; 0: without end
  std::string netns, interface;   // empty: all
  Duration to_wall_clock{};
};

// Frames are copied as they pass, whatever becomes of them. Checksums that a device would fill in are filled in, so what
// is recorded is what is on the wire; super-segments are recorded in one piece. A drop is a comment on the packet.
//
//   Capture capture(shard, config);         // records from now on
//   capture.flush();                        // now and then: what has passed until now is in output()
class Capture {
 public:
  Capture(Shard& shard, const CaptureConfig& config);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Bytes of pcapng for the reader, and that it has taken the first n. What does not fit into the limit is counted instead.
  void flush();
  [[nodiscard]] Bytes output() const noexcept { return Bytes(output_).subspan(taken_); }
  void take(usize n) noexcept;
  [[nodiscard]] bool is_over() const noexcept { return config_.count != 0 && recorded_ >= config_.count; }

 private:
  struct Record {
    buf::PacketId id;
    IfIndex interface;
    bool outbound;
    Drop why;
    u32 length;     // on the wire
    Instant time;
    usize at, size;  // in bytes_
    bool with_link;  // has a link-layer header
  };
  static constexpr usize most_output = 8u << 20;

  static void on_packet(void* self, IfIndex interface, bool outbound, buf::PacketId id, Drop why, Instant now);
  [[nodiscard]] bool wants(IfIndex interface) const;
  void record(IfIndex interface, bool outbound, buf::PacketId id, Drop why, Instant now);
  [[nodiscard]] bool mark_dropped(buf::PacketId id, IfIndex interface, Drop why) noexcept;
  void complete_checksum(buf::PacketId id, bool with_link, MutBytes copy) const;
  void write(const Record& r);
  [[nodiscard]] u32 number_of(IfIndex interface, bool with_link);

  Shard& shard_;
  CaptureConfig config_;
  std::vector<Record> records_;    // of this turn: a packet that is dropped was recorded as it came in
  std::vector<std::byte> bytes_;   // theirs
  std::vector<std::byte> output_;
  usize taken_ = 0;
  u64 recorded_ = 0, missed_ = 0;
  wire::PcapngWriter writer_;
  std::map<std::pair<IfIndex, bool>, u32> numbers_;
};

}  // namespace weir::control
